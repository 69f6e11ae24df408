"""When to try again: pure functions."""

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 1800.0
GIVE_UP_SECONDS = 48 * 3600.0


def back_off_seconds(attempts: int) -> float:
    """How long to wait after that many attempts failed: 10 s, twice as long each time, half an hour at most."""
    return float(min(FIRST_SECONDS * 2 ** min(max(attempts, 1) - 1, 20), LONGEST_SECONDS))


def most_attempts() -> int:
    """How many attempts fill 48 hours. Counted, not timed, so that a clock that jumps gives up nothing."""
    attempts, waited = 1, 0.0
    while waited < GIVE_UP_SECONDS:
        waited += back_off_seconds(attempts)
        attempts += 1
    return attempts


def gives_up(attempts: int) -> bool:
    """Whether that many failed attempts are enough."""
    return attempts >= most_attempts()
