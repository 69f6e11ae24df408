"""REFER: a phone sends whoever it talks with to someone else (RFC 3515, RFC 5589, Replaces of RFC 3891).

Owns: reading the REFER, the NOTIFYs of its progress. Leaves out: the transfer itself, which is a flow's.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from appliance.switch.builtin import uris, wire
from appliance.switch.builtin.replies import reply
from appliance.switch.events import TransferAnswer, TransferAsked

if TYPE_CHECKING:
    from appliance.switch.builtin.legs import BaseLeg
    from appliance.switch.builtin.server_transaction import ServerTransaction

_UNANSWERED_SECONDS = 180.0  # a flow that never answers: the phone is told, and gets its call back


class Notifier(TransferAnswer):
    """Tells the phone that asked how its transfer goes."""

    def __init__(self, leg: BaseLeg, refer_id: int, *, is_silent: bool) -> None:
        self._leg, self._id = leg, refer_id
        self._is_silent = is_silent  # the phone asked for no NOTIFY (RFC 4488)
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The first NOTIFY, due at once (RFC 3515 §2.4.4)."""
        self._notify(100, "active;expires=180")
        self._timer = self._leg.exchange.loop.call_later(_UNANSWERED_SECONDS, self._end, 503)

    async def succeeded(self) -> None:
        """The transfer went through."""
        self._end(200)

    async def failed(self, sip_status: int = 503) -> None:
        """It did not; the phone has its call back."""
        self._end(sip_status)

    def _end(self, status: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_over:
            self._is_over = True
            self._notify(status, "terminated;reason=noresource")

    def _notify(self, status: int, state: str) -> None:
        if self._is_silent or self._leg.ended is not None or self._leg.dialog is None:
            return
        notify = self._leg.dialog.next_request("NOTIFY")
        notify.set_header("Contact", self._leg.dialog.contact)
        notify.set_header("Event", f"refer;id={self._id}")
        notify.set_header("Subscription-State", state)
        notify.content_type = "message/sipfrag;version=2.0"
        notify.text = f"SIP/2.0 {status} {wire.PHRASES.get(status, 'Refused')}\r\n"
        self._leg.mid_call.send(notify)


def take_refer(leg: BaseLeg, transaction: ServerTransaction) -> None:
    """Answer a REFER and tell the flow."""
    request = transaction.request
    values = request.message.get_header_values("refer-to") or request.message.get_header_values("r")
    try:
        if len(values) != 1:
            raise ValueError("Refer-To is not there once")
        target, replaces = _read(leg, values[0])
    except ValueError:
        transaction.refuse(400)
        return
    if target is None:
        transaction.refuse(481)  # an attended transfer to a call that is no more
        return
    if not leg.is_listened_to:
        transaction.refuse(603)
        return
    is_silent = request.header("refer-sub").strip().lower() == "false"
    notifier = Notifier(leg, request.cseq, is_silent=is_silent)
    accepted = reply(request.message, 202, request.source)
    if leg.dialog is not None:
        accepted.set_header("Contact", leg.dialog.contact)
    if is_silent:
        accepted.set_header("Refer-Sub", "false")
    transaction.respond(accepted)
    notifier.begin()
    leg.publish(TransferAsked(target, replaces, notifier))


def _read(leg: BaseLeg, value: str) -> tuple[str | None, str]:
    """Whom to send the party to, and the leg an attended transfer replaces; None when that leg is gone."""
    uri = uris.address(value).uri
    user = uris.user_of(uri)
    escaped = next((text for name, text in uri.headers.items() if name.lower() == "replaces"), "")
    if not escaped:
        if not user:
            raise ValueError("Refer-To names nobody")
        return user, ""
    text = unquote(escaped)
    call_id = text.partition(";")[0].strip()
    tags = dict(re.findall(r";\s*(to-tag|from-tag)\s*=\s*([^;\s]+)", text, re.IGNORECASE))
    other = leg.exchange.leg_of(call_id, tags.get("to-tag", ""), tags.get("from-tag", ""))
    if other is None or other is leg:
        return None, ""
    return user, other.leg_id
