"""The one 20 ms beat of all legs.

The schedule is absolute: a late beat does not make the next one late. After a pause of the loop up to three beats
are made up for at once, a longer pause is left out: the far end's buffer would throw the burst away.
"""

import asyncio
import logging
from typing import Protocol

BEAT_SECONDS = 0.02
_MOST_AT_ONCE = 3

_log = logging.getLogger(__name__)


class Beaten(Protocol):
    """What the ticker drives."""

    def beat(self, now: float, *, skipped: bool) -> None:
        """Send the next 20 ms; ``skipped``: beats before this one were left out."""


class Ticker:
    """Beats while something wants to be driven, sleeps otherwise."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """``loop``: the running one when left out."""
        self._loop = loop
        self._driven: dict[Beaten, None] = {}
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, driven: Beaten) -> None:
        """Drive it from the next beat on. Safe to repeat."""
        self._driven[driven] = None
        if self._timer is None:
            loop = self._loop or asyncio.get_running_loop()
            self._due = loop.time() + 0.001
            self._timer = loop.call_at(self._due, self._run, loop)

    def remove(self, driven: Beaten) -> None:
        """Leave it alone. Safe to repeat, also from within a beat."""
        self._driven.pop(driven, None)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        behind = int((loop.time() - self._due) / BEAT_SECONDS)
        beats = min(behind + 1, _MOST_AT_ONCE)
        skipped = behind + 1 > beats
        if skipped:
            self._due += (behind + 1 - beats) * BEAT_SECONDS
        for _ in range(beats):
            self._beat(loop.time(), skipped)
            skipped = False
            self._due += BEAT_SECONDS
        self._timer = loop.call_at(self._due, self._run, loop) if self._driven else None

    def _beat(self, now: float, skipped: bool) -> None:
        for driven in list(self._driven):
            try:
                driven.beat(now, skipped=skipped)
            except Exception:  # noqa: BLE001  one leg's fault must not stop the sound of all
                _log.exception("a leg failed at its beat and is dropped from the ticker")
                self.remove(driven)
