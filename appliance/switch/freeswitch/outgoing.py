"""A call we place: several phones ring at once, the first to answer has it.

Owns: the leg until the answer. Leaves out: which phones (engine.py), the leg after it (legs.py).
"""

from __future__ import annotations

import asyncio
import logging
import uuid as uuids
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from appliance.switch.causes import Cause, from_sip_status
from appliance.switch.errors import CallRejected
from appliance.switch.events import LegRang
from appliance.switch.freeswitch import commands, translate
from appliance.switch.freeswitch.failures import EventSocketError, Refused
from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.legs import FsLeg
from appliance.switch.port import LegEnded, Party

if TYPE_CHECKING:
    from appliance.switch.freeswitch.exchange import Exchange

log = logging.getLogger(__name__)


class OutgoingLeg(FsLeg):
    """A leg that rings somebody."""

    def __init__(self, exchange: Exchange, endpoints: Sequence[commands.Endpoint], party: Party, dialled: str) -> None:
        self._endpoints = {str(uuids.uuid4()): endpoint for endpoint in endpoints}
        first = next(iter(self._endpoints))
        super().__init__(exchange, first, direction="out", party=party, dialled=dialled, origin=None, sip_call_id=first)
        for name in self._endpoints:
            exchange.legs[name] = self
        self._has_rung = False
        self._speaks = False  # it is in our hands before the answer: something is said on it
        self._has_answered = False
        self._sip_status = 0
        self._failed = Event({})
        self._winner = ""  # the channel that was answered
        self._alive: set[str] = set()  # the channels that ring

    @property
    def channels(self) -> list[str]:
        """The names of all channels that are, or may become, this leg."""
        return [self.uuid] if self._picked_up.done() else list(self._endpoints)

    async def start(self, variables: Mapping[str, str]) -> None:
        """Ring. Raises EventSocketError."""
        own = {"frontdesk_asked": "true", "frontdesk_leg": self.leg_id, "frontdesk_dialled": self.dialled}
        job = await self.exchange.socket().bgapi(commands.originate(self._endpoints, {**variables, **own}))
        self.exchange.keep(self._watch(job), f"originate {self.leg_id}")

    async def _watch(self, job: asyncio.Future[str]) -> None:
        try:
            winner, cause = translate.from_job(await job)
        except EventSocketError as error:
            log.warning("leg=%s %s", self.leg_id, error.message)
            self.finish(LegEnded(self._asked or Cause.INTERRUPTED, False))
            return
        if cause is not None:
            self._not_answered(cause)
        elif not self._picked_up.done():  # on its way to us, unless it has ended on that way
            self._winner = winner
            if self._failed.uuid == winner:
                super().take(self._failed)

    def won_by(self, channel: str) -> None:
        """The channel that was answered is in our hands: from now on it is this leg."""
        self.channel.uuid = channel
        self._reports.begin(self.exchange.loop.time())
        for name in self._endpoints:
            if name != channel:
                self.exchange.legs.pop(name, None)
        self.handed_over()
        if not self._picked_up.done():
            self._picked_up.set_result(None)
        if self._asked is not None:  # given up while it was answered
            self.exchange.keep(self._kill(self._asked), f"kill {self.leg_id}")

    def speaks_early(self, channel: str) -> None:
        """The channel is in our hands, not answered yet: the network says something on it."""
        self.channel.uuid = channel
        self.handed_over()
        self._speaks = True
        self.publish(LegRang(has_audio=True))
        if self._has_answered:
            self.won_by(channel)

    def _not_answered(self, cause: Cause) -> None:
        by_party = self._failed.variable("sip_hangup_disposition") == "recv_refuse"
        if by_party and self._sip_status >= 300:
            cause = from_sip_status(self._sip_status)
        self.finish(LegEnded(self._asked if self._asked and not by_party else cause, by_party))

    def take(self, event: Event) -> None:
        """An event of one of this leg's channels."""
        if self._picked_up.done():
            if event.uuid == self.uuid:
                super().take(event)
            return
        match event.name:
            case "CHANNEL_CREATE":
                self._alive.add(event.uuid)
                if event.uuid == self.uuid or len(self._endpoints) == 1:
                    self.sip_call_id = event.variable("sip_call_id") or self.sip_call_id
                if self._asked is not None:
                    self.exchange.keep(self._kill(self._asked), f"kill {self.leg_id}")
            case "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA" if not self._has_rung:
                self._has_rung = True
                self.publish(LegRang())
            case "CHANNEL_ANSWER":
                self._figures.user_agent = event.variable("sip_user_agent")
                self._has_answered = True
                if self._speaks:
                    self.won_by(event.uuid)
            case "CHANNEL_HANGUP_COMPLETE":
                self._alive.discard(event.uuid)
                self._failed = event
                self._sip_status = translate.sip_status(event)
                if (
                    self._speaks
                    or event.uuid == self._winner
                    or (event.variable("endpoint_disposition") == "ANSWER" and len(self._endpoints) == 1)
                ):
                    super().take(event)  # answered and gone before it came into our hands
            case _:
                self.channel.take(event)

    async def wait_answered(self) -> None:
        """See port.Leg."""
        either: list[asyncio.Future[Any]] = [self._picked_up, self._ended_future]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._ended is not None and not self._picked_up.done():
            raise CallRejected(self._ended.cause, sip_status=self._sip_status)

    async def _kill(self, cause: Cause) -> None:
        if self._picked_up.done():
            await super()._kill(cause)
            return
        results = await asyncio.gather(
            *(self.channel.api(commands.kill(name, cause)) for name in self._endpoints), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Refused):
                raise result
