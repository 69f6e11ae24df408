"""/api/v1/businesses: hours, days that differ, the "closed now" switch, and what is open when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.fields import BadValue
from appliance.hours import holidays, rules
from appliance.hours import service as hours
from web import core
from web.api import asked, forms
from web.api.schemas import SCHEMAS
from web.api.tokens import audit
from web.database import db, writing

MOST_DAYS = 366


def _form(business: Business) -> dict[str, Any]:
    timetable, now = businesses.timetable(db(), business), clock.now()
    opening = rules.opening(timetable, now)
    following = None if opening.is_open else rules.next_opening(timetable, now)
    return {
        "id": business.business_id,
        "name": business.name,
        "language": business.language,
        "timezone": timetable.timezone,
        "numbers": list(business.numbers),
        "hours": dict(business.hours),
        "holidays": holidays.place_of(business.holidays, timetable.timezone) or holidays.NO_HOLIDAYS,
        "exceptions": dict(business.exceptions),
        "open": opening.is_open,
        "reason": opening.reason,
        "note": opening.note,
        "next_opening": clock.stamp(following) if following else None,
        "closed_since": business.closed_since,
        "closed_until": business.closed_until,
    }


def list_businesses(wanted: dict[str, Any]) -> ResponseReturnValue:
    """All businesses, and whether each is open."""
    return jsonify(forms.page([_form(b) for b in businesses.list_businesses(db())], None))


def show_business(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """One business."""
    return jsonify(_form(businesses.get_business(db(), business_id)))


def change_business(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """Change when it is open: weekly hours, holidays, exceptions; what is not named stays."""
    values = asked.body(SCHEMAS["BusinessHours"]["properties"])
    with writing() as open_db:
        business = businesses.update_business(open_db, business_id, **values)
        audit("settings.hours", business_id, business_id)
    core.tell("config-changed")
    return jsonify(_form(business))


def close_business(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """Switch it to closed, whatever its hours say; safe to repeat."""
    until = asked.body(SCHEMAS["ClosedUntil"]["properties"]).get("until")
    with writing() as open_db:
        business = businesses.close_now(open_db, business_id, until=None if until is None else _moment(until))
        audit("settings.closed-now", business_id, business_id)
    core.tell("config-changed")
    return jsonify(_form(business))


def open_business(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """Let it follow its hours again; safe to repeat."""
    with writing() as open_db:
        business = businesses.open_again(open_db, business_id)
        audit("settings.open-again", business_id, business_id)
    core.tell("config-changed")
    return jsonify(_form(business))


def _moment(value: object) -> datetime:
    allowed = "a time such as 2026-11-24T09:30:00Z, or null"
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise asked.BadParameter("until", value, allowed)
    return at.astimezone(UTC)


def read_day(name: str, text: str) -> date:
    """A day of the query."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise asked.BadParameter(name, text, "a day such as 2026-11-24") from error
    if not 2000 <= day.year < 2200:
        raise asked.BadParameter(name, text, "a day such as 2026-11-24")
    return day


def show_calendar(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """What is open on each day, and why."""
    timetable = businesses.timetable(db(), businesses.get_business(db(), business_id))
    first: date = wanted["first"] or clock.now().date()
    last: date = wanted["last"] or first + timedelta(days=30)
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise BadValue(last.isoformat(), f"a day from the first on, at most {MOST_DAYS} days later")
    plans = [rules.day_plan(timetable, first + timedelta(days=n)) for n in range((last - first).days + 1)]
    days = [
        {"day": p.day.isoformat(), "hours": hours.write_spans(p.spans), "reason": p.reason, "note": p.note}
        for p in plans
    ]
    return jsonify({"items": days, "next": None})
