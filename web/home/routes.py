"""Where people begin: the owner's overview; agents go to their console."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from appliance import clock, i18n
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.calls import service as calls
from appliance.calls.models import Call
from appliance.deliveries import service as deliveries
from appliance.extensions import service as extensions
from appliance.hours import rules as hours_rules
from appliance.hours.models import Opening
from appliance.lines import service as lines
from appliance.messages import service as messages
from web import auth, core, htmx
from web.auth import role, wall
from web.calls import words
from web.calls.routes import live_calls, stamp_of_day, with_names
from web.database import db
from web.formats import timezone
from web.home.reach import Reach, Seen, judge
from web.hours.routes import switch_of

blueprint = Blueprint("home", __name__)

UNANSWERED_DAYS = 7
MOST_UNANSWERED = 60


@blueprint.get("/")
@role("anyone")
def start() -> ResponseReturnValue:
    """To the page that is this person's first."""
    user = auth.visitor().user
    if user is None:
        return redirect(url_for("accounts.sign_in"), 303)
    if user.role == "agent":
        return redirect(url_for("console.show"), 303)
    office = auth.office()
    if office is None or office.set_up_at is None:
        return redirect(url_for("set_up.resume"), 303)
    return redirect(url_for("home.show"), 303)


def reach_now(of: Database, core_up: bool) -> Reach:
    """Whether callers reach somebody, by what the store says now."""
    found = businesses.list_businesses(of, wall())
    now = clock.now()
    open_now = None if not found else any(hours_rules.opening(businesses.timetable(of, b), now).is_open for b in found)
    return judge(
        Seen(
            core_up=core_up,
            trunks=lines.trunk_states(of),
            numbers=sum(len(b.numbers) for b in found),
            agents=agents.list_agents(of, wall()),
            registered=frozenset(r.extension for r in extensions.registered_phones(of)),
            open_now=open_now,
        )
    )


def today(of: Database) -> dict[str, int]:
    """The figures of the local day so far."""
    since = stamp_of_day(clock.now().astimezone(ZoneInfo(timezone())).date())
    found = {"all": 0, "answered": 0, "missed": 0, "voicemail": 0}
    cursor: str | None = None
    for _page in range(10):
        page = calls.list_calls(of, businesses=wall(), since=since, before=cursor, limit=200)
        for call in page.items:
            found["all"] += 1
            if call.state in found:
                found[call.state] += 1
        cursor = page.next
        if cursor is None:
            break
    return found


def unanswered(of: Database) -> list[Call]:
    """Missed callers of the last days who have not been spoken with since, each once, the latest call of each."""
    since = clock.stamp(clock.now() - timedelta(days=UNANSWERED_DAYS))
    missed = calls.list_calls(of, businesses=wall(), state="missed", since=since, limit=MOST_UNANSWERED).items
    found, seen = [], set()
    for call in missed:
        if call.direction != "inbound":
            continue  # whom we called and did not reach is no caller of ours
        key = (call.business_id, call.caller_number)
        if call.caller_number and key in seen:
            continue
        seen.add(key)
        later = calls.earlier_calls(of, call.business_id, call.caller_number, before=clock.stamp(), limit=20)
        if not any(c.started_at > call.started_at and c.answered_at for c in later):
            found.append(call)
    return found


def openings(of: Database) -> list[tuple[Business, Opening, dict[str, Any]]]:
    """Every business: whether it is open now, why, and what its switch says."""
    now = clock.now()
    found = []
    for business in businesses.list_businesses(of, wall()):
        timetable = businesses.timetable(of, business)
        found.append((business, hours_rules.opening(timetable, now), switch_of(business, timetable, now)))
    return found


def _parts() -> dict[str, Any]:
    state = core.look(db())
    return {
        "reach": reach_now(db(), state.is_up),
        "today": today(db()),
        "openings": openings(db()),
        "live": live_calls(),
        "unanswered": with_names(unanswered(db())),
        "open_messages": messages.list_messages(db(), businesses=wall(), open_only=True, limit=8).items,
        "open_count": messages.open_count(db(), wall()),
        "mails": deliveries.counts(db(), wall()),
        "summary": words.summary,
        "core_up": state.is_up,
        "core_seen": i18n.format_time(clock.parse(state.seen_at), timezone()) if state.seen_at else "",
    }


@blueprint.get("/home")
@role("owner")
def show() -> ResponseReturnValue:
    """Are we reachable; today; unanswered; to do."""
    office = auth.office()
    if office is None:
        return redirect(url_for("set_up.resume"), 303)
    page = "home/_overview.html" if htmx.wants_fragment() else "home/show.html"
    return render_template(page, **_parts())
