"""The only now().

Times are UTC inside, ISO 8601 with milliseconds and a Z, so that text order is time order.
"""

from collections.abc import Callable
from datetime import UTC, datetime

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _source()


def use(source: Callable[[], datetime] | None) -> None:
    """Replace the source of time (simulated clocks in tests and demos); None restores the real one."""
    global _source
    _source = source or (lambda: datetime.now(UTC))


def stamp(at: datetime | None = None) -> str:
    """``2026-11-24T09:30:00.250Z`` for an aware datetime, now by default."""
    at = (at or now()).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """The aware UTC datetime behind a stamp. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} says no time zone")
    return at.astimezone(UTC)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one stamp to another, never negative: a clock that was set back yields 0."""
    return max(0.0, (parse(later) - parse(earlier)).total_seconds())
