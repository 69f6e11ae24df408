"""RTP and RTCP on the wire (RFC 3550), and telephone events (RFC 4733): bytes in, values out, and back."""

import struct
from dataclasses import dataclass
from typing import Final

RTP_HEADER: Final = struct.Struct(">BBHII")
PLAIN: Final = 0x80  # version 2, no padding, no extension, no contributing sources
MARKER: Final = 0x80
MOST_BYTES: Final = 1700  # 200 ms of G.711 and room for extensions; nothing we agreed to is larger
COMFORT_NOISE: Final = 13  # RFC 3389

DIGITS: Final = "0123456789*#ABCD"
_EVENT: Final = struct.Struct(">BBH")
_END: Final = 0x80
_VOLUME: Final = 10  # -10 dBm0

_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION = 200, 201, 202
_REPORT_HEADER: Final = struct.Struct(">BBHI")
_SENDER_INFO: Final = struct.Struct(">IIIII")
_BLOCK: Final = struct.Struct(">IIIIII")
_NTP_EPOCH: Final = 2208988800


def payload_of(packet: bytes) -> bytes | None:
    """The payload of a version 2 packet with padding, extension or contributing sources; None when malformed."""
    first, length = packet[0], len(packet)
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > length:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = length
    if first & 0x20:
        padding = packet[-1]
        if not padding:
            return None
        end -= padding
    return packet[start:end] if start <= end else None


@dataclass(frozen=True)
class TelephoneEvent:
    """The payload of a telephone event packet."""

    event: int
    ended: bool
    duration: int  # samples so far

    @property
    def digit(self) -> str:
        """The key, "" for events that are no key (flash, tones)."""
        return DIGITS[self.event] if self.event < len(DIGITS) else ""


def event_of(payload: bytes) -> TelephoneEvent | None:
    """Read a telephone event; None when it is too short."""
    if len(payload) < _EVENT.size:
        return None
    event, flags, duration = _EVENT.unpack_from(payload)
    return TelephoneEvent(event, bool(flags & _END), duration)


def event_payload(event: int, duration: int, *, ended: bool) -> bytes:
    """A telephone event packet's payload; ``duration`` in samples."""
    return _EVENT.pack(event, (_END if ended else 0) | _VOLUME, min(duration, 0xFFFF))


@dataclass(frozen=True)
class ReportBlock:
    """What a receiver tells about a stream (RFC 3550 §6.4.1)."""

    ssrc: int
    fraction_lost: int  # of 256, since the last report
    lost: int
    highest: int
    jitter: int  # samples
    last_report: int  # middle 32 bits of the NTP time of the last sender report
    since_report: int  # 1/65536 s


def ntp(unix_seconds: float) -> tuple[int, int]:
    """Seconds and fraction of an NTP timestamp."""
    whole = int(unix_seconds)
    return whole + _NTP_EPOCH & 0xFFFFFFFF, int((unix_seconds - whole) * 0x100000000)


def report(ssrc: int, sent: tuple[int, int, int] | None, at: float, block: ReportBlock | None, name: bytes) -> bytes:
    """A compound RTCP packet: sender or receiver report, and our canonical name.

    ``sent``: timestamp, packets and bytes sent, None when nothing was; ``at``: Unix seconds.
    """
    body = b""
    if sent is not None:
        body += _SENDER_INFO.pack(*ntp(at), *(value & 0xFFFFFFFF for value in sent))
    if block is not None:
        lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
        body += _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | lost,
            block.highest & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_report,
            block.since_report & 0xFFFFFFFF,
        )
    kind = _SENDER_REPORT if sent is not None else _RECEIVER_REPORT
    head = _REPORT_HEADER.pack(0x80 | (block is not None), kind, len(body) // 4 + 1, ssrc)
    item = bytes([1, len(name)]) + name
    item += bytes(4 - len(item) % 4)
    return head + body + _REPORT_HEADER.pack(0x81, _DESCRIPTION, len(item) // 4 + 1, ssrc) + item


@dataclass(frozen=True)
class Report:
    """What we take from a compound RTCP packet."""

    sender_ntp_middle: int  # 0 when it held no sender report
    blocks: tuple[ReportBlock, ...]


def read_reports(packet: bytes) -> Report | None:
    """The reports in a compound RTCP packet; None when malformed."""
    offset, middle, blocks = 0, 0, []
    while offset < len(packet):
        if len(packet) - offset < 8:
            return None
        first, kind, words, _ = _REPORT_HEADER.unpack_from(packet, offset)
        end = offset + 4 * (words + 1)
        if first >> 6 != 2 or end > len(packet) or end < offset + 4:
            return None
        at = offset + 8
        if kind == _SENDER_REPORT and end - at >= _SENDER_INFO.size:
            seconds, fraction, *_ = _SENDER_INFO.unpack_from(packet, at)
            middle = (seconds & 0xFFFF) << 16 | fraction >> 16
            at += _SENDER_INFO.size
        if kind in (_SENDER_REPORT, _RECEIVER_REPORT):
            for _ in range(first & 0x1F):
                if at + _BLOCK.size > end:
                    return None
                ssrc, loss, *rest = _BLOCK.unpack_from(packet, at)
                lost = (loss & 0xFFFFFF ^ 0x800000) - 0x800000
                blocks.append(ReportBlock(ssrc, loss >> 24, lost, *rest))
                at += _BLOCK.size
        offset = end
    return Report(middle, tuple(blocks))
