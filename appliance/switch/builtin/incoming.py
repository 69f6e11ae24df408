"""A leg someone called us on: ring, answer, reject, and the caller's CANCEL (RFC 3261 §13.3)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from appliance.switch.builtin import uris
from appliance.switch.builtin.dialog import Dialog
from appliance.switch.builtin.legs import BaseLeg
from appliance.switch.builtin.replies import reply
from appliance.switch.builtin.sdp import CONTENT_TYPE, Offer, read_offer
from appliance.switch.builtin.session_body import sdp_of
from appliance.switch.builtin.session_timer import LEAST_SECONDS, IntervalTooSmall
from appliance.switch.causes import Cause, to_q850, to_sip_status
from appliance.switch.errors import LegGone, SwitchError
from appliance.switch.port import Origin, Party

if TYPE_CHECKING:
    from appliance.switch.builtin.exchange import Exchange
    from appliance.switch.builtin.server_transaction import ServerTransaction
    from appliance.switch.builtin.wire import Request

log = logging.getLogger(__name__)


class IncomingLeg(BaseLeg):
    """An INVITE from a trunk or a phone."""

    def __init__(self, exchange: Exchange, transaction: ServerTransaction, origin: Origin, dialled: str) -> None:
        """Raises Unacceptable for a session we cannot take part in."""
        request = transaction.request
        self._offer: Offer | None = None
        text = sdp_of(request.message)
        if text is not None:
            self._offer = read_offer(text)
        super().__init__(
            exchange,
            direction="in",
            party=caller_of(request, origin),
            dialled=dialled,
            origin=origin,
            call_id=request.call_id,
        )
        self._transaction = transaction
        contact = f"<{exchange.uri_for(uris.uri_user(dialled), request.source)}>"
        self.dialog = Dialog.of_request(request, exchange.transactions.tag_for(transaction), contact)
        self.dialog.follows_contact = origin.kind == "trunk"
        exchange.dialogs[self.dialog.key] = self
        self.user_agent = uris.shown(request.header("user-agent"))
        self.mid_call.party_allows = request.tokens("allow")
        self._confirmed: asyncio.Future[None] = exchange.loop.create_future()
        self._answering = asyncio.Lock()
        transaction.on_cancel = self._cancelled

    # --- before the answer ---
    async def ring(self, *, early_audio: bool = False) -> None:
        """180 without SDP; with early audio 183 with our answer, which the 200 repeats (RFC 3261 §13.3.1.1)."""
        self.require_alive()
        if self._transaction.is_answered:
            return
        if early_audio and self._offer is not None:
            async with self._answering:
                if not self._picked_up:
                    await self._open_audio()
                    self._respond(183)
        else:
            self._respond(180)

    def _respond(self, status: int) -> None:
        assert self.dialog is not None
        request = self._transaction.request
        response = reply(request.message, status, request.source, to_tag=self.dialog.local_tag)
        for route in request.message.get_header_values("record-route"):
            response.add_header("Record-Route", route)
        self.mid_call.fill(response)
        if status in (183, 200):
            response.content_type = CONTENT_TYPE
            assert self.local is not None
            response.text = self.local.answer(self._offer) if self._offer else self.local.offer()
        if status == 200:
            self.mid_call.timer.asked(request, response)
            self.mid_call.await_ack(self._transaction, wants_answer=self._offer is None)
        self._transaction.respond(response)

    async def answer(self) -> None:
        """200, and the wait for its ACK."""
        self.require_alive()
        async with self._answering:
            if not self._picked_up:
                await self._pick_up()
        await self.first_of(self._confirmed)
        self.require_alive()

    async def _open_audio(self) -> None:
        """Ports, and the caller's side of the stream if it is known. Raises LegGone. Nothing happens a second time."""
        request = self._transaction.request
        if self.endpoint is not None:
            return
        try:
            await self.open_audio(request.source)
        except LegGone:
            raise
        except (SwitchError, OSError) as error:
            log.warning("leg=%s no audio port: %s", self.leg_id, error)
            await self.reject(Cause.CONGESTION)
            raise LegGone(Cause.CONGESTION) from error
        if self._offer is not None:
            self.apply(self._offer.remote, request.source)

    async def _pick_up(self) -> None:
        await self._open_audio()
        self._picked_up = True
        if self._offer is not None:
            self.apply(self._offer.remote, self._transaction.request.source)
        self._respond(200)

    async def wait_answered(self) -> None:
        """An incoming leg is answered by us; nothing to wait for but the ACK."""
        await self.first_of(self._confirmed)
        self.require_alive()

    def _cancelled(self) -> None:
        assert self.dialog is not None
        self._transaction.refuse(487, to_tag=self.dialog.local_tag)
        self.finish(Cause.CANCELLED, by_party=True)

    def take_ack(self, request: Request) -> None:
        """The ACK of our 200, or of a 2xx to a re-INVITE."""
        if self.mid_call.take_ack(request) and not self._confirmed.done():
            self._confirmed.set_result(None)

    def take_request(self, transaction: ServerTransaction) -> None:
        """A request in the dialog; before the answer only what RFC 3261 §12 allows an early dialog."""
        assert self.dialog is not None
        early = not self._picked_up and transaction.request.from_tag == self.dialog.remote_tag
        if early and transaction.request.method == "BYE":
            transaction.refuse(200)
            if self._ended is None:
                self._cancelled()
        elif early and transaction.request.method in ("INVITE", "UPDATE"):
            transaction.refuse(500, Retry_After="3")  # RFC 3261 §14.2, RFC 3311 §5.2: the first offer is still open
        else:
            super().take_request(transaction)

    # --- the end ---
    async def reject(self, cause: Cause) -> None:
        """A final refusal; of an answered leg the same as hang_up."""
        await self.hang_up(cause)

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """Refuse or BYE, whatever fits."""
        if self._ended is None:
            self.end(cause)
        await self.closed()

    def end(self, cause: Cause) -> None:
        """The signalling of hang_up, and the end of the leg."""
        assert self.dialog is not None
        if self._picked_up:
            self.mid_call.say_goodbye(cause)
        else:
            reason = f"Q.850;cause={to_q850(cause)}"
            self._transaction.refuse(to_sip_status(cause), to_tag=self.dialog.local_tag, Reason=reason)
        self.finish(cause, by_party=False)


def check_timer(request: Request) -> None:
    """Raises IntervalTooSmall for a session interval we do not serve."""
    text = request.header("session-expires").partition(";")[0].strip()
    if text.isdecimal() and int(text) < LEAST_SECONDS:
        raise IntervalTooSmall


def caller_of(request: Request, origin: Origin) -> Party:
    """Who calls: of a trunk P-Asserted-Identity (RFC 3325) before From; nobody when withheld (RFC 3323)."""
    shown = request.sender
    if origin.kind == "trunk":
        asserted = request.message.get_header("p-asserted-identity")
        if asserted:
            try:
                shown = uris.address(asserted.partition(",")[0] if "<" not in asserted else asserted)
            except ValueError:
                shown = request.sender
        if "id" in request.tokens("privacy") or "user" in request.tokens("privacy"):
            return Party("")
    number = uris.shown(uris.user_of(shown.uri))
    if number.lower() == "anonymous" or shown.uri.host.endswith("anonymous.invalid"):
        return Party("")
    name = uris.shown(shown.display_name or request.sender.display_name or "")
    return Party(number, "" if name == number else name)
