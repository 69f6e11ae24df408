"""What a message may hold: pure functions of what was typed."""

import json
import unicodedata
from typing import Any

from appliance import phone_numbers
from appliance.i18n import gettext as _
from appliance.messages.errors import BadMessage, MessageEmpty
from appliance.messages.models import MOST_CHARACTERS, URGENCIES

# Marks that reorder the text around them: harmless in nobody's name
_REORDERING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def one_line(text: object) -> str:
    """Text without line ends and control characters; spaces single."""
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c
        for c in _readable(text)
        if ord(c) not in _REORDERING
    )
    return " ".join(kept.split())


def many_lines(text: object) -> str:
    """Text with its lines, without other control characters; no space at its ends."""
    lines = _readable(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc").strip()


def _readable(text: object) -> str:
    """As NFC, without lone surrogates (they cannot be stored) and whatever is no text."""
    if text is None:
        return ""
    return unicodedata.normalize("NFC", "".join(c for c in str(text) if unicodedata.category(c) != "Cs"))


def checked_length(field: str, text: str) -> str:
    """The text. Raises BadMessage when it is too long, never cuts it."""
    most = MOST_CHARACTERS[field]
    if len(text) > most:
        raise BadMessage(
            field,
            _("This is longer than %(most)s characters.", most=most),
            hint=_("It has %(count)s characters: shorten it.", count=len(text)),
        )
    return text


def callback(text: object, region: str | None = None) -> str:
    """A number to call back: E.164 where it can be read so, else as typed. Raises BadMessage."""
    typed = checked_length("callback_number", one_line(text))
    number = phone_numbers.normalise_caller(typed, region)
    if number and not any(c.isdigit() for c in number):
        raise BadMessage(
            "callback_number",
            _("“%(text)s” is not a phone number.", text=typed),
            hint=_("Write the number, or leave the field empty and put the text into the message."),
        )
    return number


def checked_urgency(text: object) -> str:
    """The urgency; "" means normal. Raises BadMessage."""
    urgency = str(text or "normal")
    if urgency not in URGENCIES:
        raise BadMessage("urgency", _("There is no such urgency."), hint=_("Choose normal or urgent."))
    return urgency


def note(
    *, for_whom: object, from_name: object, callback_number: object, body: object, urgency: object, region: str | None
) -> dict[str, str]:
    """The fields of a note as they are kept. Raises BadMessage and MessageEmpty."""
    kept = {
        "for_whom": checked_length("for_whom", one_line(for_whom)),
        "from_name": checked_length("from_name", one_line(from_name)),
        "callback_number": callback(callback_number, region),
        "body": checked_length("body", many_lines(body)),
        "urgency": checked_urgency(urgency),
    }
    if not kept["body"] and not kept["callback_number"]:
        raise MessageEmpty
    return kept


def addresses(messages_to: str, owner_email: str) -> list[str]:
    """Whom a message of a business goes to: its addresses, each once, else the owner's; none when neither is set."""
    try:
        listed: Any = json.loads(messages_to or "[]")
    except ValueError:
        listed = []
    found: dict[str, str] = {}
    for address in listed if isinstance(listed, list) else []:
        cleaned = one_line(address)
        if "@" in cleaned:
            found.setdefault(cleaned.casefold(), cleaned)
    if not found and "@" in owner_email:
        return [one_line(owner_email)]
    return list(found.values())
