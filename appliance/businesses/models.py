"""What a business is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Business:
    """A client whose calls are answered; ``timezone`` None means the office's; empty ``hours`` means always open."""

    business_id: str
    name: str
    language: str
    timezone: str | None = None
    greeting: str = ""
    answer_as: str = ""
    hours: Mapping[str, str] = field(default_factory=dict)
    holidays: str = ""  # whose public holidays: IR, DE-BY, none; "" for the country of the time zone
    exceptions: Mapping[str, str] = field(default_factory=dict)  # by date: times, then why
    closed_since: str | None = None  # switched to closed, whatever the hours say
    closed_until: str | None = None  # None: until it is switched back
    ring_seconds: int = 20
    voicemail_seconds: int = 120
    messages_to: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()  # E.164
    position: int = 0
