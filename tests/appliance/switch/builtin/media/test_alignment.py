"""Packets land where they belong on the time line of a recording, over an hour and in spite of the network."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.media.alignment import Placement


def true_and_placed(
    *, seconds: float, drift: float = 0.0, jitter: float = 0.0, seed: int = 1, lost: float = 0.0, first: int = 12345
) -> list[tuple[float, int]]:
    """When each packet was spoken (samples of our clock) and where it was placed. Times in samples."""
    chance = random.Random(seed)
    placement, result = Placement(), []
    for index in range(int(seconds * 50)):
        spoken = index * 160 * (1 + drift)
        if chance.random() < lost:
            continue
        arrival = int(spoken + chance.random() * jitter)
        result.append((spoken, placement.place((first + index * 160) & 0xFFFFFFFF, arrival, fresh=index == 0)))
    return result


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 50e-6, 200e-6])
@pytest.mark.parametrize("jitter", [0, 640])
def test_an_hour_with_drifting_clocks_stays_within_60_ms(drift: float, jitter: int) -> None:
    placed = true_and_placed(seconds=3600, drift=drift, jitter=jitter, lost=0.01)
    assert max(abs(position - spoken) for spoken, position in placed) < 60 * 8 + jitter


@pytest.mark.parametrize("jitter", [0, 240, 640])
def test_jitter_leaves_no_trace_between_packets(jitter: int) -> None:
    placed = true_and_placed(seconds=60, jitter=jitter)
    steps = {b[1] - a[1] for a, b in pairwise(placed[250:])}
    assert steps <= {159, 160, 161}


@given(st.permutations(range(6)), st.integers(0, 0xFFFFFFFF))
def test_packets_out_of_order_get_their_own_places(order: list[int], first: int) -> None:
    placement = Placement()
    start = placement.place(first, 1000, fresh=True)
    for index in order:
        timestamp = (first + (1 + index) * 160) & 0xFFFFFFFF
        assert placement.place(timestamp, 1000 + 7 * 160, fresh=False) == start + (1 + index) * 160


def test_a_pause_counted_by_the_sender_is_a_pause() -> None:
    placement = Placement()
    assert placement.place(0, 0, fresh=True) == 0
    assert placement.place(8000 * 60, 8000 * 60 + 50, fresh=True) == 8000 * 60


def test_a_pause_the_sender_does_not_count_is_a_pause_all_the_same() -> None:
    placement = Placement()
    placement.place(0, 0, fresh=True)
    assert placement.place(160, 8000, fresh=True) == 8000
    assert placement.place(320, 8160, fresh=False) == 8160


def test_a_burst_after_a_stall_is_laid_out_in_its_time() -> None:
    placement = Placement()
    for index in range(50):
        placement.place(index * 160, index * 160, fresh=index == 0)
    for index in range(50, 90):
        assert placement.place(index * 160, 90 * 160, fresh=False) == index * 160


def test_a_sender_that_begins_anew_is_placed_when_it_came() -> None:
    placement = Placement()
    placement.place(0, 0, fresh=True)
    assert placement.place(3_000_000_000, 500, fresh=False) == 500
    assert placement.place(3_000_000_160, 660, fresh=False) == 660


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 400), st.booleans()), max_size=50))
def test_no_timestamps_lead_far_from_the_time_they_came(packets: list[tuple[int, int, bool]]) -> None:
    placement, now = Placement(), 0
    for timestamp, passed, fresh in packets:
        now += passed
        assert -13_000 <= placement.place(timestamp, now, fresh=fresh) - now <= 900
