"""Responses: what each carries, and where its asker wants it (RFC 3261 §8.2.6, §18.2.2, RFC 3581)."""

import re
from dataclasses import replace

from aiosipua.headers import Via
from aiosipua.message import SipRequest, SipResponse

from appliance.switch.builtin.wire import PHRASES, PRODUCT, Place, via_of


def reply_place(via: Via, source: Place) -> Place:
    """Where the response to a request goes (RFC 3261 §18.2.2, RFC 3581)."""
    if source.transport == "tcp" or "rport" in via.params:
        return source
    # a sender whose Via is not its address sits behind NAT: only the port it sent from leads back
    if via.host.strip("[]") != source.host:
        return source
    return replace(source, port=via.port or 5060)


def reply(request: SipRequest, status: int, source: Place, *, to_tag: str = "") -> SipResponse:
    """A response with what every response carries."""
    response = SipResponse(status_code=status, reason_phrase=PHRASES.get(status, "Refused"))
    vias = request.get_header_values("via")
    response.add_header("Via", _marked(vias[0], source))
    for value in vias[1:]:
        response.add_header("Via", value)
    for name in ("From", "To", "Call-ID", "CSeq"):
        response.set_header(name, request.get_header(name) or "")
    if to_tag and status > 100 and ";tag=" not in (request.get_header("to") or "").replace(" ", ""):
        response.set_header("To", f"{request.get_header('to') or ''};tag={to_tag}")
    response.set_header("Server", PRODUCT)
    return response


def _marked(text: str, source: Place) -> str:
    """A top Via that tells its sender how it was seen (RFC 3581 §4)."""
    via = via_of(text)
    wants_port = "rport" in via.params
    if wants_port:
        text = re.sub(r";\s*rport\s*(=[^;]*)?", f";rport={source.port}", text, count=1, flags=re.IGNORECASE)
    if wants_port or via.host.strip("[]") != source.host:
        text = re.sub(r";\s*received\s*=[^;]*", "", text, flags=re.IGNORECASE) + f";received={source.host}"
    return text
