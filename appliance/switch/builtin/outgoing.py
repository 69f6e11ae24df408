"""A leg we placed: to every phone of an extension, or to a number over a trunk.

Owns: the race of the forks, what the result means. Leaves out: one INVITE's course (forking.py) and where
to send it (targets.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiosipua.message import SipRequest

from appliance.switch.builtin import uris
from appliance.switch.builtin.forking import ELSEWHERE, Fork
from appliance.switch.builtin.legs import BaseLeg
from appliance.switch.builtin.sdp import CONTENT_TYPE, Remote, Unacceptable, read_answer
from appliance.switch.builtin.session_body import sdp_of
from appliance.switch.causes import Cause, from_sip_status
from appliance.switch.errors import CallRejected
from appliance.switch.events import LegRang
from appliance.switch.port import Party

if TYPE_CHECKING:
    from appliance.switch.builtin.exchange import Exchange
    from appliance.switch.builtin.targets import Destination
    from appliance.switch.builtin.wire import Request, Response

log = logging.getLogger(__name__)

_RANKS = (600, 603, 604, 606, 486, 480, 488, 404, 403)  # which refusal speaks for all phones, first found wins


class OutgoingLeg(BaseLeg):
    """An INVITE of ours, or several of which one wins."""

    def __init__(self, exchange: Exchange, destinations: Sequence[Destination], party: Party, dialled: str) -> None:
        super().__init__(
            exchange,
            direction="out",
            party=party,
            dialled=dialled,
            origin=None,
            call_id=destinations[0].dialog.call_id,
        )
        self._forks = [Fork(self, d.dialog, d.headers, d.credentials) for d in destinations]
        self._settled: asyncio.Future[None] = exchange.loop.create_future()  # answered or ended
        self._rang = False
        self._has_early_audio = False
        self._refusal = 0
        for destination in destinations:
            exchange.dialogs[destination.dialog.key] = self

    def start(self) -> None:
        """Send the INVITEs; the audio ports are open."""
        for fork in self._forks:
            fork.start()

    def describe(self, request: SipRequest, *, least_interval: int) -> None:
        """Contact, abilities and offer of an INVITE."""
        assert self.local is not None
        dialog = next(f.dialog for f in self._forks if f.dialog.call_id == request.call_id)
        request.set_header("Contact", dialog.contact)
        request.set_header("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY")
        request.set_header("Supported", "timer, replaces, norefersub")
        self.mid_call.timer.offer(request, least=least_interval)
        request.content_type = CONTENT_TYPE
        request.text = self.local.offer()

    # --- what the forks tell ---
    def progressed(self, fork: Fork, response: Response) -> None:
        """A phone rings, or the network plays something."""
        if self._ended is not None or self._picked_up:
            return
        has_audio = bool(response.message.body) and self._hear_early(response)
        if response.status in (180, 183) and (not self._rang or (has_audio and not self._has_early_audio)):
            self._rang = True
            self._has_early_audio = self._has_early_audio or has_audio
            self.publish(LegRang(has_audio))

    def _hear_early(self, response: Response) -> bool:
        """Early media: packets are taken, so that a bridge can pass them on (RFC 3960)."""
        try:
            remote = read_answer(sdp_of(response.message) or "")
        except Unacceptable:
            return False
        self.apply(remote, response.source)
        return True

    def won(self, fork: Fork, response: Response) -> bool:
        """A phone picked up. False when the call is gone or another phone was faster."""
        if self._ended is not None or self._picked_up:
            return False
        self._picked_up = True
        self.dialog = fork.dialog
        self.sip_call_id = fork.dialog.call_id
        self.user_agent = uris.shown(response.header("user-agent") or response.header("server"))
        self.mid_call.party_allows = {v.strip().lower() for v in response.message.get_header_values("allow")}
        self.mid_call.credentials = fork.credentials
        for other in self._forks:
            if other is not fork:
                other.cancel(ELSEWHERE)
                self.exchange.dialogs.pop(other.dialog.key, None)
        remote = self._answer_in(response)
        if remote is None:
            self.end(Cause.INCOMPATIBLE)
            return True
        self.apply(remote, response.source)
        self.mid_call.timer.answered(response)
        if not self._settled.done():
            self._settled.set_result(None)
        return True

    def _answer_in(self, response: Response) -> Remote | None:
        try:
            return read_answer(sdp_of(response.message) or "")
        except Unacceptable as error:
            log.info("leg=%s unusable answer: %s", self.leg_id, error)
            return None

    def lost(self, fork: Fork) -> None:
        """A fork ended without an answer that counts."""
        self.exchange.dialogs.pop(fork.dialog.key, None)
        if self._ended is not None or self._picked_up:
            return
        if fork.status >= 600:
            for other in self._forks:
                other.cancel()
        elif not all(other.is_over for other in self._forks):
            return
        statuses = [other.status for other in self._forks if other.is_over]
        self._refusal = next((status for status in _RANKS if status in statuses), statuses[-1])
        self.finish(from_sip_status(self._refusal), by_party=True)

    # --- verbs ---
    async def wait_answered(self) -> None:
        """Wait for someone to pick up. Raises CallRejected."""
        await asyncio.shield(self._settled)
        if self._ended is not None:
            if self._picked_up:
                self.require_alive()
            raise CallRejected(self._ended.cause, sip_status=self._refusal)

    async def ring(self, *, early_audio: bool = False) -> None:
        """An outgoing leg rings by itself."""
        self.require_alive()

    async def answer(self) -> None:
        """An outgoing leg is answered by its party."""
        self.require_alive()

    async def reject(self, cause: Cause) -> None:
        """The same as hang_up."""
        await self.hang_up(cause)

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """BYE, or CANCEL to every phone that still rings."""
        if self._ended is None:
            self.end(cause)
        await self.closed()

    def end(self, cause: Cause) -> None:
        """The signalling of hang_up, and the end of the leg."""
        if self._picked_up:
            self.mid_call.say_goodbye(cause)
        else:
            reason = ELSEWHERE if cause == Cause.ANSWERED_ELSEWHERE else ""
            for fork in self._forks:
                fork.cancel(reason)
        self.finish(cause, by_party=False)

    def take_ack(self, request: Request) -> None:
        """The ACK of a 2xx to the party's re-INVITE."""
        if self.dialog is not None:
            self.mid_call.take_ack(request)

    def finish(self, cause: Cause, *, by_party: bool) -> None:
        """See BaseLeg; also forgets the dialogs of every fork."""
        super().finish(cause, by_party=by_party)
        for fork in self._forks:
            self.exchange.dialogs.pop(fork.dialog.key, None)
        if not self._settled.done():
            self._settled.set_result(None)
