"""The month of a business, days that differ, its holidays, and the switch that closes it now."""

import functools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import clock, i18n
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.errors import FrontdeskError
from appliance.fields import BadValue
from appliance.hours import holidays, rules
from appliance.hours import service as hours
from appliance.hours.models import Timetable
from appliance.i18n import gettext as _
from web import auth, core
from web.accounts.sign_in import safe_target
from web.auth import role, wall
from web.booking.words import in_words
from web.calls.routes import day_of
from web.database import db, writing
from web.hours import words

blueprint = Blueprint("hours", __name__, url_prefix="/settings/hours")
blueprint.record_once(lambda state: words.init_app(state.app))


def _today(timetable: Timetable) -> date:
    return clock.now().astimezone(ZoneInfo(timetable.timezone)).date()


@blueprint.get("/<business_id>")
@role("owner")
def show(business_id: str) -> ResponseReturnValue:
    """What is open when, and why."""
    return _page(businesses.get_business(db(), business_id, wall()))


def _page(business: Business, wrong: str = "") -> ResponseReturnValue:
    timetable = businesses.timetable(db(), business)
    today = _today(timetable)
    chosen = day_of(request.values.get("day", ""))
    month = words.month_of(day_of(request.args.get("month", "")) or chosen or today)
    now = clock.now()
    page = render_template(
        "hours/show.html",
        business=business,
        week=hours.describe(business.hours),
        opening=rules.opening(timetable, now),
        month=month,
        cells=words.cells_of(month, timetable, today),
        exceptions=[
            (day, in_words(day), hours.say_spans(found.spans), found.note)
            for day, found in sorted(timetable.exceptions.items())
            if day >= today
        ],
        chosen=chosen,
        chosen_plan=rules.day_plan(timetable, chosen) if chosen else None,
        chosen_words=in_words(chosen) if chosen else "",
        say_spans=hours.say_spans,
        write_spans=hours.write_spans,
        why=hours.why,
        wrong=wrong,
        place=holidays.place_of(business.holidays, timetable.timezone),
        **_choices(business, timetable),
        **switch_of(business, timetable, now),
    )
    return page, 422 if wrong else 200


def switch_of(business: Business, timetable: Timetable, now: datetime) -> dict[str, Any]:
    """What the switch's part of a page shows."""
    found = rules.opening(timetable, now)
    is_off = found.reason == "switch"
    following = rules.next_opening(timetable, now)
    return {
        "is_off": is_off,
        "off_until": words.moment_words(found.until, timetable.timezone, now) if is_off and found.until else "",
        "opens": words.moment_words(following, timetable.timezone, now) if following and not found.is_open else "",
    }


def _choices(business: Business, timetable: Timetable) -> dict[str, Any]:
    by_default = place_name(holidays.place_of("", timetable.timezone))
    default = (
        _("As the time zone: %(country)s", country=by_default) if by_default else _("As the time zone: none known")
    )
    return {"choices": [("", default), (holidays.NO_HOLIDAYS, _("None")), *_places(i18n.language())]}


@functools.lru_cache(maxsize=8)
def _places(language: str) -> tuple[tuple[str, str], ...]:
    found = []
    for country, regions in holidays.places().items():
        found.append((country, place_name(country)))
        found += [(f"{country}-{region}", f"{place_name(country)}: {region}") for region in regions]
    return tuple(sorted(found, key=lambda one: one[1]))


def place_name(place: str) -> str:
    """A country in words, with its region; "" for none."""
    country, dash, region = place.partition("-")
    name = Locale(i18n.language()).territories.get(country, country) if country else ""
    return f"{name}: {region}" if dash else str(name)


@blueprint.post("/<business_id>/holidays")
@role("owner")
def choose_holidays(business_id: str) -> ResponseReturnValue:
    """Another country's holidays, or none."""
    businesses.get_business(db(), business_id, wall())
    with writing() as open_db:
        businesses.update_business(open_db, business_id, holidays=request.form.get("holidays", ""))
        auth.audit("settings.hours", business_id, business_id=business_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("Saved."), "good")
    return redirect(url_for(".show", business_id=business_id), 303)


