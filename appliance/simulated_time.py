"""A clock that jumps: an event loop on which a month of calls passes in seconds.

Waiting costs nothing: when nothing is ready the loop's time moves to the next timer. Work given to threads runs at once
in the loop, so that time never passes while a thread works. For the simulator's demos, drills and tests.
"""

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from appliance import clock

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: the time it should have waited is added to ``now``."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        elif not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: every task waits for another")
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on simulated time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  handed on to whoever awaits the future
            future.set_exception(error)
        return future


@contextlib.contextmanager
def _clock_of(loop: JumpingLoop, begin: datetime) -> Iterator[None]:
    clock.use(lambda: begin + timedelta(seconds=loop.time()))
    try:
        yield
    finally:
        clock.use(None)


def run(main: Coroutine[Any, Any, T], *, begin: datetime) -> T:
    """Run a coroutine on simulated time, ``clock.now()`` beginning at ``begin`` (aware)."""
    loop = JumpingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _clock_of(loop, begin):
        return runner.run(main)
