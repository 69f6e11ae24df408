"""Who is listened to: strangers that misbehave meet a growing silence.

Each source earns points for what only an attacker or a broken device does; points melt with time and vanish with a
proven password. Over the limit the source is not answered for a while, twice as long each time.

Owns: the counters. Leaves out: what is an offence (dispatch.py says) and who is known (``is_known`` tells).
"""

import ipaddress
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.switch.builtin.wire import Place

log = logging.getLogger(__name__)

Offence = Literal["malformed", "huge", "challenged", "wrong-password", "forbidden", "stranger"]

_POINTS: dict[Offence, float] = {
    "malformed": 0.05,
    "huge": 0.1,
    "challenged": 0.05,  # an honest phone takes this back at once, by proving its password
    "stranger": 0.05,  # asks for what only dialogs or phones have
    "wrong-password": 1.0,
    "forbidden": 1.0,
}
_LIMIT = 6.0
_MELT_PER_SECOND = 0.05
_FIRST_SILENCE_SECONDS = 2.0
_LONGEST_SILENCE_SECONDS = 900.0
_MOST_SOURCES = 4096


@dataclass(slots=True)
class _Record:
    points: float = 0.0
    at: float = 0.0
    silent_until: float = 0.0
    silence: float = 0.0  # how long the last one was


class Shield:
    """Counts per source, in bounded memory."""

    def __init__(self, clock: Callable[[], float], shares_address: Callable[[str], bool]) -> None:
        """``shares_address``: whether someone we know sends from that host too (NAT): then each port counts alone."""
        self._clock = clock
        self._shares_address = shares_address
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self.counted: Counter[str] = Counter()  # offences and "ignored", for doctor and logs

    def _key(self, place: Place) -> str:
        if self._shares_address(place.host) or _is_loopback(place.host):
            return f"{place.host}:{place.port}"
        return place.host

    def listens_to(self, place: Place) -> bool:
        """Whether a packet of an unknown source is looked at now."""
        record = self._records.get(self._key(place))
        if record is None or self._clock() >= record.silent_until:
            return True
        self.counted["ignored"] += 1
        return False

    def offence(self, place: Place, kind: Offence) -> None:
        """Count one."""
        self.counted[kind] += 1
        key, now = self._key(place), self._clock()
        record = self._records.setdefault(key, _Record(at=now))
        self._records.move_to_end(key)
        while len(self._records) > _MOST_SOURCES:
            self._records.popitem(last=False)
        melted = (now - record.at) * _MELT_PER_SECOND
        record.points = max(0.0, record.points - melted) + _POINTS[kind]
        record.at = now
        if record.points >= _LIMIT:
            record.points = _LIMIT - 1.0  # one more wrong password after the silence, and it is twice as long
            record.silence = min(_LONGEST_SILENCE_SECONDS, max(_FIRST_SILENCE_SECONDS, record.silence * 2))
            record.silent_until = now + record.silence
            log.warning("source=%s silenced for %.0f s, last offence: %s", key, record.silence, kind)

    def proved(self, place: Place) -> None:
        """The source proved a password: everything is forgiven."""
        self._records.pop(self._key(place), None)
        self._records.pop(place.host, None)

    def forgive_all(self) -> None:
        """Passwords have changed: the phone that had the wrong one may have the right one now."""
        self._records.clear()

    def __len__(self) -> int:
        return len(self._records)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
