"""What opening hours are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

Reason = Literal["always", "week", "holiday", "exception", "switch"]


@dataclass(frozen=True, order=True)
class Span:
    """Open from a minute of the day to another; beyond ``DAY_MINUTES`` it runs into the next day."""

    start: int
    end: int


@dataclass(frozen=True)
class Week:
    """Spans by weekday (0 is Monday); a day without spans is closed. ``always`` when no hours were written at all."""

    days: Mapping[int, tuple[Span, ...]]
    always: bool = False


class Holidays(Protocol):
    """The public holidays of a place."""

    def name(self, day: date) -> str:
        """What is celebrated, in the current language; "" on a day that is none."""


@dataclass(frozen=True)
class DayException:
    """A day that is not as the week says: other spans, none when closed; the note says why."""

    spans: tuple[Span, ...]
    note: str = ""


@dataclass(frozen=True)
class Timetable:
    """When a business is open: its week, what differs from it, and on which clock."""

    week: Week
    timezone: str
    holidays: Holidays | None = None
    exceptions: Mapping[date, DayException] = field(default_factory=dict)
    closed_since: datetime | None = None  # by the switch on the owner's page
    closed_until: datetime | None = None  # None: until it is switched back


@dataclass(frozen=True)
class DayPlan:
    """What is open on one day, and why."""

    day: date
    spans: tuple[Span, ...]
    reason: Reason
    note: str = ""  # the holiday's name, or the exception's note


@dataclass(frozen=True)
class Opening:
    """Whether it is open at a moment, and why."""

    is_open: bool
    reason: Reason
    note: str = ""
    until: datetime | None = None  # of a switch that ends by itself
