"""A running recorder, and a way to play a scene on a loop of its own."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.switch.builtin.media import RecorderThread
from tests.appliance.switch.builtin.media.stage import Scene, staged


@pytest.fixture
def recorder() -> Iterator[RecorderThread]:
    """A running recorder."""
    thread = RecorderThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def run(recorder: RecorderThread) -> Callable[[Scene], None]:
    """Play a scene on a fresh stage; fail if it takes longer than 30 s or leaves an exception in the loop."""

    def play(scene: Scene) -> None:
        faults: list[dict[str, Any]] = []

        async def whole() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
            async with staged(recorder) as stage:
                await asyncio.wait_for(scene(stage), 30)

        asyncio.run(whole())
        assert not faults

    return play
