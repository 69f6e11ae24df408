"""What the form of a business says, checked with the slice's own rules."""

import re
import unicodedata
from collections.abc import Iterable

from flask import request

from appliance.businesses.models import Business
from appliance.businesses.service import CHECKS
from appliance.businesses.service import read_number as read_one_number
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from appliance.i18n import plain_digits
from web.businesses.hours_form import read_hours
from web.forms import Form


def identifier_for(name: str, taken: Iterable[str], instead: str) -> str:
    """A short id out of a name: ``Nasim Bakery`` → ``nasim-bakery``; ``instead`` for names of another script."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:24].strip("-")
    if not base or not base[0].isalpha():
        base = instead
    known, found, count = set(taken), base, 1
    while found in known:
        count += 1
        found = f"{base}-{count}"
    return found


def kept_fields(business: Business) -> dict[str, object]:
    """A business as its form shows it."""
    return {
        **business.__dict__,
        "timezone": business.timezone or "",
        "numbers": "\n".join(business.numbers),
        "messages_to": "\n".join(business.messages_to),
        "always_open": not business.hours,
    }


def _whole(text: str) -> object:
    cleaned = plain_digits(text.strip())
    return int(cleaned) if cleaned.isdecimal() else text


def _list(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[\n,;،]+", text) if part.strip()]


def read_basics(form: Form) -> dict[str, object]:
    """What the wizard asks: name, language, hours, the sentence to answer with."""
    return {
        "name": form.read("name", CHECKS["name"], ""),
        "language": form.read("language", CHECKS["language"], "en"),
        "answer_as": form.read("answer_as", CHECKS["answer_as"], ""),
        "hours": read_hours(form),
    }


def read_numbers(form: Form, timezone: str, name: str = "numbers") -> list[str]:
    """Numbers in any form people write them, one a line."""
    found = []
    for text in _list(request.form.get(name, "")):
        try:
            found.append(read_one_number(text, timezone))
        except FrontdeskError as error:
            form.errors[name] = _("%(number)s: %(why)s", number=text, why=f"{error.message} {error.hint}")
    return found


def read_all(form: Form, office_timezone: str) -> dict[str, object]:
    """Every field of a business."""
    timezone = form.read("timezone", CHECKS["timezone"], None)
    return {
        **read_basics(form),
        "timezone": timezone,
        "ring_seconds": form.read("ring_seconds", lambda t: CHECKS["ring_seconds"](_whole(t)), 20),
        "voicemail_seconds": form.read("voicemail_seconds", lambda t: CHECKS["voicemail_seconds"](_whole(t)), 120),
        "messages_to": form.read("messages_to", lambda t: CHECKS["messages_to"](_list(t)), ()),
        "numbers": read_numbers(form, timezone or office_timezone),
    }
