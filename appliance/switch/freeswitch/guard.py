"""Who guesses passwords, pure: failures in, whom to bar out.

FreeSWITCH answers as many guesses as are sent. Failures earn points that melt with time; over the limit the address
they came from is barred, twice as long each time, and for as long as it goes on. Behind an address that phones of ours
share the extension is barred instead: the phones in one house are not locked out by one of them.

Owns: the counters. Leaves out: barring (barring.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

LIMIT = 6.0
MELT_PER_SECOND = 0.05
FIRST_BAR_SECONDS = 4.0
LONGEST_BAR_SECONDS = 900.0
MOST_SOURCES = 4096

_Key = tuple[Literal["address", "extension"], str]


@dataclass(frozen=True)
class Barred:
    """Who gets in with no password at all just now."""

    addresses: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Record:
    points: float = 0.0
    at: float = 0.0
    barred_until: float = 0.0
    seconds: float = 0.0  # how long the last bar was


class Guard:
    """Counts failures, in bounded memory."""

    def __init__(self, clock: Callable[[], float], shares_address: Callable[[str], bool]) -> None:
        """``shares_address``: whether a phone of ours is registered from that address."""
        self._clock, self._shares_address = clock, shares_address
        self._records: OrderedDict[_Key, _Record] = OrderedDict()

    def failed(self, address: str, extension: str) -> None:
        """A wrong password."""
        key: _Key = ("extension", extension) if self._shares_address(address) else ("address", address)
        now = self._clock()
        record = self._records.setdefault(key, _Record(at=now))
        self._records.move_to_end(key)
        while len(self._records) > MOST_SOURCES:
            self._records.popitem(last=False)
        if now < record.barred_until:  # it goes on, and so does the bar
            record.barred_until, record.at = now + record.seconds, now
            return
        melted = (now - max(record.at, record.barred_until)) * MELT_PER_SECOND
        record.points = max(0.0, record.points - melted) + 1.0
        record.at = now
        if record.points >= LIMIT:
            record.points = LIMIT - 1.0  # one more after the bar, and it is twice as long
            record.seconds = min(LONGEST_BAR_SECONDS, max(FIRST_BAR_SECONDS, 2 * record.seconds))
            record.barred_until = now + record.seconds

    def proved(self, address: str, extension: str) -> None:
        """A right password: what its phone got wrong before is forgiven."""
        self._records.pop(("address", address), None)
        self._records.pop(("extension", extension), None)

    def forgive_all(self) -> None:
        """Begin anew."""
        self._records.clear()

    def barred(self) -> Barred:
        """Who is barred now."""
        now = self._clock()
        keys = [key for key, record in self._records.items() if now < record.barred_until]
        return Barred(
            frozenset(name for kind, name in keys if kind == "address"),
            frozenset(name for kind, name in keys if kind == "extension"),
        )
