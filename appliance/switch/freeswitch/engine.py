"""The FreeSWITCH engine: the Switch port over FreeSWITCH's Event Socket.

Owns: putting the rooms together, start and stop, sorting events to legs, placing calls. Leaves out: everything the
rooms do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from appliance.config import Settings
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, CallsLost, PortTaken
from appliance.switch.events import CallOffered, PhonesChanged, SwitchEvent
from appliance.switch.freeswitch import barring, commands, listening, phones, tls, translate, trunks
from appliance.switch.freeswitch.bridges import Bridges
from appliance.switch.freeswitch.commands import Endpoint
from appliance.switch.freeswitch.config import PROFILE, put_music
from appliance.switch.freeswitch.configuring import Configuration
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.exchange import Exchange
from appliance.switch.freeswitch.failures import BadValue, EventSocketError
from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.legs import FsLeg
from appliance.switch.freeswitch.link import Link
from appliance.switch.freeswitch.outbound import OutboundServer
from appliance.switch.freeswitch.outgoing import OutgoingLeg
from appliance.switch.freeswitch.process import FreeSwitchProcess
from appliance.switch.freeswitch.secrets import load_secrets
from appliance.switch.freeswitch.standby_books import forget_standby, how_ended, read_standby
from appliance.switch.freeswitch.survivors import incoming, take_up
from appliance.switch.freeswitch.watchdog import watch
from appliance.switch.port import (
    Binding,
    CallMeanwhile,
    ExtensionTarget,
    Leg,
    LegEnded,
    ListenMode,
    Party,
    Survivor,
    Switch,
    SwitchConfig,
    Target,
    TrunkTarget,
)

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
CONNECT_PATIENCE_SECONDS = 10.0
RECONCILE_SECONDS = 5.0
NEW_SECONDS = 3.0  # a call being placed has no channel yet
HUNG_SECONDS = 3.0  # unreachable for so long, after it did not answer: it hangs
RING_SECONDS = 180  # a flow gives up long before
MEDIA_TIMEOUT_MS = {"media_timeout": "30000", "media_hold_timeout": "3600000"}
EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_PARK",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_HOLD",
    "CHANNEL_UNHOLD",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP_COMPLETE",
    "DTMF",
    "RECORD_STOP",
    "RECV_RTCP_MESSAGE",
    "SEND_RTCP_MESSAGE",
)


class FreeSwitch(Switch):
    """FreeSWITCH, started by us or found running."""

    name = "freeswitch"
    outlives_core = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.outlives_office = settings.freeswitch_run == "service"
        self._events: asyncio.Queue[SwitchEvent | CallsLost | None] = asyncio.Queue()
        self._process = FreeSwitchProcess(settings)
        self._configuration = Configuration(settings)
        self._hold_music: Path | None = None
        self._is_running = False
        self._loops: set[asyncio.Task[None]] = set()
        self._bridges = Bridges()
        self._outbound = OutboundServer(self._handed_over)
        self.exchange: Exchange
        self._phones: phones.Phones
        self._trunks: trunks.Trunks
        self._barring: barring.Barring
        self._survivors: list[Survivor] = []

    @property
    def hold_music(self) -> Path | None:
        """What a party hears while the other holds it."""
        return self._hold_music

    @hold_music.setter
    def hold_music(self, sound: Path | None) -> None:
        self._hold_music = sound
        if sound is not None:
            put_music(self._settings, sound)
        if self._is_running:
            self.exchange.hold_music = sound

    # --- life ---
    async def start(self, config: SwitchConfig, bindings: Sequence[Binding] = ()) -> None:
        """See port.Switch; FreeSWITCH keeps its registrations itself."""
        secrets = load_secrets(self._settings)
        self.exchange = Exchange()
        self.exchange.hold_music = self._hold_music
        self._phones = phones.Phones(self.exchange.socket, lambda extension: self._tell(PhonesChanged(extension)))
        self._trunks = trunks.Trunks(self.exchange.socket, self._tell)
        self._trunks.configure({account.trunk_id: account for account in config.trunks})
        self._barring = barring.Barring(self.exchange, self._configuration, shares_address=self._phones.are_at)
        await tls.ensure(self._settings)
        await self._configuration.write(config)
        try:
            await self._outbound.start(HOST, secrets.core_port)
        except OSError as error:
            raise PortTaken(secrets.core_port, "tcp") from error
        link = Link(
            HOST,
            secrets.event_socket_port,
            secrets.event_socket_password,
            events=EVENTS,
            subclasses=(*phones.EVENTS, *trunks.EVENTS, *barring.EVENTS),
            on_event=self._take,
            on_up=self._up,
            on_down=self._down,
        )
        self.exchange.link = link
        try:
            was_started = await self._process.start()
            await link.start(CONNECT_PATIENCE_SECONDS)
            if not was_started:
                await self._configuration.load_all(link.socket)
                self._survivors = await take_up(self.exchange)
        except BaseException:
            await link.stop()
            await self._outbound.stop()
            raise
        self._is_running = True
        for work in (
            self._reconcile(),
            watch(self.exchange),
            self._revive(),
            tls.keep_valid(self._settings, self.exchange),
        ):
            self._loops.add(asyncio.create_task(work))

    async def stop(self) -> None:
        """See port.Switch."""
        if not self._is_running:
            return
        self._is_running = False
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*(leg.hang_up(Cause.INTERRUPTED) for leg in self.exchange.living()))
        await self.exchange.settle()
        assert self.exchange.link is not None
        await self.exchange.link.stop()
        await self._outbound.stop()
        await self._process.stop()
        self._events.put_nowait(None)

    async def configure(self, config: SwitchConfig) -> None:
        """See port.Switch."""
        self._barring.forgive()
        await self._configuration.change(config, self.exchange.socket())
        self._trunks.configure({account.trunk_id: account for account in config.trunks})
        await self._trunks.read()
        await self._phones.read()

    # --- the connection ---
    async def _up(self, socket: EventSocket) -> None:
        """Connected, perhaps again: what has changed meanwhile?"""
        for leg in self.exchange.living():
            if self.exchange.loop.time() - leg.began < NEW_SECONDS:
                continue
            # "show channels" is written behind the truth; uuid_exists is the truth
            if "true" not in [await socket.api(f"uuid_exists {name}") for name in leg.channels]:
                log.warning("leg=%s has no channel any more", leg.leg_id)
                leg.finish(await how_ended(socket.api, leg.uuid) or LegEnded(Cause.INTERRUPTED, False))
        await self._phones.read()
        await self._trunks.read()

    def _down(self, why: str) -> None:
        log.warning("freeswitch cannot be reached (%s); %d legs may be lost", why, len(self.exchange.living()))
        self.exchange.keep(self._end_it_if_it_hangs(), "look after freeswitch")

    async def _end_it_if_it_hangs(self) -> None:
        """One that lives and cannot be reached carries no call: it is ended, and started again when it has ended."""
        assert self.exchange.link is not None
        pid, deadline = self._process.pid, self.exchange.loop.time() + HUNG_SECONDS
        while self.exchange.loop.time() < deadline:
            await asyncio.sleep(HUNG_SECONDS / 10)
            if self.exchange.link.is_up or self._process.pid != pid or not self._process.is_running:
                return
        log.error("pid=%s freeswitch hangs; it is ended and started again", pid)
        self._process.kill()

    async def _revive(self) -> None:
        """Start FreeSWITCH again when it ends under us: the calls it held have ended with it."""
        while True:
            code = await self._process.wait_ended()
            log.error("freeswitch has ended (%s); starting it again", code)
            for leg in self.exchange.living():
                leg.finish(LegEnded(Cause.INTERRUPTED, False))
            await asyncio.sleep(0.2)
            try:
                await self._process.start()
                if self.exchange.link is not None:
                    self.exchange.link.hurry()
            except Exception:  # the loop boundary: whatever keeps it from starting may pass
                log.exception("freeswitch does not start")
                await asyncio.sleep(2.0)

    async def _reconcile(self) -> None:
        """What an event that was missed would have told."""
        while True:
            await asyncio.sleep(RECONCILE_SECONDS)
            try:
                await self._up(self.exchange.socket())
                await self._barring.settle()
            except (EventSocketError, ValueError) as error:
                log.info("freeswitch: %s", error)

    # --- events ---
    def _tell(self, event: SwitchEvent) -> None:
        self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[SwitchEvent]:
        """See port.Switch; ends when the engine stops. Raises CallsLost."""
        while (event := await self._events.get()) is not None:
            if isinstance(event, CallsLost):
                raise event
            yield event

    def _take(self, event: Event) -> None:
        if event.name in phones.EVENTS:
            self._phones.take(event)
        elif event.name in trunks.EVENTS:
            self._trunks.take(event)
        elif event.name in barring.EVENTS:
            self._barring.take(event)
        elif event.name == "CHANNEL_BRIDGE":
            self._bridges.joined(
                event.get("Bridge-A-Unique-ID", event.uuid),
                event.get("Bridge-B-Unique-ID", event.get("Other-Leg-Unique-ID", "")),
                self.exchange.legs,
            )
        elif event.name == "CHANNEL_EXECUTE" and event.get("Caller-Context", "") == "standby":
            self._lost(event)
        elif (leg := self.exchange.legs.get(event.uuid)) is not None:
            if event.name == "CHANNEL_UNBRIDGE":
                self._bridges.parted(leg)
            else:
                leg.take(event)

    def _lost(self, event: Event) -> None:
        """The standby has a call of ours: we were silent for too long. Others carry it now; we must begin anew."""
        leg = self.exchange.legs.get(event.uuid)
        if leg is not None and leg.is_watched and leg.in_hand.is_set():
            log.error("leg=%s has gone to the standby under our hands", leg.leg_id)
            self._events.put_nowait(CallsLost())

    def _handed_over(self, data: Event) -> None:
        """The dialplan gives us a call: a new one, or one of ours that a phone sent on."""
        leg = self.exchange.legs.get(data.uuid)
        if leg is not None:
            self._handed_back(leg, data)
            return
        origin = translate.origin(data)
        if origin is None:
            log.warning("channel=%s came from nowhere we know and is refused", data.uuid)
            self.exchange.keep(self._refuse(data.uuid), "refuse")
            return
        leg = incoming(self.exchange, data, origin)
        leg.handed_over()
        log.info("leg=%s sip_call_id=%s offered origin=%s dialled=%s", leg.leg_id, leg.sip_call_id, origin, leg.dialled)
        self.exchange.keep(self._offer(leg), f"offer {leg.leg_id}")

    async def _offer(self, leg: FsLeg) -> None:
        """FreeSWITCH may hand a call over before we have reached it again, and takes it back after a while."""
        assert self.exchange.link is not None
        try:
            async with asyncio.timeout(commands.WATCHDOG_SECONDS):
                await self.exchange.link.wait_up()
        except TimeoutError:
            leg.finish(LegEnded(Cause.INTERRUPTED, False))
        else:
            self._tell(CallOffered(leg))

    def _handed_back(self, leg: FsLeg, data: Event) -> None:
        """A channel we know: one we rang is answered, one we parted is back, or a phone has sent one on."""
        if isinstance(leg, OutgoingLeg) and not leg.is_answered:
            if data.get("Answer-State") == "early":
                leg.speaks_early(data.uuid)
            else:
                leg.won_by(data.uuid)
            return
        leg.handed_over()
        if data.variable("frontdesk_sent_on") == "true":
            asker = self.exchange.legs.get(data.variable("blind_transfer_uuid"), leg.bridged)
            self._bridges.asked(leg, asker, data.variable("frontdesk_transfer_target"))

    async def _refuse(self, channel: str) -> None:
        await self.exchange.socket().api(commands.kill(channel, Cause.FORBIDDEN))

    def bindings(self, extension: str | None = None) -> Sequence[Binding]:
        """See port.Switch."""
        return self._phones.bindings(extension)

    # --- calls ---
    def survivors(self) -> Sequence[Survivor]:
        """See port.Switch."""
        return self._survivors

    async def meanwhile(self, known: Iterable[str] = ()) -> Sequence[CallMeanwhile]:
        """See port.Switch."""
        try:
            return await read_standby(self.exchange.socket().api, self._settings, known)
        except EventSocketError as error:
            log.info("what the standby did cannot be read: %s", error.message)
            return []

    async def forget(self, leg_id: str) -> None:
        """See port.Switch."""
        try:
            await forget_standby(self.exchange.socket().api, leg_id)
        except EventSocketError as error:
            log.info("leg=%s %s", leg_id, error.message)

    async def call(
        self,
        target: Target,
        *,
        show: Party,
        headers: dict[str, str] | None = None,
        tag: str = "",
        waiting: Leg | None = None,
    ) -> Leg:
        """See port.Switch."""
        if not self._is_running:
            raise CallRejected(Cause.INTERRUPTED)
        try:
            endpoints = self._endpoints(target)
            variables = self._introduction(show, headers or {}) | self._connection(tag, waiting)
            # of several phones that ring, the first to play something would have the call
            variables["ignore_early_media"] = str(isinstance(target, ExtensionTarget)).lower()
            dialled = target.extension if isinstance(target, ExtensionTarget) else target.number
            leg = OutgoingLeg(self.exchange, endpoints, Party(dialled), dialled)
            try:
                await leg.start(variables)
            except BaseException:
                leg.finish(LegEnded(Cause.CANCELLED, False))
                raise
        except BadValue as error:
            raise CallRejected(Cause.UNKNOWN_NUMBER, sip_status=484) from error
        except EventSocketError as error:
            log.warning("a call could not be placed: %s", error.message)
            raise CallRejected(Cause.SERVICE_UNAVAILABLE, sip_status=503) from error
        return leg

    def _endpoints(self, target: Target) -> list[Endpoint]:
        """Where to ring. Raises CallRejected when there is nothing to ring."""
        if isinstance(target, TrunkTarget):
            if not self._trunks.has_gateway(target.trunk_id):
                raise CallRejected(Cause.SERVICE_UNAVAILABLE, sip_status=503)
            return [Endpoint(f"sofia/gateway/{commands.word(target.trunk_id)}/{commands.number(target.number)}")]
        found = self._phones.endpoints(target.extension, PROFILE, self._settings.srtp)
        if not found:
            raise CallRejected(Cause.NOT_REGISTERED, sip_status=480)
        return found

    def _introduction(self, show: Party, headers: dict[str, str]) -> dict[str, str]:
        """What the called one is shown, and how the channel behaves."""
        values = {
            **self.exchange.variables(),
            **MEDIA_TIMEOUT_MS,
            "originate_timeout": str(RING_SECONDS),
            "origination_caller_id_number": commands.number(show.number) if show.number else "anonymous",
            "origination_caller_id_name": commands.shown_name(show.name) or show.number or "Anonymous",
        }
        if not show.number:
            values["origination_privacy"] = "screen+hide_name+hide_number"
        for name, value in headers.items():
            values[f"sip_h_{name}"] = value
        return values

    def _connection(self, tag: str, waiting: Leg | None) -> dict[str, str]:
        """What the channel carries for those who find it without us, or after us."""
        values = {"frontdesk_call": commands.word(tag)} if tag else {}
        if isinstance(waiting, FsLeg) and waiting.ended is None:
            values["frontdesk_for"] = waiting.uuid
            if waiting.origin is None or waiting.origin.kind == "extension":
                # a caller from outside is given to the phones by the standby; this one just waits
                self.exchange.keep(waiting.channel.set(frontdesk_placing="true"), f"placing {waiting.leg_id}")
        return values

    async def bridge(self, first: Leg, second: Leg) -> None:
        """See port.Switch."""
        if not isinstance(first, FsLeg) or not isinstance(second, FsLeg) or first is second:
            raise ValueError("a bridge is between two legs of this engine")
        await self._bridges.join(first, second)

    async def listen_in(self, listener: Leg, talker: Leg, mode: ListenMode) -> None:
        """See port.Switch."""
        if not isinstance(listener, FsLeg) or not isinstance(talker, FsLeg) or listener is talker:
            raise ValueError("one leg of this engine listens to another")
        await listening.listen_in(listener, talker, mode)

    async def unbridge(self, leg: Leg) -> None:
        """See port.Switch."""
        if isinstance(leg, FsLeg):
            await self._bridges.part(leg)
