"""Letting two legs hear each other, parting them, and sending one on (REFER).

Owns: the order of commands that was seen to work. Leaves out: what a leg is (legs.py).
"""

from __future__ import annotations

import asyncio
import logging

from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.events import TransferAnswer, TransferAsked
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.failures import EventSocketError, Refused, SocketAway
from appliance.switch.freeswitch.legs import FsLeg

log = logging.getLogger(__name__)

HAND_OVER_SECONDS = 1.5
BRIDGE_SECONDS = 2.0


class Bridges:
    """The bridges being made, by the channels they join."""

    def __init__(self) -> None:
        self._waiting: dict[frozenset[str], asyncio.Event] = {}
        self._returning: set[frozenset[str]] = set()  # pairs that FreeSWITCH itself puts together again

    def joined(self, first: str, second: str, legs: dict[str, FsLeg]) -> None:
        """CHANNEL_BRIDGE."""
        one, other = legs.get(first), legs.get(second)
        if one is None or other is None:
            return
        for leg in (one, other):
            if leg.bridged is not None:
                leg.bridged.bridged = None
            leg.channel.left_behind()
            leg.in_hand.clear()
        one.bridged, other.bridged = other, one
        if waiting := self._waiting.get(frozenset((first, second))):
            waiting.set()

    @staticmethod
    def parted(leg: FsLeg) -> None:
        """CHANNEL_UNBRIDGE."""
        other, leg.bridged = leg.bridged, None
        if other is not None and other.bridged is leg:
            other.bridged = None

    async def join(self, first: FsLeg, second: FsLeg) -> None:
        """Let two answered legs hear each other. Raises LegGone."""
        if first.bridged is second:
            return
        pair = frozenset((first.uuid, second.uuid))
        joined = self._waiting[pair] = asyncio.Event()
        try:
            for leg in (first, second):
                leg.require_alive()
            await asyncio.gather(*(self._prepare(leg) for leg in (first, second)))
            if pair in self._returning and await _within(joined, BRIDGE_SECONDS, first, second):
                return
            if first.bridged is not second:
                await first.channel.api(commands.bridge(first.uuid, second.uuid))
            if not await _within(joined, BRIDGE_SECONDS, first, second):
                log.error("legs=%s,%s were not bridged in time", first.leg_id, second.leg_id)
                await first.channel.api(commands.bridge(first.uuid, second.uuid))
                await _within(joined, BRIDGE_SECONDS, first, second)
        except (Refused, SocketAway) as error:
            await _gone(first, second, error)
        finally:
            self._returning.discard(pair)
            self._waiting.pop(pair, None)

    @staticmethod
    async def _prepare(leg: FsLeg) -> None:
        """From here on the conversation does not need us: no watchdog, no falling into the dialplan."""
        works = [leg.channel.set(socket_resume="false", hangup_after_bridge="true", frontdesk_placing="")]
        if leg.is_watched:
            leg.is_watched = False
            works.append(leg.channel.ask(commands.unschedule(leg.uuid)))
        await asyncio.gather(*works)

    @staticmethod
    async def part(leg: FsLeg) -> None:
        """Part a leg from its peer; both live on in silence."""
        other = leg.bridged
        if other is None or leg.ended is not None:
            return
        leg.in_hand.clear()
        other.in_hand.clear()
        try:
            await leg.channel.api(commands.part(leg.uuid))
        except (Refused, SocketAway) as error:
            await _gone(leg, other, error)
        for one in (leg, other):
            await _within(one.in_hand, HAND_OVER_SECONDS, one)
        Bridges.parted(leg)

    def asked(self, leg: FsLeg, asker: FsLeg | None, target: str) -> None:
        """The asker had FreeSWITCH send a leg on: it asks for a transfer, which our flow judges."""
        leg.channel.left_behind()
        self.parted(leg)
        if asker is None:
            log.warning("leg=%s was sent on by nobody we know", leg.leg_id)
            return
        log.info("leg=%s asks to send leg=%s on", asker.leg_id, leg.leg_id)
        answer = _Answer(self, leg, asker)
        if asker.is_listened_to:
            asker.publish(TransferAsked(target, "", answer))
        else:
            leg.exchange.keep(answer.failed(501), f"refuse transfer {leg.leg_id}")

    def expect_return(self, first: FsLeg, second: FsLeg) -> None:
        """FreeSWITCH is about to put these two together again."""
        self._returning.add(frozenset((first.uuid, second.uuid)))


class _Answer(TransferAnswer):
    """FreeSWITCH tells the phone: success when the party sent on is bridged, failure when we say so."""

    def __init__(self, bridges: Bridges, sent: FsLeg, asker: FsLeg) -> None:
        self._bridges, self._sent, self._asker = bridges, sent, asker
        self._is_answered = False

    async def succeeded(self) -> None:
        """See TransferAnswer: the bridge with the target has already told the phone."""
        self._is_answered = True

    async def failed(self, sip_status: int = 503) -> None:
        """See TransferAnswer: FreeSWITCH tells the phone and gives it its call back by itself."""
        if self._is_answered or self._sent.ended is not None:
            return
        self._is_answered = True
        self._bridges.expect_return(self._sent, self._asker)
        try:
            await self._sent.channel.set(sip_invite_failure_status=str(sip_status))
            await self._sent.channel.execute("blind_transfer_ack", "false")
        except EventSocketError as error:
            log.info("leg=%s %s", self._sent.leg_id, error.message)


async def _within(event: asyncio.Event, seconds: float, *legs: FsLeg) -> bool:
    """Whether something happens in time. Raises LegGone when one of the legs ends first."""
    waiting = asyncio.ensure_future(event.wait())
    ends = [asyncio.ensure_future(leg.wait_ended()) for leg in legs]
    try:
        await asyncio.wait({waiting, *ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not event.is_set():
            for leg in legs:
                leg.require_alive()
        return event.is_set()
    finally:
        for task in (waiting, *ends):
            task.cancel()
        await asyncio.gather(waiting, *ends, return_exceptions=True)


async def _gone(first: FsLeg, second: FsLeg, error: EventSocketError) -> None:
    """A command was refused: one of the legs has gone, or FreeSWITCH has. Always raises LegGone."""
    if isinstance(error, Refused):
        ends = [asyncio.ensure_future(leg.wait_ended()) for leg in (first, second)]
        await asyncio.wait(ends, timeout=BRIDGE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
    for leg in (first, second):
        if leg.ended is not None:
            raise LegGone(leg.ended.cause) from error
    raise LegGone(Cause.INTERRUPTED if isinstance(error, SocketAway) else Cause.NETWORK) from error
