"""What comes in is counted right; what goes out is one stream that never jumps. Properties over any traffic."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.media.g711 import FRAME
from appliance.switch.builtin.media.streams import Incoming, Outgoing

sequence = st.integers(0, 0xFFFF)
moment = st.integers(0, 0xFFFFFFFF)


class Speaker:
    """A source with numbers of its own."""

    def __init__(self, seq: int, timestamp: int) -> None:
        self.seq, self.timestamp = seq, timestamp

    def step(self, packets: int) -> None:
        self.seq = (self.seq + packets) & 0xFFFF
        self.timestamp = (self.timestamp + packets * FRAME) & 0xFFFFFFFF


@given(
    starts=st.lists(st.tuples(sequence, moment), min_size=3, max_size=3),
    turns=st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 30), st.integers(0, 3)), max_size=30),
)
def test_the_stream_goes_on_whoever_speaks(starts: list[tuple[int, int]], turns: list[tuple[int, int, int]]) -> None:
    speakers = [Speaker(*start) for start in starts]
    out, now, own = Outgoing(), 100.0, object()
    last: tuple[int, int] | None = None
    speaking: object | None = None
    for who, frames, lost in turns:
        source = own if who < 0 else speakers[who]
        for frame in range(frames):
            now += 0.02
            skipped = lost if frame == frames // 2 else 0
            if who < 0:
                numbers = out.own(own, FRAME, now)
                skipped = 0
            else:
                speakers[who].step(1 + skipped)
                now += 0.02 * skipped
                numbers = out.follow(source, speakers[who].seq, speakers[who].timestamp, now)
            assert numbers is not None
            marker, seq, timestamp = numbers
            assert marker == (source is not speaking)
            if last is not None:
                if marker:
                    assert (seq - last[0]) & 0xFFFF == 1
                    assert FRAME <= (timestamp - last[1]) & 0xFFFFFFFF <= FRAME * (2 + skipped)
                else:
                    assert (seq - last[0]) & 0xFFFF == 1 + skipped
                    assert (timestamp - last[1]) & 0xFFFFFFFF == FRAME * (1 + skipped)
            last, speaking = (seq, timestamp), source


@given(seq=sequence, timestamp=moment, order=st.permutations(range(8)))
def test_packets_out_of_order_keep_their_places(seq: int, timestamp: int, order: list[int]) -> None:
    out, source = Outgoing(), object()
    assert out.follow(source, seq, timestamp, 1.0) is not None
    base_seq, base_timestamp = out.seq, out.timestamp
    for index in order:
        numbers = out.follow(source, (seq + 1 + index) & 0xFFFF, (timestamp + FRAME * (1 + index)) & 0xFFFFFFFF, 1.1)
        assert numbers == (
            False,
            (base_seq + 1 + index) & 0xFFFF,
            (base_timestamp + FRAME * (1 + index)) & 0xFFFFFFFF,
        )


def test_a_late_packet_of_before_the_change_is_dropped() -> None:
    out, source = Outgoing(), object()
    out.own(object(), FRAME, 1.0)
    assert out.follow(source, 500, 80_000, 1.02) is not None
    assert out.follow(source, 499, 79_840, 1.03) is None
    assert out.follow(source, 501, 80_160, 1.04) is not None
    assert out.follow(source, 498, 79_680, 1.04) is None


def test_a_sender_that_begins_anew_under_its_ssrc_makes_no_jump() -> None:
    out, source = Outgoing(), object()
    out.follow(source, 10, 1000, 1.0)
    before = out.seq, out.timestamp
    assert out.follow(source, 40_000, 3_000_000_000, 1.02) == (True, (before[0] + 1) & 0xFFFF, out.timestamp)
    assert (out.timestamp - before[1]) & 0xFFFFFFFF == FRAME


def test_a_pause_of_the_sender_stays_a_pause() -> None:
    out, source = Outgoing(), object()
    out.follow(source, 10, 1000, 1.0)
    before = out.timestamp
    numbers = out.follow(source, 11, 1000 + 60 * 8000, 61.0)
    assert numbers is not None
    assert (numbers[2] - before) & 0xFFFFFFFF == 60 * 8000


def test_events_of_one_press_share_their_timestamp_and_time_goes_on_after_it() -> None:
    out, own, source = Outgoing(), object(), object()
    for index in range(8):
        out.follow(source, 10 + index, 1000, 1.0 + index * 0.02)
    pressed = out.timestamp
    _, _, after = out.own(own, FRAME, 1.2)
    assert abs(((after - pressed) & 0xFFFFFFFF) - 1600) <= 1


@given(seq=sequence, received=st.sets(st.integers(0, 300), min_size=1))
def test_losses_are_what_did_not_come(seq: int, received: set[int]) -> None:
    first, last = min(received), max(received)
    stream = Incoming(1, (seq + first) & 0xFFFF)
    for index in sorted(received):
        stream.count((seq + index) & 0xFFFF, index * FRAME, index * 0.02)
    assert stream.received == len(received)
    assert stream.lost == last - first + 1 - len(received)
    assert stream.jitter < 1


@given(seq=sequence, jumps=st.lists(sequence, max_size=20))
def test_no_sequence_makes_the_counts_absurd(seq: int, jumps: list[int]) -> None:
    stream = Incoming(1, seq)
    for index, jump in enumerate([seq, *jumps]):
        stream.count(jump, 0, index * 0.02)
        assert 0 <= stream.fraction_lost() <= 255
    assert 0 <= stream.lost <= 3000 * (len(jumps) + 1)
    assert stream.extended_highest >= 0


def test_jitter_is_measured_in_samples() -> None:
    stream = Incoming(1, 0)
    for index in range(500):
        stream.count(index & 0xFFFF, index * FRAME, index * 0.02 + (0.005 if index % 2 else 0.0))
    assert 35 < stream.jitter < 45  # 5 ms are 40 samples
