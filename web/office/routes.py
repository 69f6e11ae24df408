"""The office: name, language, time zone; the mail server and what waits to be sent."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import fields, i18n
from appliance.deliveries import service as deliveries
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from appliance.office import service as offices
from appliance.office.models import Office
from web import auth, core, htmx
from web.auth import role, wall, whole_office_only
from web.database import db, writing
from web.forms import Form
from web.office.forms import read_mail, read_office

blueprint = Blueprint("office", __name__, url_prefix="/settings")


@blueprint.get("/")
@role("owner")
def menu() -> ResponseReturnValue:
    """All that can be set."""
    return render_template("office/menu.html")


def _kept(office: Office | None) -> dict[str, object]:
    return dict(office.__dict__) if office else {}


@blueprint.route("/office", methods=["GET", "POST"])
@role("owner")
def edit() -> ResponseReturnValue:
    """Name, language, time zone, the owner's address."""
    whole_office_only()
    form = Form(_kept(offices.get_office(db())))
    if request.method == "POST":
        changes = read_office(form)
        if form.is_good:
            with writing() as open_db:
                offices.update_office(open_db, **changes)
                auth.audit("settings.office", in_db=open_db)
            core.tell("config-changed")
            i18n.set_language(auth.me().language or str(changes["language"]))
            flash(_("Saved."), "good")
            return redirect(url_for("office.edit"), 303)
    page = render_template("office/edit.html", form=form, zones=sorted(fields.time_zones()))
    return make_response(page, form.status)


def _mail_page(form: Form) -> ResponseReturnValue:
    alone = htmx.wants_fragment() and request.method == "GET"
    page = render_template(
        "office/_outbox.html" if alone else "office/mail.html",
        form=form,
        office=offices.get_office(db()),
        waiting=deliveries.list_deliveries(db(), businesses=wall(), state="open", limit=30).items,
        counts=deliveries.counts(db(), wall()),
    )
    return make_response(page, form.status)


@blueprint.route("/mail", methods=["GET", "POST"])
@role("owner")
def mail() -> ResponseReturnValue:
    """The mail server, and what has not been sent yet."""
    whole_office_only()
    office = offices.get_office(db())
    form = Form({**_kept(office), "smtp_password": ""})
    if request.method == "GET":
        return _mail_page(form)
    changes = read_mail(form, has_password=bool(office.smtp_password))
    if not form.is_good:
        return _mail_page(form)
    with writing() as open_db:
        offices.update_office(open_db, **changes)
        auth.audit("settings.mail", in_db=open_db)
    core.tell("config-changed")
    core.tell("outbox-changed")
    flash(_("Saved. What waits is sent now.") if changes.get("smtp_host") else _("Saved."), "good")
    return redirect(url_for("office.mail"), 303)


@blueprint.post("/mail/test")
@role("owner")
def test_mail() -> ResponseReturnValue:
    """Put a test mail into the outbox."""
    whole_office_only()
    try:
        recipient = fields.email(request.form.get("recipient", ""))
    except FrontdeskError:
        flash(_("Give the mail address the test goes to."), "bad")
        return redirect(url_for("office.mail"), 303)
    with writing() as open_db:
        deliveries.send_test(open_db, recipient)
        auth.audit("settings.mail-test", recipient, in_db=open_db)
    core.tell("outbox-changed")
    flash(_("A test mail is in the outbox; below you see how it fares."), "good")
    return redirect(url_for("office.mail"), 303)
