"""Where a packet's samples belong in a recording: pure arithmetic, no clock, no file.

A packet's RTP timestamp says where it belongs among the packets of its sender, our clock says where the sender's
time lies in ours. The timestamp rules from packet to packet, so that jitter leaves no trace; our clock rules in
the long run, so that two senders whose clocks drift stay together for hours.

Distances are in samples (1/8000 s). ``error`` is how much later than its place a packet arrived.
"""

_NEAR = 160  # an error up to this (20 ms) is left alone
_FAR = 800  # one that lasts and is beyond this (100 ms) is jumped, a smaller one is crept up to
_LATEST = 12000  # 1.5 s: later than this, the sender's timestamps mean something new
_EARLIEST = -800  # 0.1 s: a packet cannot arrive before it is spoken
_WINDOW = 100  # packets over which the least error is taken as the true one
_SPURT = 400  # at the start of a talk spurt, 50 ms off is enough to start anew


class Placement:
    """Maps one sender's timestamps onto a recording's time line."""

    def __init__(self) -> None:
        self._base: int | None = None  # position = timestamp (unwrapped) + base
        self._newest = 0  # unwrapped
        self._least = _LATEST
        self._seen = 0
        self._creep = 0  # -1, 0, +1 sample a packet

    def place(self, timestamp: int, arrival: int, *, fresh: bool) -> int:
        """The position of a packet's first sample. ``arrival``: when it came; ``fresh``: first of a talk spurt."""
        if self._base is None:
            self._newest = timestamp
            return self._anew(timestamp, arrival)
        step = (timestamp - self._newest + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        unwrapped = self._newest + step
        error = arrival - (unwrapped + self._base)
        if step > 0:
            self._newest = unwrapped
            if self._creep:
                self._base += self._creep
        elif -_LATEST < step <= 0 and error <= _LATEST:
            return unwrapped + self._base  # out of order: its place is known, it says nothing about the clocks
        if error > _LATEST or error < _EARLIEST or (fresh and abs(error) > _SPURT):
            self._newest = unwrapped
            return self._anew(unwrapped, arrival)
        self._watch(error)
        return unwrapped + self._base

    def _anew(self, unwrapped: int, arrival: int) -> int:
        self._base = arrival - unwrapped
        self._least, self._seen, self._creep = _LATEST, 0, 0
        return arrival

    def _watch(self, error: int) -> None:
        """Learn from the least error of a window: what jitter adds is never negative, so the least is the truest."""
        assert self._base is not None
        self._least = min(self._least, error)
        self._seen += 1
        if self._seen < _WINDOW:
            return
        least = self._least
        self._least, self._seen = _LATEST, 0
        if abs(least) > _FAR:
            self._base += least
            self._creep = 0
        elif abs(least) > _NEAR:
            self._creep = 1 if least > 0 else -1
        elif least * self._creep <= _NEAR // 4:
            self._creep = 0
