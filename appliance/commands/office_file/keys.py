"""Every key of the office file: its check, its form in the JSON schema, its default and its meaning.

One table feeds the reader, the writer, the schema and the page docs/office-file.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance import fields
from appliance.agents.models import MODES
from appliance.businesses import service as businesses
from appliance.errors import Invalid
from appliance.hours.holidays import check_place
from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _
from appliance.lines import models as line_models
from appliance.lines import service as lines
from appliance.menus import models as menu_models
from appliance.menus import service as menus
from appliance.office import models as office_models
from appliance.office import service as office

REQUIRED = object()
Check = Callable[[Any], Any]


@dataclass(frozen=True)
class Key:
    """One key; a ``secret`` that is left out (None) keeps the stored one, or is generated."""

    name: str
    check: Check
    form: Mapping[str, Any]
    meaning: str
    default: Any = REQUIRED
    items: Check | None = None  # the check of each item of a list
    table: "tuple[Key, ...]" = ()  # the keys of a table of fixed keys
    secret: bool = False


def _a_list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    raise fields.BadValue(value, _('a list in square brackets, such as ["…", "…"]'))


def _hours(value: object) -> Any:
    return businesses.CHECKS["hours"](value)


def _serves(value: object) -> dict[str, str]:
    allowed = _('a table of businesses, such as { bakery = "shared" }')
    if not isinstance(value, dict):
        raise fields.BadValue(value, allowed)
    return value


def _a_number(value: object) -> str:
    # national numbers wait for the time zone; here only the form
    if isinstance(value, str) and value.strip():
        return value
    raise fields.BadValue(value, _('a phone number in quotes, such as "+982188001122"'))


_ID = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 80}
_TEXT = {"type": "string"}
_EMAIL = {"type": "string", "format": "email"}
_LANGUAGE = {"enum": list(LANGUAGES)}
_EXTENSION = {"type": "string", "pattern": "^[0-9]{2,6}$"}
_SIP_PASSWORD = {"type": "string", "minLength": 8, "maxLength": 128}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}


def _no_empty(check: Check) -> Check:
    """The check of a table's key that may be left out, but not be empty."""

    def checked(value: object) -> Any:
        if value == "":
            raise fields.BadValue(value, _("a value, or leave the key out"))
        return check(value)

    return checked


OWNER = (
    Key("email", office.CHECKS["owner_email"], _EMAIL, "The owner's mail address; the owner signs in with it.", ""),
)
SMTP = (
    Key("host", _no_empty(office.CHECKS["smtp_host"]), _TEXT, "The mail server's name or address."),
    Key("port", office.CHECKS["smtp_port"], _PORT, "Its port.", 587),
    Key("from", office.CHECKS["smtp_from"], _EMAIL, "The address mails come from; without it they wait.", ""),
    Key("username", office.CHECKS["smtp_username"], _TEXT, "The user name, where the server wants one.", ""),
    Key("password", office.CHECKS["smtp_password"], _TEXT, "The password that goes with it.", "", secret=True),
    Key(
        "security",
        office.CHECKS["smtp_security"],
        {"enum": list(office_models.SMTP_SECURITY)},
        "How the connection is protected: none, starttls, tls, or auto (tls on port 465, else STARTTLS if offered).",
        "auto",
    ),
)
OFFICE = (
    Key("name", fields.name, _NAME, "The office's name, as people see it."),
    Key("timezone", fields.timezone, _TEXT, "IANA time zone: opening hours, and the country of national numbers."),
    Key(
        "language",
        fields.language,
        _LANGUAGE,
        "Language of pages, mails and commands where nobody chose another.",
        "en",
    ),
    Key("owner", lambda v: v, {}, "The owner.", None, table=OWNER),
    Key("smtp", lambda v: v, {}, "The mail server; left out: mails wait in the outbox.", None, table=SMTP),
)
TRUNK = (
    Key("id", fields.identifier, _ID, "A short name of the line."),
    Key(
        "kind",
        lines.CHECKS["kind"],
        {"enum": list(line_models.KINDS)},
        "peer: a machine known by its address; register: an account at a carrier.",
    ),
    Key("host", lines.CHECKS["host"], _TEXT, "host, host:port, or for a peer a network such as 192.168.1.0/24."),
    Key("transport", lines.CHECKS["transport"], {"enum": list(line_models.TRANSPORTS)}, "UDP or TCP.", "udp"),
    Key("username", lines.CHECKS["username"], _TEXT, "The account's user name; needed for register.", ""),
    Key("password", lines.CHECKS["password"], _TEXT, "The account's password; needed for register.", "", secret=True),
)
BUSINESS = (
    Key("id", fields.identifier, _ID, "A short name; calls and messages belong to it for good."),
    Key("name", fields.name, _NAME, "The business's name, as callers and agents know it."),
    Key("language", fields.language, _LANGUAGE, "Language its callers are spoken to in; left out: the office's.", None),
    Key(
        "timezone",
        _no_empty(fields.timezone),
        _TEXT,
        "Its time zone, where it is not the office's.",
        None,
    ),
    Key(
        "numbers",
        _a_list,
        {"type": "array", "items": _TEXT},
        "Its phone numbers, with country code or as written in its country; each belongs to one business.",
        (),
        items=_a_number,
    ),
    Key("greeting", businesses.CHECKS["greeting"], _TEXT, "What callers hear first, spoken by the box.", ""),
    Key("answer_as", businesses.CHECKS["answer_as"], _TEXT, "The sentence the agent answers with.", ""),
    Key(
        "hours",
        _hours,
        {"type": "object", "additionalProperties": _TEXT},
        "Opening hours by day or range of days; left out: always open.",
        {},
    ),
    Key(
        "holidays",
        check_place,
        _TEXT,
        "Whose public holidays it keeps: none, a country (IR) or region (DE-BY); left out: of its time zone.",
        "",
    ),
    Key(
        "exceptions",
        businesses.CHECKS["exceptions"],
        {"type": "object", "additionalProperties": _TEXT},
        "Days that are not as the week says, by date: times or closed, and after a semicolon why.",
        {},
    ),
    Key(
        "ring_seconds",
        businesses.CHECKS["ring_seconds"],
        {"type": "integer", "minimum": 1, "maximum": 300},
        "How long agents are rung in all before the caller is asked to leave a message, in seconds.",
        20,
    ),
    Key(
        "voicemail_seconds",
        businesses.CHECKS["voicemail_seconds"],
        {"type": "integer", "minimum": 5, "maximum": 600},
        "The longest message a caller may leave, in seconds.",
        120,
    ),
    Key(
        "messages_to",
        _a_list,
        {"type": "array", "items": _EMAIL},
        "Mail addresses that get its messages.",
        (),
        items=fields.email,
    ),
)
AGENT = (
    Key("id", fields.identifier, _ID, "A short name; the agent signs in to the console with it."),
    Key("name", fields.name, _NAME, "The agent's name."),
    Key("extension", fields.extension, _EXTENSION, "The internal number; the user name of the agent's phone."),
    Key(
        "sip_password",
        fields.sip_password,
        _SIP_PASSWORD,
        "The phone's password; left out: generated, and printed once.",
        None,
        secret=True,
    ),
    Key("email", office.CHECKS["owner_email"], _EMAIL, "The agent's mail address.", ""),
    Key(
        "serves",
        _serves,
        {"type": "object", "propertyNames": _ID, "additionalProperties": {"enum": sorted(MODES)}},
        "The businesses the agent answers for, and how: shared, dedicated or semi.",
        {},
    ),
)
PHONE = (
    Key("extension", fields.extension, _EXTENSION, "The internal number; the phone's user name."),
    Key("name", fields.text, {"type": "string", "maxLength": 80}, "Where the phone stands, or whose it is.", ""),
    Key(
        "sip_password",
        fields.sip_password,
        _SIP_PASSWORD,
        "The phone's password; left out: generated, and printed once.",
        None,
        secret=True,
    ),
)


