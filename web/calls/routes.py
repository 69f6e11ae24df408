"""The list of calls, the live ones on top, and the page of one call."""

import contextlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as day_time
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jdatetime
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import clock, i18n
from appliance.agents import service as agents
from appliance.booking import service as booking
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.calls.models import Call, CallPage
from appliance.contacts import service as contacts
from appliance.errors import NotFound
from appliance.messages import service as messages
from appliance.messages.models import Message
from appliance.recordings import service as recordings
from appliance.recordings.models import Recording
from web import auth, core, htmx
from web.auth import role, wall
from web.calls import words
from web.database import db
from web.formats import timezone

blueprint = Blueprint("calls", __name__, url_prefix="/calls")

LAST_YEAR = 9999  # its last day has no day after
STATES = ("answered", "missed", "voicemail", "refused")


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to, as it stands in the address."""

    business_id: str = ""
    agent_id: str = ""
    state: str = ""
    day: str = ""
    until: str = ""
    search: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything is narrowed."""
        return self != Filters()

    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {name: value for name, value in self.__dict__.items() if value}


def read_filters() -> Filters:
    """The filters of this request; unknown states are ignored."""
    of = {name: request.args.get(name, "").strip()[:80] for name in Filters.__dataclass_fields__}
    found = Filters(**of)
    return found if found.state in STATES else replace(found, state="")


def day_of(text: str) -> date | None:
    """A day as a date field or a person writes it; a year below 1700 is Jalali."""
    cleaned = i18n.plain_digits(text).replace("/", "-")
    try:
        year, month, day = (int(part) for part in cleaned.split("-"))
        found = jdatetime.date(year, month, day).togregorian() if year < 1700 else date(year, month, day)
    except (ValueError, OverflowError):
        return None
    return found if found.year < LAST_YEAR else None


def stamp_of_day(day: date) -> str:
    """The first moment of a local day."""
    return clock.stamp(datetime.combine(day, day_time(), ZoneInfo(timezone())))


def search_text(text: str) -> str:
    """A search as the store understands it: a national number becomes part of an international one."""
    cleaned = i18n.plain_digits(text)
    if not any(c.isdigit() for c in cleaned) or any(c.isalpha() for c in cleaned):
        return text
    digits = "".join(c for c in cleaned if c.isdigit())
    return digits.lstrip("0") or cleaned


def find(filters: Filters, before: str | None) -> CallPage:
    """The page of calls that the filters ask for."""
    since, until = day_of(filters.day), day_of(filters.until or filters.day)
    return calls.list_calls(
        db(),
        businesses=wall(),
        business_id=filters.business_id or None,
        agent_id=filters.agent_id or None,
        state=filters.state or None,
        since=stamp_of_day(since) if since else None,
        until=stamp_of_day(until + timedelta(days=1)) if until else None,
        search=search_text(filters.search),
        before=before,
    )


def with_names(found: list[Call]) -> list[Call]:
    """The calls with the names the address book knows."""
    pairs = {(c.business_id, c.caller_number) for c in found if c.business_id and c.caller_number}
    names = contacts.names_of(db(), pairs)
    return [
        replace(c, caller_name=names.get((c.business_id or "", c.caller_number), "") or c.caller_name) for c in found
    ]


def live_calls() -> list[Call]:
    """The calls that go on now, within the wall; none are known when the core is away."""
    return with_names(calls.live_calls(db(), wall()))


@blueprint.get("/")
@role("owner", "agent")
def index() -> ResponseReturnValue:
    """Live calls on top, past ones below."""
    filters = read_filters()
    page = find(filters, request.args.get("before"))
    state = core.look(db())
    return render_template(
        "calls/index.html",
        filters=filters,
        past=with_names([c for c in page.items if not c.is_live]),
        next=page.next,
        paging=bool(request.args.get("before")),
        live=live_calls(),
        businesses=businesses.list_businesses(db(), wall()),
        agents=agents.list_agents(db(), wall()),
        summary=words.summary,
        core_up=state.is_up,
        core_seen=_seen(state),
        fa_dates=i18n.language() == "fa",
    )


def _seen(state: core.Core) -> str:
    return i18n.format_time(clock.parse(state.seen_at), timezone()) if state.seen_at else ""


@blueprint.get("/live")
@role("owner", "agent")
def live() -> ResponseReturnValue:
    """The live calls alone, for the live page."""
    if not htmx.wants_fragment():
        return redirect(url_for("calls.index"), 303)
    return render_template("calls/_live.html", live=live_calls(), core_up=core.look(db()).is_up)


@blueprint.get("/past")
@role("owner", "agent")
def past() -> ResponseReturnValue:
    """The newest past calls alone, for the live page."""
    filters = read_filters()
    if not htmx.wants_fragment():
        return redirect(url_for("calls.index") + "?" + urlencode(filters.query()), 303)
    page = find(filters, None)
    found = with_names([c for c in page.items if not c.is_live])
    return render_template("calls/_past.html", past=found, next=page.next, filters=filters, summary=words.summary)


@blueprint.get("/<call_id>")
@role("owner", "agent")
def show(call_id: str) -> ResponseReturnValue:
    """One call: its story, recording, messages, and who the caller is."""
    call = calls.get_call(db(), call_id, businesses=wall())
    its_messages = messages.messages_of_call(db(), call_id, businesses=wall())
    contact = contacts.find_contact(db(), call.business_id, call.caller_number)
    if contact and not htmx.wants_fragment():  # a page that follows a live call shows the contact no second time
        auth.audit("contact.view", contact.contact_id, business_id=call.business_id)
    state = core.look(db())
    page = "calls/_story.html" if htmx.wants_fragment() else "calls/show.html"
    return render_template(
        page,
        call=with_names([call])[0],
        lines=words.lines_of(
            calls.timeline(db(), call_id), call, {a.agent_id: a.name for a in agents.list_agents(db())}
        ),
        recordings=_recordings_of(call, its_messages),
        messages=its_messages,
        appointments=booking.appointments_of_call(db(), call_id, businesses=wall()),
        contact=contact,
        earlier=calls.earlier_calls(db(), call.business_id, call.caller_number, before=call.started_at),
        cause=words.cause_in_words(call.hangup_cause),
        ended_by=words.ended_by_in_words(call.ended_by),
        where=words.where_given_up(call) if call.state == "missed" else "",
        summary=words.summary,
        core_up=state.is_up,
        core_seen=_seen(state),
    )


def _recordings_of(call: Call, its_messages: list[Message]) -> list[Recording]:
    """The conversation, then what was left after the tone."""
    ids = [call.recording_id, *(message.recording_id for message in reversed(its_messages))]
    found = []
    for recording_id in dict.fromkeys(i for i in ids if i):
        with contextlib.suppress(NotFound):
            found.append(recordings.get_recording(db(), recording_id, businesses=wall()))
    return found


@blueprint.post("/<call_id>/hang-up")
@role("owner", "agent")
def hang_up(call_id: str) -> ResponseReturnValue:
    """End a live call; fine when it has ended."""
    call = calls.get_call(db(), call_id, businesses=wall())
    user = auth.me()
    if not user.is_owner and call.agent_id != user.agent_id:
        raise calls.CallNotFound(i18n.gettext("This is not your call."))
    if call.is_live:
        core.client().ask("hang-up", call_id=call_id)
    back = url_for("console.show") if request.form.get("back") == "console" else url_for(".show", call_id=call_id)
    return htmx.go_to(back)
