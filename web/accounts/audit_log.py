"""The audit log: who looked at or changed what."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from appliance.accounts import service as accounts
from appliance.businesses import service as businesses
from appliance.i18n import gettext as _
from web.accounts.routes import blueprint
from web.auth import role, wall
from web.database import db
from web.forms import whole_in_address


def words_for(action: str) -> str:
    """An action in plain words."""
    known = {
        "login": _("signed in"),
        "login.failed": _("could not sign in"),
        "logout": _("signed out"),
        "logout.everywhere": _("signed out everywhere"),
        "logout.other": _("signed another browser out"),
        "password.changed": _("changed the password"),
        "recording.play": _("listened to a recording"),
        "call.listen": _("listened to a call"),
        "call.whisper": _("whispered in a call"),
        "call.join": _("stepped into a call"),
        "recording.download": _("downloaded a recording"),
        "contact.view": _("looked at a contact"),
        "contact.changed": _("changed a contact"),
        "contact.blocked": _("blocked a caller"),
        "contact.unblocked": _("let a caller through again"),
        "people.invited": _("invited somebody"),
        "people.changed": _("changed a person"),
        "people.link": _("made a new password link"),
        "people.disabled": _("closed somebody's access"),
        "people.enabled": _("opened somebody's access again"),
        "token.created": _("made an API token"),
        "token.revoked": _("ended an API token"),
        "token.create": _("made an API token"),
        "token.revoke": _("ended an API token"),
        "password.link": _("made a new password link"),
        "set-up-link.create": _("made a new set-up link"),
        "office-file.apply": _("applied an office file"),
        "agent.status": _("chose an agent’s status"),
        "mail.retried": _("had a mail tried again"),
        "mail.cancelled": _("stopped a mail"),
        "appointment.booked": _("booked an appointment"),
        "appointment.moved": _("moved an appointment"),
        "appointment.cancelled": _("cancelled an appointment"),
        "appointment.no-show": _("noted that a customer did not come"),
        "appointment.booked-again": _("let a cancelled appointment stand again"),
        "message.done": _("marked a message as done"),
        "message.open": _("opened a message again"),
        "phone.password": _("gave a phone a new password"),
        "phone.account": _("looked at a phone's account"),
    }
    if action.startswith(("settings.", "service.")):
        return _("changed settings")
    return known.get(action, action)


@blueprint.get("/settings/audit")
@role("owner")
def audit_log() -> ResponseReturnValue:
    """Entries, newest first."""
    action, search = request.args.get("action", ""), request.args.get("search", "").strip()
    before = whole_in_address("before")
    entries, more = accounts.list_audit(db(), action=action, search=search, businesses=wall(), before=before)
    return render_template(
        "accounts/audit.html",
        entries=entries,
        more=more,
        action=action,
        search=search,
        words_for=words_for,
        names={b.business_id: b.name for b in businesses.list_businesses(db(), wall())},
    )
