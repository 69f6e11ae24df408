"""What the office's forms say, checked."""

from flask import request

from appliance import fields
from appliance.i18n import gettext as _
from appliance.office.models import SMTP_SECURITY
from web.forms import Form


def read_office(form: Form) -> dict[str, object]:
    """Name, language, time zone, owner's mail."""
    return {
        "name": form.read("name", fields.name, ""),
        "language": form.read("language", fields.language, "en"),
        "timezone": form.read("timezone", fields.timezone, "UTC"),
        "owner_email": form.read("owner_email", lambda t: fields.email(t) if t.strip() else "", ""),
    }


def _port(text: str) -> int:
    return fields.whole(int(text) if text.strip().isdecimal() else text, 1, 65535)


def read_mail(form: Form, *, has_password: bool) -> dict[str, object]:
    """The mail server; an empty password keeps the one there is."""
    host = form.read("smtp_host", lambda t: fields.host(t.strip(), with_port=False) if t.strip() else "", "")
    found: dict[str, object] = {
        "smtp_host": host,
        "smtp_port": form.read("smtp_port", _port, 587),
        "smtp_from": form.read("smtp_from", lambda t: fields.email(t) if t.strip() else "", ""),
        "smtp_username": form.read("smtp_username", lambda t: fields.text(t, most=200), ""),
        "smtp_security": form.read("smtp_security", lambda t: fields.choice(t, SMTP_SECURITY), "auto"),
    }
    if host and not found["smtp_from"] and "smtp_from" not in form.errors:
        form.errors["smtp_from"] = _("The mail server needs to know who the mails come from.")
    if request.form.get("smtp_password"):
        found["smtp_password"] = form.read("smtp_password", fields.secret, "")
    elif not found["smtp_username"] and has_password:
        found["smtp_password"] = ""
    return found
