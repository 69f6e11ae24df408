"""What opening hours are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60


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
