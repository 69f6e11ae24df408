"""What others may ask of the books and write into them."""

from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.calls import rules, store
from appliance.calls.models import FINAL_STATES, LIVE_STATES, Call, CallEvent, CallPage, Kind
from appliance.errors import Invalid, NotFound
from appliance.i18n import gettext as _
from appliance.ids import new_id

MOST_PER_PAGE = 200


class CallNotFound(NotFound):
    """There is no such call, or it is behind the wall."""

    code = "call-not-found"


class BadCursor(Invalid):
    """The cursor did not come from us."""

    code = "bad-cursor"


# --- writing (the core) ---


def start_call(
    db: Database,
    *,
    direction: str,
    business_id: str | None,
    caller_number: str,
    caller_name: str = "",
    dialled: str = "",
    trunk_id: str | None = None,
    agent_id: str | None = None,
    call_id: str | None = None,
    leg_id: str | None = None,
    at: str | None = None,
) -> str:
    """Open a call in the books; its call_id. ``at`` is when it arrived: now, unless it is written late.

    ``leg_id`` is the engine's name of the leg that began it.
    """
    call_id, at = call_id or new_id("call"), at or clock.stamp()
    store.insert_call(
        db,
        {
            "call_id": call_id,
            "business_id": business_id,
            "direction": direction,
            "state": "ringing",
            "phase": "arrived",
            "caller_number": caller_number,
            "caller_name": caller_name,
            "dialled": dialled,
            "trunk_id": trunk_id,
            "agent_id": agent_id,
            "started_at": at,
            "leg_id": leg_id,
        },
    )
    detail = {"t": 0.0, "caller": caller_number, "dialled": dialled}
    if trunk_id:
        detail["trunk_id"] = trunk_id
    store.insert_event(db, call_id, at, Kind.ARRIVED, agent_id, detail)
    return call_id


def add_event(
    db: Database, call_id: str, kind: Kind, *, agent_id: str | None = None, at: str | None = None, **detail: Any
) -> dict[str, Any]:
    """Write down what happened, now or at ``at``; the call's row after it. Raises CallNotFound."""
    row = store.row_of(db, call_id)
    if row is None:
        raise CallNotFound(_("There is no such call."))
    event = store.insert_event(db, call_id, at or clock.stamp(), kind, agent_id, detail)
    changes = rules.apply(row, event)
    store.update_call(db, call_id, changes)
    return {**row, **changes}


# --- reading (everyone) ---


def list_calls(
    db: Database,
    *,
    businesses: set[str] | None,
    business_id: str | None = None,
    agent_id: str | None = None,
    since: str | None = None,
    until: str | None = None,
    state: str | None = None,
    search: str = "",
    before: str | None = None,
    limit: int = 50,
) -> CallPage:
    """Calls newest first. ``since``/``until`` are stamps, ``search`` part of a number or name, ``before`` a cursor.

    Raises BadCursor, and Invalid for an unknown state.
    """
    params: dict[str, Any] = {}
    where = store.wall(businesses, params)
    for column, value in (("business_id", business_id), ("agent_id", agent_id)):
        if value:
            params[column] = value
            where.append(f"calls.{column} = :{column}")
    if state:
        if state not in LIVE_STATES + FINAL_STATES and state != "live":
            raise Invalid(_("There is no call state “%(state)s”.", state=state))
        if state == "live":
            where.append("calls.ended_at IS NULL")
        else:
            params["state"] = state
            where.append("calls.state = :state")
    if since:
        params["since"] = since
        where.append("calls.started_at >= :since")
    if until:
        params["until"] = until
        where.append("calls.started_at < :until")
    if search.strip():
        params["search"] = "%" + search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where.append(
            "(calls.caller_number LIKE :search ESCAPE '\\' OR calls.caller_name LIKE :search ESCAPE '\\'"
            " OR calls.dialled LIKE :search ESCAPE '\\')"
        )
    if before:
        at, _sep, key = before.partition("~")
        if not key:
            raise BadCursor(_("That page does not exist."))
        params |= {"before_at": at, "before_id": key}
        where.append("(calls.started_at, calls.call_id) < (:before_at, :before_id)")
    limit = max(1, min(limit, MOST_PER_PAGE))
    found = store.select(db, where, params, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return CallPage(items, f"{items[-1].started_at}~{items[-1].call_id}" if more else None)


def get_call(db: Database, call_id: str, *, businesses: set[str] | None = None) -> Call:
    """One call. Raises CallNotFound, also for a call of a business behind the wall."""
    params: dict[str, Any] = {"call_id": call_id}
    found = store.select(db, [*store.wall(businesses, params), "calls.call_id = :call_id"], params, 1)
    if not found:
        raise CallNotFound(_("There is no such call."))
    return found[0]


def timeline(db: Database, call_id: str) -> list[CallEvent]:
    """What happened to a call, oldest first."""
    return store.events_of(db, call_id)


def live_calls(db: Database, businesses: set[str] | None = None) -> list[Call]:
    """The calls that go on now, newest first."""
    params: dict[str, Any] = {}
    return store.select(db, [*store.wall(businesses, params), "calls.ended_at IS NULL"], params, 1000)


def call_of_leg(db: Database, leg_id: str) -> Call | None:
    """The call that an engine's leg began, by the name the engine gave the leg."""
    return next(iter(store.select(db, ["calls.leg_id = :leg_id"], {"leg_id": leg_id}, 1)), None)


def earlier_calls(db: Database, business_id: str | None, number: str, *, before: str, limit: int = 10) -> list[Call]:
    """A caller's calls to the same business that began before the stamp; none for a withheld number."""
    if not number or not business_id:
        return []
    where = [
        "calls.business_id = :business_id",
        "calls.started_at < :before",
        "(calls.caller_number = :number OR (calls.direction = 'outbound' AND calls.dialled = :number))",
    ]
    return store.select(db, where, {"business_id": business_id, "number": number, "before": before}, limit)


def current_call_of_agent(db: Database, agent_id: str) -> Call | None:
    """The call that rings at, or is talked on by, an agent."""
    where = ["calls.agent_id = :agent_id", "calls.ended_at IS NULL", "calls.state IN ('ringing', 'talking')"]
    found = store.select(db, where, {"agent_id": agent_id}, 1)
    return found[0] if found else None
