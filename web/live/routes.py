"""The live stream and the state of the core, for scripts on the pages."""

import json
import queue
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from appliance.accounts import service as accounts
from appliance.accounts.models import User
from appliance.config import Settings
from web import core
from web.auth import role, session_cookie, visitor
from web.core import Core
from web.database import db, settings, short_connection
from web.live.hub import Event, Hub, hub_of

blueprint = Blueprint("live", __name__)

BEAT_SECONDS = 2.0  # how long a silent stream waits before it says that it lives
CONNECT_SECONDS = 1.5
LOOK_AGAIN_SECONDS = 10.0  # how often the session and the wall are read anew


class Listener:
    """One page's view of the events: what it may know, and whether it may still know anything."""

    def __init__(self, of: Settings, secret: str) -> None:
        self._settings = of
        self._secret = secret
        self._looked = -LOOK_AGAIN_SECONDS
        self._user: User | None = None
        self._wall: set[str] | None = set()

    def is_signed_in(self) -> bool:
        """Whether the session still holds; read again every few seconds."""
        if time.monotonic() - self._looked >= LOOK_AGAIN_SECONDS:
            self.look_again()
        return self._user is not None

    def look_again(self) -> None:
        """Read the session and the wall."""
        try:
            with short_connection(self._settings) as db:
                found = accounts.session_of(db, self._secret)
                self._user = found[1] if found else None
                self._wall = accounts.visible_businesses(db, self._user) if self._user else set()
        except sqlite3.Error:
            return  # the file is busy or away: keep what is known, look again soon
        self._looked = time.monotonic()

    def may_know(self, event: Event) -> bool:
        """The wall, for events."""
        user, name = self._user, event.get("event")
        if user is None:
            return False
        if name in ("config", "core"):
            return True
        if name in ("call", "message"):
            mine = user.agent_id is not None and event.get("agent_id") == user.agent_id
            return mine or self._wall is None or event.get("business_id") in self._wall
        if name == "agent":
            return user.is_owner or event.get("agent_id") == user.agent_id
        # who is registered, how lines are, deliveries: an agent's page learns only that it should look again
        return name in ("phones", "outbox") or user.is_owner


def _said(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _core(state: Core) -> dict[str, Any]:
    return {"up": state.is_up, "since": state.seen_at}


def stream(hub: Hub, events: "queue.Queue[Event | None]", listener: Listener) -> Iterator[str]:
    """What one page hears: the core's state at once and at each change, then what changed, then beats."""
    yield "retry: 1000\n\n"
    told: bool | None = None
    began = time.monotonic()
    while listener.is_signed_in():
        state = hub.state()
        # the hub may just be connecting for this first page: give it a moment before saying that the core is away
        if state.is_up != told and (state.is_up or told or time.monotonic() - began > CONNECT_SECONDS):
            told = state.is_up
            yield _said("core", _core(state))
        try:
            event = events.get(timeout=BEAT_SECONDS if told else 0.3)
        except queue.Empty:
            if told is not None:
                yield _said("beat", {"up": told})
            continue
        if event is None:
            return
        if event.get("event") == "config":
            listener.look_again()
        if event.get("event") not in ("beat", "core") and listener.may_know(event):
            yield _said(str(event["event"]), {k: v for k, v in event.items() if k != "event"})
    yield _said("signed-out", {})


@blueprint.get("/live")
@role("owner", "agent")
def listen() -> ResponseReturnValue:
    """The stream; 503 when there are too many, pages then ask every ten seconds."""
    hub = hub_of(current_app)
    listener = Listener(settings(), request.cookies.get(session_cookie(), ""))
    subscription = hub.subscription()
    events = subscription.__enter__()
    if events is None:
        subscription.__exit__(None, None, None)
        return Response("", 503, {"Retry-After": "30"})

    answer = Response(stream(hub, events, listener), mimetype="text/event-stream")
    answer.call_on_close(lambda: subscription.__exit__(None, None, None))
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


@blueprint.get("/live/state")
@role("owner", "agent")
def state() -> ResponseReturnValue:
    """Whether the core is there, for pages whose stream does not come through."""
    found = core.look(db())
    return jsonify({"up": found.is_up, "since": found.seen_at, "you": visitor().user is not None})
