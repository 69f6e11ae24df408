"""Requests within an established dialog, theirs and ours: re-INVITE, UPDATE, BYE, INFO, REFER and the session timer.

Owns: offer and answer after the first, glare (RFC 3261 §14), digits by INFO, the goodbye.
Leaves out: the first INVITE (incoming.py, outgoing.py).
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from aiosipua.message import SipRequest, SipResponse

from appliance.switch.builtin import wire
from appliance.switch.builtin.dialog import contact_of
from appliance.switch.builtin.info_digits import digit_of
from appliance.switch.builtin.refer import take_refer
from appliance.switch.builtin.replies import reply
from appliance.switch.builtin.sdp import CONTENT_TYPE, Offer, Unacceptable, UnknownBody, read_answer, read_offer
from appliance.switch.builtin.session_body import sdp_of
from appliance.switch.builtin.session_timer import LEAST_SECONDS, IntervalTooSmall, SessionTimer
from appliance.switch.causes import Cause, to_q850

if TYPE_CHECKING:
    from appliance.switch.builtin.client_transaction import Failure
    from appliance.switch.builtin.credentials import Credentials
    from appliance.switch.builtin.dialog import Dialog
    from appliance.switch.builtin.legs import BaseLeg
    from appliance.switch.builtin.server_transaction import ServerTransaction
    from appliance.switch.builtin.wire import Request, Response

log = logging.getLogger(__name__)


class MidCall:
    """The established dialog of one leg."""

    def __init__(self, leg: BaseLeg) -> None:
        self._leg = leg
        self.timer = SessionTimer(self._refresh, self._expired)
        self.credentials: Credentials | None = None  # a carrier may challenge within the call too
        self.party_allows: set[str] = set()
        self._unconfirmed: dict[int, ServerTransaction] = {}  # our 2xx that wait for an ACK, by CSeq
        self._awaited_answers: set[int] = set()  # those whose ACK must bring the answer to our offer
        self._is_offering = False
        self._farewell: Cause | None = None  # set once we hang up
        self._acks: dict[int, bytes] = {}  # of our re-INVITEs, to confirm a repeated 2xx again

    @property
    def _dialog(self) -> Dialog:
        assert self._leg.dialog is not None
        return self._leg.dialog

    # --- what comes ---
    def take(self, transaction: ServerTransaction) -> None:
        """A request in the dialog."""
        request = transaction.request
        if request.from_tag != self._dialog.remote_tag or self._leg.ended is not None:
            transaction.refuse(481)
            return
        if not self._dialog.accepts(request):
            transaction.refuse(500, Retry_After=str(random.randint(0, 10)))  # noqa: S311  RFC 3261 §12.2.2
            return
        unknown = request.tokens("require") - wire.SUPPORTED
        if unknown:
            transaction.refuse(420, Unsupported=", ".join(sorted(unknown)))
            return
        match request.method:
            case "INVITE" | "UPDATE":
                self._renegotiate(transaction)
            case "BYE":
                transaction.refuse(200)
                self._leg.finish(Cause.NORMAL, by_party=True)
            case "INFO":
                self._info(transaction)
            case "REFER":
                take_refer(self._leg, transaction)
            case "OPTIONS":
                transaction.refuse(200, Allow=wire.METHODS, Accept="application/sdp")
            case "NOTIFY":
                transaction.refuse(200)
            case "SUBSCRIBE":
                transaction.refuse(489)
            case _:
                transaction.refuse(405, Allow=wire.METHODS)

    def _renegotiate(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if self._is_offering or self._awaited_answers:
            transaction.refuse(491)
            return
        try:
            text = sdp_of(request.message)
            offer = read_offer(text) if text is not None else None
            response = reply(request.message, 200, request.source, to_tag=self._dialog.local_tag)
            self.timer.asked(request, response)
        except IntervalTooSmall:
            transaction.refuse(422, Min_SE=str(LEAST_SECONDS))
            return
        except UnknownBody:
            transaction.refuse(415, Accept="application/sdp")
            return
        except Unacceptable as error:
            log.info("leg=%s re-INVITE refused: %s", self._leg.leg_id, error)
            transaction.refuse(488, Warning='304 frontdesk "Only G.711 audio is spoken here"')
            return
        self._dialog.target = contact_of(request.message) or self._dialog.target
        self._dialog.source = request.source
        self._describe(request, response, offer)
        if request.method == "INVITE":
            self.await_ack(transaction, wants_answer=offer is None)
        transaction.respond(response)

    def _describe(self, request: Request, response: SipResponse, offer: Offer | None) -> None:
        """Contact and session of a 2xx."""
        self.fill(response)
        local = self._leg.local
        if local is None or (offer is None and request.method == "UPDATE"):
            return
        if offer is not None:
            self._leg.apply(offer.remote, request.source)
        response.content_type = CONTENT_TYPE
        response.text = local.answer(offer) if offer is not None else local.offer()

    def fill(self, message: SipResponse | SipRequest) -> None:
        """The headers of everything that (re)makes the dialog."""
        message.set_header("Contact", self._dialog.contact)
        message.set_header("Allow", wire.METHODS)
        message.set_header("Supported", "timer, replaces, norefersub")

    def await_ack(self, transaction: ServerTransaction, *, wants_answer: bool) -> None:
        """A 2xx to an INVITE goes out; without an ACK in time the leg ends."""
        self._unconfirmed[transaction.request.cseq] = transaction
        if wants_answer:
            self._awaited_answers.add(transaction.request.cseq)
        transaction.on_no_ack = lambda: self._unheard(transaction.request.cseq)

    def take_ack(self, request: Request) -> bool:
        """An ACK; True when it confirms a 2xx that waited for it."""
        if request.from_tag != self._dialog.remote_tag:
            return False
        transaction = self._unconfirmed.pop(request.cseq, None)
        if transaction is None:
            return False
        transaction.acked()
        if self._farewell is not None:
            self._part()
        elif request.cseq in self._awaited_answers:
            self._awaited_answers.discard(request.cseq)
            try:
                self._leg.apply(read_answer(sdp_of(request.message) or ""), request.source)
            except Unacceptable:
                self._hang_up(Cause.INCOMPATIBLE)
        return True

    def _unheard(self, cseq: int) -> None:
        log.info("leg=%s no ACK came", self._leg.leg_id)
        self._unconfirmed.pop(cseq, None)
        if self._farewell is not None:
            self._part()
        else:
            self._hang_up(Cause.TIMEOUT)

    def _hang_up(self, cause: Cause) -> None:
        if self._leg.ended is None:
            self._leg.exchange.keep(self._leg.hang_up(cause), f"hang-up {self._leg.leg_id}")

    def _info(self, transaction: ServerTransaction) -> None:
        message = transaction.request.message
        try:
            digit = digit_of(message)
        except ValueError:
            transaction.refuse(415, Accept="application/dtmf-relay, application/dtmf")
            return
        transaction.refuse(200)
        if digit and self._leg.endpoint is not None:
            self._leg.endpoint.digit_arrived(digit)

    # --- what goes ---
    def say_goodbye(self, cause: Cause) -> None:
        """BYE, but not before the ACK of our 2xx is here or overdue (RFC 3261 §15)."""
        self._farewell = cause
        if not self._unconfirmed or cause == Cause.INTERRUPTED:
            self._part()

    @property
    def is_parting(self) -> bool:
        """Whether a BYE still waits for an ACK: the dialog is to be kept."""
        return self._farewell is not None and bool(self._unconfirmed)

    def _part(self) -> None:
        cause = self._farewell or Cause.NORMAL
        self._forget_unconfirmed()
        if self._leg.ended is not None:
            self._leg.exchange.forget(self._dialog)
        bye = self._dialog.next_request("BYE")
        bye.set_header("Reason", f"Q.850;cause={to_q850(cause)}")
        self.send(bye)

    def send(self, message: SipRequest) -> None:
        """Send a request of the dialog whose answer matters little; a challenge is answered once."""
        exchange = self._leg.exchange
        way_back = self._dialog.way_back()
        if way_back is not None and not exchange.sockets.reaches(self._dialog.place()):
            exchange.keep(exchange.ask(message, way_back), f"{message.method} {self._leg.leg_id}")
            return

        def answered(response: Response) -> None:
            if self.credentials is not None and self.credentials.answer(message, response):
                self._dialog.local_cseq += 1
                message.set_header("CSeq", f"{self._dialog.local_cseq} {message.method}")
                exchange.send(message, self._dialog.place())

        exchange.send(message, self._dialog.place(), answered)

    def _refresh(self) -> None:
        """Half the session interval is over and the refresh is ours."""
        if self._leg.ended is not None or self._leg.local is None:
            return
        if self._is_offering or self._awaited_answers:
            self._leg.exchange.loop.call_later(random.uniform(2.1, 4.0), self._refresh)  # noqa: S311
            return
        method = "UPDATE" if "update" in self.party_allows else "INVITE"
        request = self._dialog.next_request(method)
        self.fill(request)
        self.timer.offer(request)
        if method == "INVITE":
            request.content_type = CONTENT_TYPE
            request.text = self._leg.local.offer()
            self._is_offering = True
        cseq = self._dialog.local_cseq
        self._leg.exchange.send(
            request, self._dialog.place(), lambda r: self._refreshed(request, cseq, r), self._not_refreshed
        )

    def _refreshed(self, request: SipRequest, cseq: int, response: Response) -> None:
        if response.status < 200:
            return
        if request.method == "INVITE" and response.status < 300:
            if cseq in self._acks:
                self._leg.exchange.sockets.send(self._acks[cseq], self._dialog.place())
                return
            self._acks = {cseq: self._leg.exchange.send_ack(self._dialog, cseq)}
        self._is_offering = False
        if self._leg.ended is not None:
            return
        if response.status < 300:
            self.timer.answered(response)
            if response.message.body:
                self._take_answer(response)
        elif response.status == 491:
            self._leg.exchange.loop.call_later(random.uniform(2.1, 4.0), self._refresh)  # noqa: S311
        elif response.status in (408, 481):
            self._hang_up(Cause.SESSION_EXPIRED)
        elif self.credentials is not None and self.credentials.answer(request, response):
            self._again(request)

    def _again(self, request: SipRequest) -> None:
        """Send a refresh once more, with credentials."""
        self._dialog.local_cseq += 1
        cseq = self._dialog.local_cseq
        request.set_header("CSeq", f"{cseq} {request.method}")
        self._is_offering = request.method == "INVITE"
        self._leg.exchange.send(
            request, self._dialog.place(), lambda r: self._refreshed(request, cseq, r), self._not_refreshed
        )

    def _take_answer(self, response: Response) -> None:
        try:
            self._leg.apply(read_answer(sdp_of(response.message) or ""), response.source)
        except Unacceptable:
            self._hang_up(Cause.INCOMPATIBLE)

    def _not_refreshed(self, _: Failure) -> None:
        self._is_offering = False
        self._hang_up(Cause.SESSION_EXPIRED)

    def _expired(self) -> None:
        log.info("leg=%s session expired", self._leg.leg_id)
        self._hang_up(Cause.SESSION_EXPIRED)

    def stop(self) -> None:
        """The leg ended: no timer is left, and 2xx are repeated only while our BYE waits for their ACK."""
        self.timer.stop()
        if not self.is_parting:
            self._forget_unconfirmed()

    def _forget_unconfirmed(self) -> None:
        for transaction in self._unconfirmed.values():
            transaction.on_no_ack = None
            transaction.acked()
        self._unconfirmed.clear()
