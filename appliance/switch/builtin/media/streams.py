"""The two ends of a leg's audio: what comes in is counted, what goes out is one unbroken stream. Pure, no sockets.

Times are seconds of one monotonic clock, timestamps samples.
"""

import secrets
from typing import Final

from appliance.switch.builtin.media.g711 import FRAME, SAMPLES_PER_SECOND

_MOST_DROPOUT: Final = 3000  # RFC 3550 A.1: a larger step in sequence is a sender that began anew
_MOST_MISORDER: Final = 100
_MOST_STEP: Final = 2 * SAMPLES_PER_SECOND  # a timestamp may leap this far without a look at the clock


class Incoming:
    """One sender's stream (one SSRC): counts, losses, jitter (RFC 3550 §6.4.1, A.3, A.8)."""

    __slots__ = ("_cycles", "_prior", "_transit", "expected", "highest", "jitter", "received", "ssrc")

    def __init__(self, ssrc: int, seq: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.expected = 0  # packets the sender has sent since we first heard it
        self.highest = (seq - 1) & 0xFFFF
        self.jitter = 0.0  # samples
        self._cycles = 0
        self._transit: float | None = None
        self._prior = (0, 0)

    def count(self, seq: int, timestamp: int, now: float) -> None:
        """Take notice of a packet."""
        self.received += 1
        step = (seq - self.highest) & 0xFFFF
        if step == 0 or step >= 0x10000 - _MOST_MISORDER:
            return  # late, or twice
        self.expected += step if step <= _MOST_DROPOUT else 1  # else: the sender began anew under the same SSRC
        if seq < self.highest:
            self._cycles += 0x10000
        self.highest = seq
        transit = now * SAMPLES_PER_SECOND - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            if change < SAMPLES_PER_SECOND:  # more is a new clock, or timestamps that wrapped
                self.jitter += (change - self.jitter) / 16
        self._transit = transit

    @property
    def lost(self) -> int:
        """Packets that never came; a duplicate is taken for one of them, as RFC 3550 does."""
        return max(0, self.expected - self.received)

    @property
    def extended_highest(self) -> int:
        """The highest sequence number with its cycles, for reports."""
        return self._cycles + self.highest

    def fraction_lost(self) -> int:
        """Lost since the last call of this, of 256."""
        expected, received = self.expected - self._prior[0], self.received - self._prior[1]
        self._prior = (self.expected, self.received)
        if expected <= 0 or received >= expected:
            return 0
        return min(255, (expected - received) * 256 // expected)


class Outgoing:
    """The one stream a party hears, whatever speaks: one SSRC, sequence and timestamps that never jump.

    A source is anything with an identity (another leg's Incoming, or our own player). Within one source numbers
    keep their distances, so loss stays loss and a late packet keeps its place; at a change of source they go on from
    where the last one stood, moved by the time that passed, with the marker bit set.
    """

    __slots__ = (
        "_in_seq",
        "_in_ts",
        "_seq_shift",
        "_source",
        "_span",
        "_ts_shift",
        "at",
        "octets",
        "packets",
        "seq",
        "ssrc",
        "timestamp",
    )

    def __init__(self) -> None:
        self.ssrc = secrets.randbits(32)
        self.seq = secrets.randbits(16)  # of the newest packet sent
        self.timestamp = secrets.randbits(32)
        self.packets = 0
        self.octets = 0
        self._source: object | None = None
        self._seq_shift = 0
        self._ts_shift = 0
        self._in_seq = 0
        self._in_ts = 0
        self._span = 0  # packets since the source changed: a late one from before that is dropped
        self.at = 0.0  # when the moment of ``timestamp`` was

    def follow(self, source: object, seq: int, timestamp: int, now: float) -> tuple[bool, int, int] | None:
        """Marker, sequence and timestamp for a source's packet; None for one too late to be passed on."""
        if source is self._source:
            step = (seq - self._in_seq) & 0xFFFF
            leap = (timestamp - self._in_ts) & 0xFFFFFFFF
            if 0 < step <= _MOST_DROPOUT and (leap <= _MOST_STEP or self._is_plausible(leap, now)):
                self._span += step
                self._in_seq = seq
                if leap:  # the packets of one event share the timestamp of its beginning
                    self._in_ts, self.at = timestamp, now
                self.seq = seq + self._seq_shift & 0xFFFF
                self.timestamp = timestamp + self._ts_shift & 0xFFFFFFFF
                return False, self.seq, self.timestamp
            if step == 0 or step >= 0x10000 - _MOST_MISORDER:
                if 0x10000 - step > self._span and step:
                    return None
                return False, seq + self._seq_shift & 0xFFFF, timestamp + self._ts_shift & 0xFFFFFFFF
        self._change(source, seq, timestamp, now)
        return True, self.seq, self.timestamp

    def own(self, source: object, samples: int, now: float, *, fresh: bool = False) -> tuple[bool, int, int]:
        """Marker, sequence and timestamp for a frame of our own that follows the last by ``samples``."""
        if source is not self._source or fresh:
            self._change(source, 0, 0, now)
            return True, self.seq, self.timestamp
        self.seq = self.seq + 1 & 0xFFFF
        if samples:
            self.timestamp = self.timestamp + samples & 0xFFFFFFFF
            self.at = now
        return False, self.seq, self.timestamp

    def leave(self, own: object) -> None:
        """Whatever speaks next begins anew, unless it is ``own`` that speaks now."""
        if self._source is not own:
            self._source = None

    def _is_plausible(self, leap: int, now: float) -> bool:
        """Whether a leap of the source's timestamps is the silence that passed, or a small step back (events)."""
        if leap >= 0x100000000 - _MOST_STEP:
            return True
        return abs(leap - (now - self.at) * SAMPLES_PER_SECOND) < _MOST_STEP

    def _change(self, source: object, seq: int, timestamp: int, now: float) -> None:
        passed = int((now - self.at) * SAMPLES_PER_SECOND) if self.at else FRAME
        self._source = source
        self.seq = self.seq + 1 & 0xFFFF
        self.timestamp = self.timestamp + max(FRAME, passed) & 0xFFFFFFFF
        self._seq_shift = self.seq - seq
        self._ts_shift = self.timestamp - timestamp
        self._in_seq, self._in_ts, self.at, self._span = seq, timestamp, now, 0
