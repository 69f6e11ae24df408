"""Contacts: the list, one contact with the calls and messages, names and blocking."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.clock import stamp
from appliance.contacts import service as contacts
from appliance.errors import NotFound
from appliance.i18n import gettext as _
from web import auth, core
from web.accounts.sign_in import safe_target
from web.auth import role, wall
from web.calls import words
from web.database import db, writing
from web.forms import whole_in_address

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")

PER_PAGE = 50


@blueprint.get("/")
@role("owner", "agent")
def index() -> ResponseReturnValue:
    """Everybody the visitor's businesses know."""
    offset = whole_in_address("offset") or 0
    search, business_id = request.args.get("search", "").strip()[:80], request.args.get("business_id", "")
    blocked = "blocked" in request.args
    found = contacts.list_contacts(
        db(),
        businesses=wall(),
        business_id=business_id,
        search=search,
        blocked_only=blocked,
        offset=offset,
        limit=PER_PAGE + 1,
    )
    names = {b.business_id: b.name for b in businesses.list_businesses(db(), wall())}
    return render_template(
        "contacts/index.html",
        contacts=found[:PER_PAGE],
        more=offset + PER_PAGE if len(found) > PER_PAGE else None,
        search=search,
        business_id=business_id,
        blocked=blocked,
        names=names,
    )


@blueprint.get("/<contact_id>")
@role("owner", "agent")
def show(contact_id: str) -> ResponseReturnValue:
    """One contact; the look is written down."""
    contact = contacts.get_contact(db(), contact_id, businesses=wall())
    auth.audit("contact.view", contact.contact_id, business_id=contact.business_id)
    return render_template(
        "contacts/show.html",
        contact=contact,
        business=businesses.get_business(db(), contact.business_id, wall()),
        earlier=calls.earlier_calls(db(), contact.business_id, contact.number, before=stamp(), limit=50),
        summary=words.summary,
    )


def _business_of_form() -> str:
    """The business in the form, if it is within the wall. Raises NotFound."""
    business_id, limits = request.form.get("business_id", ""), wall()
    if limits is not None and business_id not in limits:
        raise NotFound(_("There is no such business."))
    return businesses.get_business(db(), business_id).business_id


def _back(contact_id: str) -> ResponseReturnValue:
    back = request.form.get("back", "")
    return redirect(safe_target(back) if back else url_for("contacts.show", contact_id=contact_id), 303)


@blueprint.post("/save")
@role("owner", "agent")
def save() -> ResponseReturnValue:
    """Name a caller."""
    business_id = _business_of_form()
    with writing() as open_db:
        contact = contacts.save_contact(
            open_db,
            business_id,
            request.form.get("number", ""),
            name=request.form.get("name", ""),
            note=request.form.get("note"),
        )
        auth.audit("contact.changed", contact.contact_id, business_id=business_id, in_db=open_db)
    flash(_("Saved."), "good")
    return _back(contact.contact_id)


@blueprint.post("/block")
@role("owner", "agent")
def block() -> ResponseReturnValue:
    """Refuse a caller from now on, or let them through again; safe to repeat."""
    business_id, blocked = _business_of_form(), request.form.get("blocked") == "1"
    with writing() as open_db:
        contact = contacts.set_blocked(open_db, business_id, request.form.get("number", ""), blocked=blocked)
        action = "contact.blocked" if blocked else "contact.unblocked"
        auth.audit(action, contact.contact_id, business_id=business_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("This caller is blocked.") if blocked else _("This caller is let through again."), "good")
    return _back(contact.contact_id)
