"""Checks of what people type: ids, names, mail addresses, time zones, languages, whole numbers, hosts.

Owns: one form of refusal (what was found, what is allowed), shared by pages, commands and the office file.
Leaves out: rules that need the store, which are the slices'.
"""

import difflib
import functools
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Iterable

from babel.core import get_global

from appliance.errors import Invalid
from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _

_ID = re.compile(r"^[a-z][a-z0-9-]{0,31}$")
_EXTENSION = re.compile(r"^[0-9]{2,6}$")
_EMAIL = re.compile(r"^[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,189}$")
_HOST_NAME = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$")


class BadValue(Invalid):
    """A value that cannot be used: carries what was found and what is allowed."""

    code = "bad-value"

    def __init__(self, found: object, allowed: str) -> None:
        self.found = found
        self.allowed = allowed
        super().__init__(_("%(found)s cannot be used here.", found=shown(found)), hint=allowed)


class BadSecret(BadValue):
    """A password that cannot be used; it is never repeated."""

    code = "bad-secret"

    def __init__(self, allowed: str) -> None:
        super().__init__("", allowed)
        self.message = _("This password cannot be used.")
        self.args = (self.message,)


def shown(value: object) -> str:
    """A value as an error shows it: quoted where it is text, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "…"
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'
    if isinstance(value, dict):
        return _("a table")
    if isinstance(value, list):
        return _("a list")
    return str(value)[:60]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean "sara"?``, or "" when nothing known resembles the word."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return _('Did you mean "%(word)s"?', word=near[0]) if near else ""


def identifier(value: object) -> str:
    """A short name for machines, such as ``bakery``. Raises BadValue."""
    if isinstance(value, str) and _ID.match(value) and not value.endswith("\n"):
        return value
    raise BadValue(value, _("a short id: a small letter, then up to 31 small letters, digits or hyphens"))


def text(value: object, *, most: int = 80, required: bool = False, lines: bool = False) -> str:
    """Text in any script, trimmed, NFC; ``lines`` allows line ends. Raises BadValue."""
    allowed = (
        _("text of 1 to %(most)s characters", most=most)
        if required
        else _("text of up to %(most)s characters", most=most)
    )
    if not isinstance(value, str):
        raise BadValue(value, allowed)
    cleaned = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    bad = any(unicodedata.category(c) in {"Cc", "Cs"} and not (lines and c == "\n") for c in cleaned)
    if bad:
        raise BadValue(value, _("text without control characters"))
    if len(cleaned) > most or (required and not cleaned):
        raise BadValue(value, allowed)
    return cleaned


def name(value: object) -> str:
    """The name of a business, person or office: 1 to 80 characters. Raises BadValue."""
    return text(value, most=80, required=True)


def secret(value: object) -> str:
    """A password for a machine: up to 128 printable characters, no space at its ends. Raises BadValue."""
    if isinstance(value, str) and len(value) <= 128 and value.isprintable() and value == value.strip():
        return value
    raise BadSecret(_("up to 128 printable characters, without a space at either end"))


def sip_password(value: object) -> str:
    """A phone's password: 8 to 128 printable ASCII characters without spaces. Raises BadValue."""
    if isinstance(value, str) and 8 <= len(value) <= 128 and all("!" <= c <= "~" for c in value):
        return value
    raise BadSecret(_("8 to 128 letters, digits and signs of ASCII, without spaces"))


def extension(value: object) -> str:
    """An internal number of 2 to 6 digits. Raises BadValue."""
    if isinstance(value, str) and _EXTENSION.match(value) and not value.endswith("\n"):
        return value
    raise BadValue(value, _('2 to 6 digits in quotes, such as "101"'))


def email(value: object) -> str:
    """One mail address. Raises BadValue."""
    if isinstance(value, str) and _EMAIL.match(value.strip()) and value.strip().isprintable():
        return value.strip()
    raise BadValue(value, _("a mail address, such as owner@example.com"))


def language(value: object) -> str:
    """One of the languages there are. Raises BadValue."""
    if isinstance(value, str) and value in LANGUAGES:
        return value
    raise BadValue(value, _("one of %(list)s", list=", ".join(LANGUAGES)))


@functools.cache
def time_zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def timezone(value: object) -> str:
    """An IANA time zone, such as ``Asia/Tehran``. Raises BadValue."""
    if isinstance(value, str) and value in time_zones():
        return value
    allowed = _("a time zone, such as Asia/Tehran")
    if isinstance(value, str):
        by_lower = {z.lower(): z for z in sorted(time_zones())}
        near = difflib.get_close_matches(value.lower().replace(" ", "_"), by_lower, n=1, cutoff=0.6)
        if near:
            allowed += ". " + _('Did you mean "%(word)s"?', word=by_lower[near[0]])
    raise BadValue(value, allowed)


def whole(value: object, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``. Raises BadValue."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise BadValue(value, _("a whole number from %(low)s to %(high)s", low=low, high=high))


def choice(value: object, choices: Iterable[str]) -> str:
    """One of some words. Raises BadValue."""
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    raise BadValue(value, _("one of %(list)s", list=", ".join(known)))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_host(host: str) -> bool:
    if _is_address(host):
        return True
    # 300.1.2.3 is a mistyped address, no host name
    return bool(_HOST_NAME.match(host)) and not re.fullmatch(r"[\d.]+", host)


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535


def host(value: object, *, with_port: bool = True, network: bool = False) -> str:
    """``host``, ``host:port``, ``[v6]:port``; where allowed a network (``192.168.1.0/24``). Raises BadValue."""
    allowed = _("a host name or address") + (_(", with or without :port") if with_port else "")
    allowed += _(", or a network such as 192.168.1.0/24") if network else ""
    cleaned = value.strip() if isinstance(value, str) else ""
    if network and "/" in cleaned:
        try:
            return str(ipaddress.ip_network(cleaned, strict=False))
        except ValueError:
            raise BadValue(value, allowed) from None
    if _is_host(cleaned):
        return cleaned
    bare, colon, port = cleaned.rpartition(":")
    bracketed = bare.startswith("[") and bare.endswith("]")
    inner = bare[1:-1] if bracketed else bare
    bracketed_only = cleaned.startswith("[") and cleaned.endswith("]") and _is_address(cleaned[1:-1])
    if bracketed_only:
        return cleaned
    if with_port and colon and _is_port(port) and _is_host(inner) and (":" in inner) == bracketed:
        return cleaned
    raise BadValue(value, allowed)


def region_of(timezone: str) -> str | None:
    """The ISO country a time zone lies in (``Asia/Tehran`` → ``IR``), or None: whose national numbers are meant."""
    found = get_global("zone_territories").get(timezone)
    return str(found) if found and len(str(found)) == 2 else None