MENU = (
    Key("id", fields.identifier, _ID, "A short name of the menu."),
    Key("business", fields.identifier, _ID, "The business whose callers hear it."),
    Key("name", menus.CHECKS["name"], _NAME, "What the menu is called among ourselves."),
    Key("text", menus.CHECKS["text"], _TEXT, "What the box says; a sound of one's own may replace it."),
    Key(
        "plays",
        menus.CHECKS["plays"],
        {"enum": list(menu_models.PLAYS)},
        "When it is played; submenu: only from another menu.",
        "open",
    ),
    Key(
        "keys",
        lambda v: {key: str(choice) for key, choice in menus.CHECKS["keys"](v).items()},
        {"type": "object", "propertyNames": {"pattern": "^[0-9*#]$"}, "additionalProperties": _TEXT},
        "Where each key leads.",
        {},
    ),
    Key(
        "otherwise",
        lambda v: str(menus.CHECKS["otherwise"](v)),
        _TEXT,
        "Where the caller goes after so many tries without a usable key.",
        "queue",
    ),
    Key(
        "timeout_seconds",
        menus.CHECKS["timeout_seconds"],
        {"type": "integer", "minimum": 1, "maximum": 30},
        "How long it waits for a key, in seconds.",
        5,
    ),
    Key(
        "tries",
        menus.CHECKS["tries"],
        {"type": "integer", "minimum": 1, "maximum": 9},
        "How often it is played to somebody who presses nothing, or a key that leads nowhere.",
        3,
    ),
    Key(
        "direct_dial",
        menus.CHECKS["direct_dial"],
        {"type": "boolean"},
        "Whether the extension of somebody who answers for the business may be dialled.",
        False,
    ),
)


@dataclass(frozen=True)
class Section:
    """One kind of ``[[table]]``; ``identity`` is the key that tells its items apart."""

    name: str
    keys: tuple[Key, ...]
    identity: str
    meaning: str


SECTIONS = (
    Section("trunk", TRUNK, "id", "A line to the outside, tried in the order of the file."),
    Section("business", BUSINESS, "id", "A client whose calls are answered."),
    Section("agent", AGENT, "id", "A person who answers, with a phone."),
    Section("menu", MENU, "id", "What callers of a business may choose by pressing a key."),
    Section("phone", PHONE, "extension", "A phone that is nobody's: a door, a meeting room, the owner's desk."),
)
__all__ = ["OFFICE", "REQUIRED", "SECTIONS", "Invalid", "Key", "Section"]
