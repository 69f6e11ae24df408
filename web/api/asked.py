"""What a request asks: its query and body, checked against the route's table."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from appliance import clock
from appliance.businesses import service as businesses
from appliance.errors import Invalid
from appliance.fields import did_you_mean
from appliance.office import service as office
from web.database import db

MOST_PER_PAGE = 200


class BadParameter(Invalid):
    """A parameter of the query or a member of the body cannot be used."""

    code = "bad-parameter"

    def __init__(self, name: str, found: object, allowed: str) -> None:
        super().__init__(f"{name}={str(found)[:80]!r} cannot be used.", hint=f"Allowed: {allowed}.")


class UnknownParameter(Invalid):
    """A parameter that this address does not know."""

    code = "unknown-parameter"


class BodyUnreadable(Invalid):
    """The body is no JSON object."""

    code = "body-unreadable"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a query: how it is read, and its JSON schema."""

    name: str
    read: Callable[[str, str], Any]
    schema: Mapping[str, Any]
    meaning: str
    default: Any = None


def moment(name: str, text: str) -> str:
    """A moment of the query, as a stamp."""
    allowed = "a time such as 2026-11-24T09:30:00Z, or a day such as 2026-11-24 (the office's)"
    # a plus sign that was not escaped arrives as a space
    tidy = re.sub(r" (\d{2}:?\d{2})$", r"+\1", text.strip())
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", tidy):
            there = office.find_office(db())
            at = datetime.fromisoformat(tidy).replace(tzinfo=ZoneInfo(there.timezone if there else "UTC"))
        else:
            at = datetime.fromisoformat(tidy)
        if at.tzinfo is None:
            raise BadParameter(name, text, allowed)
        return clock.stamp(at.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise BadParameter(name, text, allowed) from error


def _limit(name: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MOST_PER_PAGE:
        return int(text)
    raise BadParameter(name, text, f"a whole number from 1 to {MOST_PER_PAGE}")


def _business(name: str, text: str) -> str:
    known = [b.business_id for b in businesses.list_businesses(db())]
    if text not in known:
        raise BadParameter(name, text, ", ".join(known) or "none: there is no business yet")
    return text


def text_of(name: str, text: str) -> str:
    """Some text of the query."""
    if len(text) > 200 or not text.isprintable():
        raise BadParameter(name, text, "up to 200 printable characters")
    return text


def one_of(*words: str) -> Callable[[str, str], str]:
    """The reader of a parameter that is one of some words."""

    def read(name: str, text: str) -> str:
        if text not in words:
            raise BadParameter(name, text, ", ".join(words))
        return text

    return read


_TIME = {"type": "string", "examples": ["2026-11-24T09:30:00Z", "2026-11-24"]}
BUSINESS = Parameter("business", _business, {"type": "string"}, "Only this business, by its id.")
SINCE = Parameter("since", moment, _TIME, "Begun at this time or later.")
UNTIL = Parameter("until", moment, _TIME, "Begun before this time.")
AGENT = Parameter("agent", text_of, {"type": "string"}, "Only this agent, by its id.")
SEARCH = Parameter("search", text_of, {"type": "string"}, "Part of a number or a name.")
BEFORE = Parameter("before", text_of, {"type": "string"}, "Where the page begins: taken from `next`.")
LIMIT = Parameter(
    "limit",
    _limit,
    {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": 50},
    "How many on a page.",
    50,
)


def query(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The query's values by name. Raises UnknownParameter, BadParameter."""
    known = {p.name for p in parameters}
    for name in request.args:
        if name not in known:
            hint = f"{did_you_mean(name, known)} Known: {', '.join(sorted(known)) or 'none'}.".strip()
            raise UnknownParameter(f"There is no parameter {name[:80]!r} here.", hint=hint)
    values = {}
    for parameter in parameters:
        text = request.args.get(parameter.name, "")
        values[parameter.name] = parameter.read(parameter.name, text) if text else parameter.default
    return values


def body(known: Mapping[str, Any]) -> dict[str, Any]:
    """The body's members. Raises BodyUnreadable, UnknownParameter."""
    found = request.get_json(silent=True, force=True) if request.content_length != 0 else {}
    if not isinstance(found, dict):
        raise BodyUnreadable("The body is no JSON object.", hint=f"Send a JSON object with: {', '.join(known)}.")
    for name in found:
        if name not in known:
            raise UnknownParameter(f"There is no member {name[:80]!r}.", hint=f"Known: {', '.join(known)}.")
    return found
