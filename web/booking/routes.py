"""The agenda of a day, booking, one appointment and what becomes of it, and the services of a business."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.booking import service as booking
from appliance.booking import slots
from appliance.booking.errors import BadAppointment
from appliance.booking.models import Appointment
from appliance.businesses import service as businesses
from appliance.errors import FrontdeskError
from appliance.fields import BadValue
from appliance.i18n import gettext as _
from web import auth
from web.auth import role, wall
from web.booking import words
from web.booking.form import NewForm, chosen_moment, times_of
from web.calls.routes import day_of
from web.database import db, writing
from web.formats import timezone
from web.forms import Form

blueprint = Blueprint("booking", __name__, url_prefix="/appointments")
blueprint.record_once(lambda state: words.init_app(state.app))


def _today() -> date:
    return clock.now().astimezone(ZoneInfo(timezone())).date()


def _asked_day() -> date:
    return day_of(request.args.get("day", "")) or _today()


@blueprint.get("/")
@role("owner", "agent")
def index() -> ResponseReturnValue:
    """A day, with the week around it."""
    day, business_id = _asked_day(), request.args.get("business_id", "")
    first = words.week_of(day, (), timezone())[0].day
    begin, _end = slots.day_bounds(first, timezone())
    _begin, end = slots.day_bounds(first + timedelta(days=6), timezone())
    week = booking.list_appointments(
        db(),
        businesses=wall(),
        since=clock.stamp(begin),
        until=clock.stamp(end),
        business_id=business_id or None,
    )
    return render_template(
        "booking/index.html",
        day=day,
        today=_today(),
        week=words.week_of(day, week, timezone()),
        appointments=[a for a in week if words.local_day(a.starts_at, timezone()) == day],
        before=day - timedelta(days=7),
        after=day + timedelta(days=7),
        business_id=business_id,
        businesses=businesses.list_businesses(db(), wall()),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@role("owner", "agent")
def new() -> ResponseReturnValue:
    """Book: show the times of a day, or keep one."""
    asked = NewForm()
    showing = "show" in request.form or "show_day" in request.form
    if request.method == "POST" and not showing:
        try:
            return _booked(asked)
        except BadAppointment as error:
            asked.form.fail(error, error.field)
        except FrontdeskError as error:
            asked.form.fail(error)
    return render_template("booking/new.html", **asked.parts()), asked.form.status


def _booked(asked: NewForm) -> ResponseReturnValue:
    business_id = asked.business.business_id
    starts_at = chosen_moment(business_id, asked.day or _today())
    with writing() as open_db:
        found = booking.book(
            open_db,
            business_id=business_id,
            starts_at=starts_at,
            service_id=request.form.get("service_id") or None,
            customer_name=request.form.get("customer_name", ""),
            customer_number=request.form.get("customer_number", ""),
            note=request.form.get("note", ""),
            call_id=asked.call_id,
            taken_by=auth.me().agent_id,
            anyway="anyway" in request.form,
        )
        auth.audit("appointment.booked", found.appointment_id, business_id=business_id, in_db=open_db)
    flash(_("Booked: %(when)s.", when=_when(found)), "good")
    return redirect(url_for(".show", appointment_id=found.appointment_id), 303)


def _when(found: Appointment) -> str:
    day = words.local_day(found.starts_at, found.timezone)
    return f"{words.in_words(day)} {words.time_of(found.starts_at, found.timezone)}"


@blueprint.get("/<appointment_id>")
@role("owner", "agent")
def show(appointment_id: str) -> ResponseReturnValue:
    """One appointment, and the others of the same customer."""
    found = booking.get_appointment(db(), appointment_id, businesses=wall())
    others = booking.appointments_of_number(db(), found.business_id, found.customer_number)
    return render_template(
        "booking/show.html",
        appointment=found,
        others=[a for a in others if a.appointment_id != appointment_id],
        has_begun=found.starts_at <= clock.stamp(),
    )


@blueprint.route("/<appointment_id>/move", methods=["GET", "POST"])
@role("owner", "agent")
def move(appointment_id: str) -> ResponseReturnValue:
    """To another time."""
    found = booking.get_appointment(db(), appointment_id, businesses=wall())
    day = day_of(request.values.get("day", "")) or max(words.local_day(found.starts_at, found.timezone), _today())
    form = Form()
    if request.method == "POST":
        try:
            starts_at = chosen_moment(found.business_id, day)
            with writing() as open_db:
                found = booking.move(
                    open_db, appointment_id, starts_at, anyway="anyway" in request.form, businesses=wall()
                )
                _note("appointment.moved", found, open_db)
            flash(_("Moved to %(when)s.", when=_when(found)), "good")
            return redirect(url_for(".show", appointment_id=appointment_id), 303)
        except BadAppointment as error:
            form.fail(error, error.field)
        except FrontdeskError as error:
            form.fail(error)
    minutes = round(clock.seconds_between(found.starts_at, found.ends_at) / 60)
    page = render_template(
        "booking/move.html",
        appointment=found,
        form=form,
        day=day,
        today=_today(),
        week=words.week_of(day, (), timezone()),
        before=day - timedelta(days=7),
        after=day + timedelta(days=7),
        times=times_of(found.business_id, day, minutes, appointment_id),
    )
    return page, form.status


def _note(action: str, found: Appointment, open_db: Any) -> None:
    auth.audit(action, found.appointment_id, business_id=found.business_id, in_db=open_db)


def _offer_undo(text: str, appointment_id: str) -> None:
    undo: Any = {"text": text, "action": url_for("booking.book_again", appointment_id=appointment_id)}
    flash(undo, "undo")


@blueprint.post("/<appointment_id>/cancel")
@role("owner", "agent")
def cancel(appointment_id: str) -> ResponseReturnValue:
    """Give the time free; can be undone as long as nobody else has it."""
    with writing() as open_db:
        found = booking.cancel(open_db, appointment_id, businesses=wall())
        _note("appointment.cancelled", found, open_db)
    _offer_undo(_("The appointment of %(when)s is cancelled.", when=_when(found)), appointment_id)
    return redirect(url_for(".show", appointment_id=appointment_id), 303)


@blueprint.post("/<appointment_id>/no-show")
@role("owner", "agent")
def no_show(appointment_id: str) -> ResponseReturnValue:
    """The customer did not come."""
    with writing() as open_db:
        found = booking.mark_no_show(open_db, appointment_id, businesses=wall())
        _note("appointment.no-show", found, open_db)
    _offer_undo(_("Written down: the customer did not come."), appointment_id)
    return redirect(url_for(".show", appointment_id=appointment_id), 303)


@blueprint.post("/<appointment_id>/book-again")
@role("owner", "agent")
def book_again(appointment_id: str) -> ResponseReturnValue:
    """Take a cancellation or a no-show back."""
    with writing() as open_db:
        found = booking.book_again(open_db, appointment_id, businesses=wall())
        _note("appointment.booked-again", found, open_db)
    flash(_("The appointment stands again."), "good")
    return redirect(url_for(".show", appointment_id=appointment_id), 303)


# --- services ---


@blueprint.route("/services", methods=["GET", "POST"])
@role("owner")
def services() -> ResponseReturnValue:
    """What can be booked, of each business, and a further one."""
    form = Form({"minutes": "30"})
    if request.method == "POST":
        business = businesses.get_business(db(), request.form.get("business_id", ""), wall())
        try:
            with writing() as open_db:
                kept = booking.add_service(
                    open_db,
                    business.business_id,
                    name=request.form.get("name", ""),
                    minutes=request.form.get("minutes", 0, int),
                )
                auth.audit("service.added", kept.service_id, business_id=business.business_id, in_db=open_db)
            flash(_("Saved."), "good")
            return redirect(url_for(".services"), 303)
        except BadValue as error:
            form.fail(error, "minutes" if isinstance(error.found, int) else "name")
    listed = [(b, booking.list_services(db(), b.business_id)) for b in businesses.list_businesses(db(), wall())]
    return render_template("booking/services.html", form=form, listed=listed), form.status


@blueprint.post("/services/<service_id>/remove")
@role("owner")
def remove_service(service_id: str) -> ResponseReturnValue:
    """Offer it no more; what was booked stays."""
    with writing() as open_db:
        gone = booking.remove_service(open_db, service_id, businesses=wall())
        auth.audit("service.removed", gone.service_id, business_id=gone.business_id, in_db=open_db)
    flash(_("%(name)s can be booked no more. What was booked stays.", name=gone.name), "good")
    return redirect(url_for(".services"), 303)
