"""Digits sent by SIP INFO, as phones without RFC 4733 do."""

from aiosipua.message import SipRequest

_DIGITS = frozenset("0123456789*#ABCD")
_NAMES = {"10": "*", "11": "#"}


def digit_of(request: SipRequest) -> str:
    """The digit an INFO carries; "" for an empty one. Raises ValueError for another kind of INFO."""
    if not request.body:
        return ""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind == "application/dtmf":
        text = request.text.strip()
    elif kind == "application/dtmf-relay":
        text = ""
        for line in request.text.splitlines():
            name, _, value = line.partition("=")
            if name.strip().lower() == "signal":
                text = value.strip()
    else:
        raise ValueError(kind)
    text = _NAMES.get(text, text.upper())
    return text if text in _DIGITS else ""
