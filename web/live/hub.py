"""One listener at the core for all streams of this process, and who is subscribed.

A thread keeps one connection to the core and hands every event to every subscriber's queue. Whether the core is there
is decided here, by its connection and by its heartbeat in the store, and told as a state of its own.
"""

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask

from appliance import clock
from appliance.config import Settings
from appliance.errors import FrontdeskError
from web import core
from web.database import short_connection

log = logging.getLogger(__name__)

MOST_STREAMS = 32  # each holds one of the 48 threads; beyond, pages ask every ten seconds
RETRY_SECONDS = 0.5
SILENCE_SECONDS = 9.0  # beats come every 4 s: two missing ones mean the core is stuck
_LONGEST_QUEUE = 200

Event = dict[str, Any]


class Hub:
    """Listens while somebody listens to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._streams: set[queue.Queue[Event | None]] = set()
        self._thread: threading.Thread | None = None
        self._connected = False
        self._stopped = threading.Event()
        self._looked = (0.0, core.Core(is_up=False))

    # --- subscribers ---

    @contextlib.contextmanager
    def subscription(self) -> Iterator[queue.Queue[Event | None] | None]:
        """A queue of events, None in it at the end of the stream; None when there are too many streams."""
        mine: queue.Queue[Event | None] = queue.Queue(_LONGEST_QUEUE)
        with self._lock:
            if len(self._streams) >= MOST_STREAMS or self._stopped.is_set():
                mine_or_none = None
            else:
                self._streams.add(mine)
                mine_or_none = mine
                self._ensure_thread()
        try:
            yield mine_or_none
        finally:
            with self._lock:
                self._streams.discard(mine)

    def stop(self) -> None:
        """End every stream: the process is about to go. Safe in a signal handler, safe to repeat."""
        self._stopped.set()
        for stream in list(self._streams):
            with contextlib.suppress(queue.Full):
                stream.put_nowait(None)

    # --- is the core there ---

    def state(self) -> core.Core:
        """The core now; looked up at most twice a second."""
        at, found = self._looked
        if time.monotonic() - at > 0.5:
            try:
                with short_connection(self._settings) as db:
                    found = core.look(db)
            except sqlite3.Error as error:
                log.warning("heartbeat not readable: %s", error)
                found = core.Core(is_up=False)
            self._looked = (time.monotonic(), found)
        if found.is_up and not self._connected:
            return core.Core(False, found.seen_at, found.engine, found.version, found.started_at)
        return found

    # --- the listener ---

    def _ensure_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._listen, name="live-hub", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if not self._streams:
                    self._thread = None
                    self._connected = False
                    return
            try:
                for event in core.client(self._settings).events(timeout=SILENCE_SECONDS):
                    self._connected = True
                    self._hand_out(event)
                    if self._stopped.is_set() or not self._streams:
                        break
            except (FrontdeskError, OSError, ValueError) as error:
                log.debug("core away: %s", error)
            was_connected, self._connected = self._connected, False
            if was_connected:
                self._hand_out({"event": "core", "at": clock.stamp()})
            self._stopped.wait(RETRY_SECONDS)

    def _hand_out(self, event: Event) -> None:
        for stream in list(self._streams):
            try:
                stream.put_nowait(event)
            except queue.Full:  # it does not read: end it, the page will connect again and fetch everything
                with contextlib.suppress(queue.Empty):
                    stream.get_nowait()
                with contextlib.suppress(queue.Full):
                    stream.put_nowait(None)


def start_hub(app: Flask, settings: Settings) -> None:
    """Give the app its hub; it connects when the first page listens."""
    app.extensions["frontdesk.hub"] = Hub(settings)


def hub_of(app: Flask) -> Hub:
    """The app's hub."""
    hub = app.extensions["frontdesk.hub"]
    assert isinstance(hub, Hub)
    return hub
