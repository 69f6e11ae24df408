"""Packets on the wire: what is built is read again, and no bytes at all make the readers raise."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.media import packets
from appliance.switch.builtin.media.packets import ReportBlock

word = st.integers(0, 0xFFFFFFFF)


@given(
    payload=st.binary(max_size=200),
    sources=st.integers(0, 15),
    extension=st.none() | st.integers(0, 5),
    padding=st.integers(0, 20),
)
def test_the_payload_is_found_behind_all_that_may_stand_before_and_after_it(
    payload: bytes, sources: int, extension: int | None, padding: int
) -> None:
    first = 0x80 | sources | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    raw = bytes([first, 0]) + bytes(10) + bytes(4 * sources)
    if extension is not None:
        raw += b"\xbe\xde" + extension.to_bytes(2, "big") + bytes(4 * extension)
    raw += payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    assert packets.payload_of(raw) == payload


@given(st.binary(min_size=12, max_size=100))
def test_no_packet_makes_the_reader_raise(raw: bytes) -> None:
    packets.payload_of(raw)


@given(event=st.integers(0, 255), duration=st.integers(0, 100_000), ended=st.booleans())
def test_events_are_read_as_built(event: int, duration: int, ended: bool) -> None:
    read = packets.event_of(packets.event_payload(event, duration, ended=ended))
    assert read == packets.TelephoneEvent(event, ended, min(duration, 0xFFFF))
    assert (read.digit != "") == (event < 16)


@given(st.binary(max_size=3))
def test_a_short_event_is_none(raw: bytes) -> None:
    assert packets.event_of(raw) is None


@given(
    block=st.builds(ReportBlock, word, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), word, word, word, word),
    sent=st.none() | st.tuples(word, word, word),
    name=st.binary(min_size=1, max_size=60),
)
def test_reports_are_read_as_built(block: ReportBlock, sent: tuple[int, int, int] | None, name: bytes) -> None:
    raw = packets.report(7, sent, 1_800_000_000.5, block, name)
    assert len(raw) % 4 == 0
    read = packets.read_reports(raw)
    assert read is not None
    assert read.blocks == (block,)
    assert (read.sender_ntp_middle != 0) == (sent is not None)


@given(st.binary(max_size=200))
def test_no_report_makes_the_reader_raise(raw: bytes) -> None:
    packets.read_reports(raw)


@given(st.data())
def test_no_damaged_report_makes_the_reader_raise(data: st.DataObject) -> None:
    raw = bytearray(packets.report(7, (1, 2, 3), 1e9, ReportBlock(1, 2, 3, 4, 5, 6, 7), b"leg"))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    packets.read_reports(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
