"""What happens to a call at a moment, from a number: told by the rules that calls follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from appliance import clock, fields, i18n, phone_numbers
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.contacts import service as contacts
from appliance.extensions import service as extensions
from appliance.fields import BadValue
from appliance.hours import rules as hours
from appliance.hours.service import why
from appliance.i18n import gettext as _
from appliance.i18n import ngettext
from appliance.menus import rules
from appliance.menus import service as menus
from appliance.menus.models import Answering, Line
from appliance.rehearsal.models import Rehearsal, Told


@dataclass(frozen=True)
class _Names:
    business: Business
    answering: Answering
    extensions: Mapping[str, str]  # name by extension
    agents: tuple[str, ...]  # who answers for the business


def rehearse(
    db: Database, business_id: str, at: datetime, number: str = "", *, visible: set[str] | None = None
) -> Rehearsal:
    """What would happen to a call to the business at that moment. Raises NoSuchBusiness (beyond the wall too)."""
    business = businesses.get_business(db, business_id, visible)
    timetable = businesses.timetable(db, business)
    people = agents.list_agents(db)
    answering = Answering(
        timetable,
        {m.menu_id: m for m in menus.list_menus(db, business_id)},
        agents.extensions_serving(people, business_id),
    )
    caller = phone_numbers.normalise_caller(number.strip(), fields.region_of(timetable.timezone))
    is_blocked = bool(caller) and contacts.is_blocked(db, business_id, caller)
    names = _Names(
        business,
        answering,
        {e.extension: e.name for e in extensions.list_extensions(db)} | {a.extension: a.name for a in people},
        tuple(a.name for a in people if business_id in a.serves),
    )
    lines = rules.rehearse(answering, at, is_blocked=is_blocked)
    return Rehearsal(
        at,
        timetable.timezone,
        caller,
        contacts.caller_name(db, business_id, caller) if caller else "",
        hours.opening(timetable, at),
        tuple(Told(line, _words(line, names, at), _lead(line)) for line in lines),
    )


def read_moment(text: str, timezone: str) -> datetime:
    """``2026-12-04 18:05`` on a wall clock, or a time with its zone; "" for now. Raises BadValue."""
    if not text.strip():
        return clock.now()
    try:
        at = datetime.fromisoformat(i18n.plain_digits(text.strip()))
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadValue(text, _('a moment such as "2026-12-04 18:05"')) from error


def _words(line: Line, names: _Names, at: datetime) -> str:
    step = line.step
    match step.kind:
        case "refuse":
            return _("The number is blocked: the call is refused.")
        case "greet":
            opening = hours.opening(names.answering.timetable, at)
            return _("It is open (%(why)s). The caller hears the greeting.", why=why(opening.reason, opening.note))
        case "closed":
            return _("It is closed (%(why)s). The caller is told so.", why=why(step.why, step.target))
        case "menu":
            name = names.answering.menus[step.target].name
            return _("Back to the menu “%(name)s”.", name=name) if line.is_return else _menu(line, names)
        case "announcement":
            return _("The caller hears: “%(text)s”", text=step.target)
        case "person":
            return _connected(step.target, names.extensions.get(step.target, ""), names.business.ring_seconds)
        case "number":
            return _connected(step.target, "", names.business.ring_seconds)
        case "voicemail" if step.why == "not_available":
            return _("If nobody answers, the caller may leave a message.")
        case "voicemail":
            return _("The caller may leave a message.")
    return _queue(names)


def _menu(line: Line, names: _Names) -> str:
    menu = names.answering.menus[line.step.target]
    told = _("The menu “%(name)s” is played: “%(text)s”", name=menu.name, text=menu.text)
    also = _("An extension may be dialled.")
    return f"{told} {also}" if menu.direct_dial else told


def _connected(target: str, name: str, seconds: int) -> str:
    who = f"{name} ({target})" if name else target
    rings = ngettext("%(num)s second", "%(num)s seconds", seconds)
    return _("%(who)s is rung, for up to %(time)s.", who=who, time=rings)


def _queue(names: _Names) -> str:
    if not names.agents:
        return _("Nobody answers for this business, so the caller may leave a message.")
    return _(
        "The phones of those who answer ring (%(agents)s), for up to %(time)s; if nobody takes the call, the caller may"
        " leave a message.",
        agents=", ".join(names.agents),
        time=ngettext("%(num)s second", "%(num)s seconds", names.business.ring_seconds),
    )


def _lead(line: Line) -> str:
    if line.is_otherwise:
        return _("Without a usable key")
    return _("Key %(key)s", key=i18n.digits(line.key)) if line.key else ""
