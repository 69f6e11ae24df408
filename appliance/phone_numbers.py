"""Phone numbers: E.164 inside, as people write them outside.

Owns: reading, comparing and printing numbers. Leaves out: which number belongs to whom (lines).
"""

import re

import phonenumbers

from appliance.errors import Invalid
from appliance.i18n import gettext as _
from appliance.i18n import plain_digits

_E164 = re.compile(r"^\+[1-9]\d{5,14}$")
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u00a0\u200e\u200f\u202a-\u202e]")
# Persian and Arabic digits, which a Persian keyboard types


class BadNumber(Invalid):
    """The text is no phone number."""

    code = "bad-number"


def is_e164(text: str) -> bool:
    """Whether the text is already in the form kept inside, such as ``+982188001122``."""
    return bool(_E164.match(text))


def to_e164(text: str, region: str | None = None) -> str:
    """The E.164 form of a number as a person typed it. Raises BadNumber.

    ``region`` is the ISO country whose national form is meant where no ``+`` or ``00`` leads.
    """
    cleaned = _SEPARATORS.sub("", plain_digits(text)).strip()
    if cleaned.startswith("00"):
        cleaned = "+" + cleaned[2:]
    if is_e164(cleaned):
        return cleaned
    try:
        parsed = phonenumbers.parse(cleaned, region)
    except phonenumbers.NumberParseException as error:
        raise BadNumber(
            _("“%(text)s” is not a phone number.", text=text[:40]),
            hint=_("Write it with the country code: +982188001122."),
        ) from error
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not is_e164(written):
        raise BadNumber(
            _("“%(text)s” is not a phone number.", text=text[:40]),
            hint=_("Write it with the country code: +982188001122."),
        )
    return written


def normalise_caller(text: str, region: str | None = None) -> str:
    """The best form of a caller's number as a carrier or phone sent it; "" when withheld.

    Never raises: what cannot be read as a number is kept as it came, cut to 64 characters.
    """
    raw = text.strip()
    if raw.lower() in {"", "anonymous", "unavailable", "restricted", "unknown", "private"}:
        return ""
    try:
        return to_e164(raw, region)
    except BadNumber:
        return raw[:64]


def same(left: str, right: str) -> bool:
    """Whether two numbers are the same line: equal, or equal in their last 8 digits and 7 at least."""
    if left == right:
        return True
    a, b = (re.sub(r"\D", "", plain_digits(n)) for n in (left, right))
    return min(len(a), len(b)) >= 7 and (a.endswith(b[-8:]) if len(a) >= len(b) else b.endswith(a[-8:]))


def pretty(number: str) -> str:
    """The international form with spaces (``+98 21 8800 1122``), or the text itself if it is no E.164."""
    if not is_e164(number):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
