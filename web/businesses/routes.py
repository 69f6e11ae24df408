"""Businesses: the list, a new one, one with all its fields, removal."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import fields
from appliance.businesses import service as businesses
from appliance.businesses.errors import NumberTaken
from appliance.businesses.models import Business
from appliance.errors import FrontdeskError
from appliance.hours import service as hours
from appliance.i18n import gettext as _
from web import auth, core
from web.auth import role, wall, whole_office_only
from web.businesses.forms import identifier_for, kept_fields, read_all
from web.businesses.hours_form import rows_of
from web.database import db, writing
from web.formats import timezone
from web.forms import Form

blueprint = Blueprint("businesses", __name__, url_prefix="/settings/businesses")


@blueprint.get("/")
@role("owner")
def index() -> ResponseReturnValue:
    """All businesses."""
    found = businesses.list_businesses(db(), wall())
    return render_template(
        "businesses/index.html", businesses=found, hours={b.business_id: hours.describe(b.hours) for b in found}
    )


def _page(form: Form, business: Business | None) -> ResponseReturnValue:
    page = render_template(
        "businesses/edit.html",
        form=form,
        business=business,
        rows=rows_of(business.hours if business else {}, form),
        zones=sorted(fields.time_zones()),
        history=businesses.history(db(), business.business_id) if business else (0, 0),
    )
    return make_response(page, form.status)


@blueprint.route("/new", methods=["GET", "POST"])
@role("owner")
def new() -> ResponseReturnValue:
    """A further business."""
    whole_office_only()
    office = auth.office()
    form = Form(
        {
            "language": office.language if office else "en",
            "ring_seconds": 20,
            "voicemail_seconds": 120,
            "always_open": True,
            "messages_to": office.owner_email if office else "",
        }
    )
    if request.method == "GET":
        return _page(form, None)
    values = read_all(form, timezone())
    try:
        if form.is_good:
            taken = [b.business_id for b in businesses.list_businesses(db())]
            business_id = identifier_for(str(values["name"]), taken, "business")
            with writing() as open_db:
                businesses.create_business(open_db, business_id, **values)  # type: ignore[arg-type]
                auth.audit("settings.business-added", business_id, business_id=business_id, in_db=open_db)
            core.tell("config-changed")
            flash(_("Added. Its greeting can be heard and changed under “What callers hear”."), "good")
            return redirect(url_for("businesses.edit", business_id=business_id), 303)
    except FrontdeskError as error:
        form.fail(error, "numbers" if isinstance(error, NumberTaken) else "")
    return _page(form, None)


@blueprint.route("/<business_id>", methods=["GET", "POST"])
@role("owner")
def edit(business_id: str) -> ResponseReturnValue:
    """All fields of one business."""
    business = businesses.get_business(db(), business_id, wall())
    form = Form(kept_fields(business))
    if request.method == "GET":
        return _page(form, business)
    values = read_all(form, timezone())
    try:
        if form.is_good:
            with writing() as open_db:
                businesses.update_business(open_db, business_id, **values)
                auth.audit("settings.business", business_id, business_id=business_id, in_db=open_db)
            core.tell("config-changed")
            flash(_("Saved."), "good")
            return redirect(url_for("businesses.edit", business_id=business_id), 303)
    except FrontdeskError as error:
        form.fail(error, "numbers" if isinstance(error, NumberTaken) else "")
    return _page(form, business)


@blueprint.post("/<business_id>/delete")
@role("owner")
def delete(business_id: str) -> ResponseReturnValue:
    """Remove a business that has no history."""
    whole_office_only()
    with writing() as open_db:
        businesses.delete_business(open_db, business_id)
        auth.audit("settings.business-removed", business_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("The business is removed."), "good")
    return redirect(url_for("businesses.index"), 303)
