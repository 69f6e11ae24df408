"""What engines share of a leg's events: one reader's stream of them."""

import asyncio
from collections.abc import AsyncIterator

from appliance.switch.events import LegEvent


class Subscription(AsyncIterator[LegEvent]):
    """One reader of a leg's events, from the moment it is made; dropped by its reader, it is forgotten."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[LegEvent | None] = asyncio.Queue()
        self._is_over = False

    def put(self, event: LegEvent | None) -> None:
        """Add an event; None ends the stream."""
        self._queue.put_nowait(event)

    async def __anext__(self) -> LegEvent:
        event = None if self._is_over else await self._queue.get()
        if event is None:
            self._is_over = True
            raise StopAsyncIteration
        return event
