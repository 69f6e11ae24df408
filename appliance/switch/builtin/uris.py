"""Addresses in headers: read strictly, written so that no text breaks out of its place (RFC 3261 §19.1, §20.10)."""

import re
from urllib.parse import unquote

from aiosipua.headers import Address, SipUri, parse_params, parse_uri

HOST = re.compile(r"^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]+\])$")


def number(text: str, most: int) -> int:
    """A decimal number from 0 to ``most`` in ASCII digits. Raises ValueError."""
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 20 or int(text) > most:
        raise ValueError(f"{text[:40]!r} is no number up to {most}")
    return int(text)


def uri(text: str) -> SipUri:
    """A SIP or tel URI. Raises ValueError for what is neither, or names no host."""
    text = text.strip()
    scheme = text.partition(":")[0].lower()
    if scheme == "tel":
        return SipUri(scheme="tel", user=text[4:].partition(";")[0])
    if scheme not in ("sip", "sips"):
        raise ValueError(f"unknown scheme {scheme[:20]!r}")
    # the codec would end a user part at its first ";" or "?", which RFC 3261 §25.1 allows in it
    user, at, rest = text[len(scheme) + 1 :].partition("@")
    parsed = parse_uri(f"{scheme}:{rest if at else user}")
    parsed.user = user if at else None
    if not HOST.match(parsed.host) or not 0 < (parsed.port or 5060) <= 65535:
        raise ValueError(f"bad host in {text[:80]!r}")
    if any(character in text for character in "<> \t"):
        raise ValueError(f"bad character in {text[:80]!r}")
    return parsed


def user_of(address: SipUri) -> str:
    """The user part as typed: unescaped, without its password and parameters."""
    return unquote((address.user or "").partition(":")[0].partition(";")[0])


def address(text: str) -> Address:
    """A name-addr or addr-spec. Raises ValueError."""
    text = text.strip()
    display, rest = _display(text)
    if rest.startswith("<"):
        inner, closed, after = rest[1:].partition(">")
        after = after.strip()
        if not closed or (after and not after.startswith(";")):
            raise ValueError(f"bad address {text[:80]!r}")
        return Address(display_name=display or None, uri=uri(inner), params=parse_params(after[1:]))
    # without brackets every parameter belongs to the header (RFC 3261 §20)
    bare, _, parameters = rest.partition(";")
    return Address(uri=uri(bare), params=parse_params(parameters))


def _display(text: str) -> tuple[str, str]:
    """The display name, unquoted, and what follows it."""
    if not text.startswith('"'):
        name, bracket, rest = text.partition("<")
        return (name.strip(), "<" + rest) if bracket else ("", text)
    name, at = "", 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        name += text[at : at + 1]
        at += 1
    if at >= len(text):
        raise ValueError("a quotation mark is left open")
    rest = text[at + 1 :].strip()
    if not rest.startswith("<"):
        raise ValueError("no address behind the name")
    return name, rest


def quoted(name: str) -> str:
    """A display name as a quoted string, unable to break out of its header."""
    printable = "".join(character for character in name if character.isprintable())
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def uri_user(text: str) -> str:
    """A user part, unable to break out of its URI."""
    safe = "-_.!~*'()&=+$,;?/"
    return "".join(c if c.isascii() and (c.isalnum() or c in safe) else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def shown(text: str, most: int = 100) -> str:
    """Text of a stranger, fit for a page, a log and a database: printable, and not endless."""
    return "".join(character for character in text[: most * 2] if character.isprintable())[:most].strip()
