"""Keys are told once each, whatever happens to their packets; keys we press can be told by that same ear."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.media.digits import DigitDetector, EventBeat, press
from appliance.switch.builtin.media.packets import DIGITS, TelephoneEvent

Arrival = tuple[TelephoneEvent, int, bool]  # event, timestamp, marker


def packets_of(digits: str, *, start: int = 1000) -> list[list[Arrival]]:
    """The packets of each key, as a phone sends them: one every 20 ms, the end three times."""
    keys = []
    for index, digit in enumerate(digits):
        timestamp, event = (start + index * 1600) & 0xFFFFFFFF, DIGITS.index(digit)
        key = [(TelephoneEvent(event, False, 160 * (n + 1)), timestamp, n == 0) for n in range(5)]
        key += [(TelephoneEvent(event, True, 960), timestamp, False)] * 3
        keys.append(key)
    return keys


def told(arrivals: list[Arrival]) -> str:
    detector = DigitDetector()
    return "".join(detector.hear(event, timestamp, marker=marker) for event, timestamp, marker in arrivals)


digits = st.text(alphabet=DIGITS, min_size=1, max_size=12)


@given(digits=digits, start=st.integers(0, 0xFFFFFFFF), data=st.data())
def test_each_key_is_told_once_if_one_of_its_packets_arrives(digits: str, start: int, data: st.DataObject) -> None:
    arrivals = []
    for key in packets_of(digits, start=start):
        kept = data.draw(st.sets(st.integers(0, len(key) - 1), min_size=1))
        arrivals += [key[index] for index in sorted(kept)]
    assert told(arrivals) == digits


@given(digits=digits, data=st.data())
def test_doubled_and_late_packets_tell_nothing_new(digits: str, data: st.DataObject) -> None:
    keys = packets_of(digits)
    arrivals: list[Arrival] = []
    for index, key in enumerate(keys):
        arrivals += key
        if index:
            arrivals += data.draw(st.lists(st.sampled_from(keys[index - 1]), max_size=2))
        arrivals += data.draw(st.lists(st.sampled_from(key), max_size=2))
    assert told(arrivals) == digits


def test_a_key_held_for_ten_seconds_is_one_key() -> None:
    arrivals = [(TelephoneEvent(5, False, min(160 * n, 0xFFFF)), 0, n == 1) for n in range(1, 411)]
    arrivals += [(TelephoneEvent(5, False, 160 * n), 0xFFFF, False) for n in range(1, 90)]
    arrivals += [(TelephoneEvent(5, True, 160 * 90), 0xFFFF, False)] * 3
    assert told(arrivals) == "5"


def test_a_phone_that_moves_the_timestamp_within_a_key_presses_it_once() -> None:
    arrivals = [(TelephoneEvent(5, n > 7, 160 * n), 160 * n, n == 1) for n in range(1, 11)]
    assert told(arrivals) == "5"


def test_what_is_no_key_is_not_told() -> None:
    assert told([(TelephoneEvent(16, False, 160), 0, True)]) == ""


@given(digits)
def test_what_we_press_is_heard_once_each(digits: str) -> None:
    detector, heard, timestamp = DigitDetector(), "", 0
    for beat in press(digits):
        if beat is None:
            timestamp += 160
            continue
        for copy in range(beat.copies):
            if beat.first and copy == 0:
                timestamp += 160 * 7
            event = TelephoneEvent(beat.event, beat.ended, beat.duration)
            heard += detector.hear(event, timestamp, marker=beat.first and copy == 0)
    assert heard == digits


def test_a_press_starts_and_ends_three_times_and_grows_between() -> None:
    beats = [beat for beat in press("1") if isinstance(beat, EventBeat)]
    assert beats[0].first
    assert beats[0].copies == 3
    assert [beat.ended for beat in beats[-3:]] == [True] * 3
    durations = [beat.duration for beat in beats[:-2]]
    assert durations == [160 * n for n in range(1, len(durations) + 1)]


def test_what_is_no_key_is_a_pause() -> None:
    assert list(press(",")) == [None] * 20
