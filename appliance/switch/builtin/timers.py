"""The timers of RFC 3261 §17 and its table 4, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timers:
    """``t1`` is the estimate of a round trip; tests make it small."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def give_up(self) -> float:
        """64·T1: timers B, F, H, L, M, and the longest wait for an ACK."""
        return 64 * self.t1

    @property
    def linger(self) -> float:
        """Timer D over UDP: how long a refused INVITE's final response may still be repeated."""
        return 64 * self.t1