@blueprint.post("/<business_id>/exceptions")
@role("owner")
def set_exception(business_id: str) -> ResponseReturnValue:
    """Make a day differ, or let it be as the week says again."""
    business = businesses.get_business(db(), business_id, wall())
    day = day_of(request.form.get("day", ""))
    if day is None:
        return _page(business, _("Choose a day in the month, or write it as 2026-12-24."))
    try:
        with writing() as open_db:
            businesses.set_exception(open_db, business_id, day.isoformat(), _written())
            auth.audit("settings.hours", day.isoformat(), business_id=business_id, in_db=open_db)
    except BadValue as error:
        return _page(business, error.allowed[:1].upper() + error.allowed[1:] + ".")
    core.tell("config-changed")
    flash(_("Saved: %(day)s.", day=in_words(day)), "good")
    return redirect(url_for(".show", business_id=business_id, month=day.isoformat()), 303)


def _written() -> str | None:
    kind = request.form.get("kind", "closed")
    if kind == "week":
        return None
    times = "closed" if kind == "closed" else request.form.get("times", "")
    note = request.form.get("note", "").strip()
    return f"{times}; {note}" if note else times


@blueprint.post("/<business_id>/close")
@role("owner")
def close(business_id: str) -> ResponseReturnValue:
    """Closed from now on; can be undone at once."""
    business = businesses.get_business(db(), business_id, wall())
    timetable = businesses.timetable(db(), business)
    try:
        until = _until(timetable)
        with writing() as open_db:
            businesses.close_now(open_db, business_id, until=until)
            auth.audit("settings.closed-now", business_id, business_id=business_id, in_db=open_db)
    except FrontdeskError as error:
        flash(f"{error.message} {error.hint}", "bad")
        return _back(business_id)
    core.tell("config-changed")
    said = words.moment_words(until, timetable.timezone, clock.now()) if until else ""
    text = (
        _("%(name)s is closed until %(time)s.", name=business.name, time=said)
        if until
        else _("%(name)s is closed until you open it again.", name=business.name)
    )
    undo: Any = {"text": text, "action": url_for(".reopen", business_id=business_id)}
    flash(undo, "undo")
    return _back(business_id)


def _until(timetable: Timetable) -> datetime | None:
    """Until when to be closed, as the form says; None: until it is switched back. Raises BadValue."""
    now = clock.now()
    match request.form.get("until", ""):
        case "hour":
            return now + timedelta(hours=1)
        case "today":
            return _moment(timetable, _today(timetable) + timedelta(days=1), "00:00")
        case "time":
            at = _moment(timetable, _today(timetable), i18n.plain_digits(request.form.get("time", "").strip()))
            return at if at > now else _moment(timetable, _today(timetable) + timedelta(days=1), request.form["time"])
    return None


def _moment(timetable: Timetable, day: date, time: str) -> datetime:
    try:
        wall_clock = datetime.fromisoformat(f"{day.isoformat()}T{time}")
    except ValueError as error:
        raise BadValue(time, _("a time such as 14:30")) from error
    return wall_clock.replace(tzinfo=ZoneInfo(timetable.timezone)).astimezone(UTC)


@blueprint.post("/<business_id>/reopen")
@role("owner")
def reopen(business_id: str) -> ResponseReturnValue:
    """Open again when its hours say so; safe to repeat."""
    business = businesses.get_business(db(), business_id, wall())
    with writing() as open_db:
        businesses.open_again(open_db, business_id)
        auth.audit("settings.open-again", business_id, business_id=business_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("%(name)s follows its hours again.", name=business.name), "good")
    return _back(business_id)


def _back(business_id: str) -> ResponseReturnValue:
    back = request.form.get("back", "")
    return redirect(safe_target(back) if back else url_for(".show", business_id=business_id), 303)
