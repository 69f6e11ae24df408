"""What a dry run tells."""

from dataclasses import dataclass
from datetime import datetime

from appliance.hours.models import Opening
from appliance.menus.models import Line


@dataclass(frozen=True)
class Told:
    """One line in words, in the current language."""

    line: Line
    words: str
    lead: str = ""  # what must be pressed for it


@dataclass(frozen=True)
class Rehearsal:
    """What would happen to a call."""

    at: datetime
    timezone: str
    number: str  # the caller's, E.164 where it could be read; "" for a hidden one
    caller_name: str
    opening: Opening
    lines: tuple[Told, ...]
