"""What happens to a packet: shield, reading, dialogs, and requests outside of them (RFC 3261 §8.2).

Owns: who is a trunk, who must prove a password, which refusal a request gets. Leaves out: the life of
calls (legs.py) and the bookkeeping of phones (registrar.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.switch.builtin import uris, wire
from appliance.switch.builtin.incoming import IncomingLeg, check_timer
from appliance.switch.builtin.registrar import Refused
from appliance.switch.builtin.replies import reply, reply_place
from appliance.switch.builtin.sdp import Unacceptable, UnknownBody
from appliance.switch.builtin.session_timer import LEAST_SECONDS, IntervalTooSmall
from appliance.switch.builtin.wire import Malformed, Place, Request, Response
from appliance.switch.causes import Cause
from appliance.switch.port import Origin

if TYPE_CHECKING:
    from appliance.switch.builtin.digest import Doorkeeper
    from appliance.switch.builtin.exchange import Exchange
    from appliance.switch.builtin.registrar import Registrar
    from appliance.switch.builtin.server_transaction import ServerTransaction
    from appliance.switch.builtin.shield import Offence, Shield
    from appliance.switch.builtin.trunks import Trunks

log = logging.getLogger(__name__)

MOST_PACKET_BYTES = 16_384
MOST_LEGS = 400
_KEEP_ALIVE = frozenset(b"\r\n\0 ")


class Dispatcher:
    """The engine's front door."""

    def __init__(
        self,
        *,
        shield: Shield,
        doorkeeper: Doorkeeper,
        registrar: Registrar,
        trunks: Trunks,
        on_call: Callable[[IncomingLeg], None],
        on_trunk_heard: Callable[[str], None],
    ) -> None:
        self._shield, self._doorkeeper = shield, doorkeeper
        self._registrar, self._trunks = registrar, trunks
        self._on_call, self._on_trunk_heard = on_call, on_trunk_heard
        self.exchange: Exchange  # given by the engine once the sockets are open
        self.is_closing = False

    # --- packets ---
    def take_packet(self, data: bytes, source: Place) -> None:
        """A datagram or a framed message. The boundary of the loop: whatever is wrong with it, the next is served."""
        try:
            self._take(data, source)
        except Exception:
            self._shield.counted["fault"] += 1
            log.exception("source=%s a packet could not be handled", source)

    def _take(self, data: bytes, source: Place) -> None:
        if len(data) <= 8 and _KEEP_ALIVE.issuperset(data):
            return
        known = self._is_known(source)
        if not known and not self._shield.listens_to(source):
            return
        if len(data) > MOST_PACKET_BYTES:
            self._offend(source, "huge")
            return
        try:
            message = wire.read(data, source)
        except Malformed as error:
            self._offend(source, "malformed")
            self._answer_malformed(error, source)
            return
        if isinstance(message, Response):
            self.exchange.transactions.take_response(message)
        else:
            self.exchange.transactions.take_request(message)

    def _is_known(self, source: Place) -> bool:
        return self._registrar.knows(source) or self._trunks.is_known(source)

    def _offend(self, source: Place, kind: Offence) -> None:
        if not self._is_known(source):
            self._shield.offence(source, kind)
        else:
            self._shield.counted[kind] += 1

    def _answer_malformed(self, error: Malformed, source: Place) -> None:
        if error.request is None:
            log.debug("source=%s dropped: %s", source, error)
            return
        response = reply(error.request, error.status, source, to_tag=wire.new_tag())
        place = reply_place(wire.via_of(error.request.get_header_values("via")[0]), source)
        self.exchange.sockets.send(bytes(response), place)

    # --- requests ---
    def take_ack(self, request: Request) -> None:
        """An ACK of a 2xx; one nobody waits for is dropped (RFC 3261 §8.2.7 allows no answer)."""
        leg = self.exchange.dialogs.get((request.call_id, request.to_tag))
        if leg is not None:
            leg.take_ack(request)

    def take_request(self, transaction: ServerTransaction) -> None:
        """A new request."""
        request = transaction.request
        if request.message.get_header("max-forwards") and int(request.message.get_header("max-forwards") or 70) == 0:
            transaction.refuse(483)
        elif request.to_tag:
            self._in_dialog(transaction)
        elif unknown := request.tokens("require") - wire.SUPPORTED:
            transaction.refuse(420, Unsupported=", ".join(sorted(unknown)))
        else:
            self._outside(transaction)

    def _in_dialog(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        leg = self.exchange.dialogs.get((request.call_id, request.to_tag))
        if leg is not None:
            leg.take_request(transaction)
        elif request.method == "BYE" and self.exchange.has_parted((request.call_id, request.to_tag), request.from_tag):
            transaction.refuse(200)  # both hung up at once
        elif request.method == "REGISTER":  # some phones copy the tag of the last 200 into the refresh
            self._register(transaction)
        else:
            self._offend(request.source, "stranger")
            self._turn_away(transaction, 481)

    def _outside(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        match request.method:
            case "INVITE":
                self._invite(transaction)
            case "REGISTER":
                self._register(transaction)
            case "OPTIONS":
                transaction.refuse(200, Allow=wire.METHODS, Accept="application/sdp", Supported="timer, replaces")
            case "NOTIFY" if request.header("event").strip().lower() == "keep-alive":
                transaction.refuse(200)
            case "SUBSCRIBE" | "NOTIFY" | "PUBLISH":
                self._offend(request.source, "stranger")
                self._turn_away(transaction, 489)
            case "BYE" | "INFO" | "UPDATE" | "REFER" | "PRACK":
                self._offend(request.source, "stranger")
                self._turn_away(transaction, 481)
            case _:
                self._offend(request.source, "stranger")
                self._turn_away(transaction, 405)

    def _turn_away(self, transaction: ServerTransaction, status: int) -> None:
        request = transaction.request
        tag = self.exchange.transactions.tag_for(transaction)
        response = reply(request.message, status, request.source, to_tag=tag)
        if status == 405:
            response.set_header("Allow", wire.METHODS)
        transaction.refuse_and_forget(response)

    # --- who is it ---
    def _proved(self, transaction: ServerTransaction, claimed: str) -> bool:
        """Whether the sender proved to be that extension; if not, it was challenged or refused."""
        request = transaction.request
        verdict, account = self._doorkeeper.judge(request)
        if verdict == "ok" and account == claimed:
            self._shield.proved(request.source)
            return True
        if verdict in ("absent", "stale"):
            self._offend(request.source, "challenged")
            response = reply(
                request.message, 401, request.source, to_tag=self.exchange.transactions.tag_for(transaction)
            )
            self._doorkeeper.challenge(request, response, stale=verdict == "stale")
            transaction.refuse_and_forget(response)
            return False
        # a proven account that speaks in another's name is no better than a wrong password
        offence: Offence = "wrong-password" if verdict == "wrong" else "forbidden"
        log.warning("source=%s %s refused: %s account=%r", request.source, request.method, offence, account[:40])
        self._offend(request.source, offence)
        self._turn_away(transaction, 403)
        return False

    def _register(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        extension = uris.user_of(request.to.uri)
        if not self._proved(transaction, extension):
            return
        response = reply(request.message, 200, request.source, to_tag=self.exchange.transactions.tag_for(transaction))
        try:
            self._registrar.register(extension, request, response)
        except Refused as refused:
            transaction.refuse(refused.status, **refused.headers)
        except ValueError:
            transaction.refuse(400)
        else:
            transaction.respond(response)

    def _invite(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        trunk = self._trunks.of(request, from_phone=self._registrar.knows(request.source))
        if trunk is not None:
            origin, dialled = Origin("trunk", trunk.trunk_id), uris.user_of(request.uri)
            if trunk.kind == "register" and dialled == (trunk.username or trunk.trunk_id):
                dialled = uris.user_of(request.to.uri) or dialled
            self._on_trunk_heard(trunk.trunk_id)
        else:
            extension = uris.user_of(request.sender.uri)
            if not self._proved(transaction, extension):
                return
            origin, dialled = Origin("extension", extension), uris.user_of(request.uri)
        self._offer(transaction, origin, uris.shown(dialled))

    def _offer(self, transaction: ServerTransaction, origin: Origin, dialled: str) -> None:
        request = transaction.request
        if self.is_closing or len(self.exchange.legs) >= MOST_LEGS:
            transaction.refuse(503, Retry_After="10")
        elif not dialled:
            transaction.refuse(404)
        elif not request.message.get_header("contact"):
            transaction.refuse(400)  # RFC 3261 §8.1.1.8: nothing could be sent in the dialog
        elif request.header("replaces"):
            transaction.refuse(481)  # nobody may take over a call from outside
        else:
            try:
                check_timer(request)
                transaction.refuse(100)
                leg = IncomingLeg(self.exchange, transaction, origin, dialled)
            except IntervalTooSmall:
                transaction.refuse(422, Min_SE=str(LEAST_SECONDS))
            except UnknownBody:
                transaction.refuse(415, Accept="application/sdp")
            except Unacceptable as error:
                log.info("sip_call_id=%s refused cause=%s: %s", request.call_id, Cause.INCOMPATIBLE, error)
                transaction.refuse(488, Warning='304 frontdesk "Only G.711 audio is spoken here"')
            else:
                self._on_call(leg)
