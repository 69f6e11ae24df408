"""What incoming and outgoing legs share: the audio verbs, events, the end.

Owns: a leg seen from the flow. Leaves out: its commands one by one (channel.py), how a call is placed (outgoing.py),
bridges (bridges.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.ids import new_id
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.events import DigitPressed, LegEvent, LegHeld, LegRang, LegResumed
from appliance.switch.freeswitch import commands, sounds, translate
from appliance.switch.freeswitch.channel import Channel, Running
from appliance.switch.freeswitch.failures import EventSocketError, Refused, SocketAway
from appliance.switch.freeswitch.figures import Reports
from appliance.switch.freeswitch.frames import Event
from appliance.switch.port import CallFigures, Direction, Leg, LegEnded, Origin, Party, RecordedSound
from appliance.switch.subscription import Subscription

if TYPE_CHECKING:
    from appliance.switch.freeswitch.exchange import Exchange

log = logging.getLogger(__name__)

GONE_SECONDS = 2.0  # how long after a refused command the end of the channel may still be on its way
ANSWER_SECONDS = 5.0
ALONE_SECONDS = 10.0  # beyond the limit of a recording: then the standby takes the call, whatever happened
DIGIT_SECONDS = 0.25  # what one digit takes to be sent


class FsLeg(Leg):
    """A leg of the FreeSWITCH engine."""

    def __init__(
        self,
        exchange: Exchange,
        uuid: str,
        *,
        direction: Direction,
        party: Party,
        dialled: str,
        origin: Origin | None,
        sip_call_id: str,
        leg_id: str = "",
    ) -> None:
        self.leg_id = leg_id or new_id("leg")
        self.direction, self.party, self.dialled, self.origin = direction, party, dialled, origin
        self.sip_call_id = sip_call_id
        self.exchange = exchange
        self.began = exchange.loop.time()
        self.channel = Channel(uuid, exchange.socket)
        self.bridged: FsLeg | None = None
        self.listens_to: FsLeg | None = None
        self.is_watched = False  # whether the dialplan takes the call from us unless we say in time that we live
        self._is_alone = False
        self.in_hand = asyncio.Event()  # the channel waits for our commands
        self._picked_up: asyncio.Future[None] = exchange.loop.create_future()
        self._can_hear: asyncio.Future[None] = exchange.loop.create_future()  # before the answer
        self._ended: LegEnded | None = None
        self._ended_future: asyncio.Future[LegEnded] = exchange.loop.create_future()
        self._asked: Cause | None = None
        self._figures = CallFigures()
        self._reports = Reports()
        self._recording: Path | None = None
        self._recorded: asyncio.Future[None] | None = None
        self._unheard: LegEvent | None = None
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        exchange.legs[uuid] = self

    # --- state ---
    @property
    def uuid(self) -> str:
        """FreeSWITCH's name of the channel."""
        return self.channel.uuid

    @property
    def channels(self) -> list[str]:
        """The names of all channels that are, or may become, this leg."""
        return [self.uuid]

    @property
    def is_answered(self) -> bool:
        """See port.Leg."""
        return self._picked_up.done() and self._ended is None

    @property
    def ended(self) -> LegEnded | None:
        """See port.Leg."""
        return self._ended

    async def wait_ended(self) -> LegEnded:
        """See port.Leg."""
        return await asyncio.shield(self._ended_future)

    def require_alive(self) -> None:
        """Raises LegGone once the leg has ended."""
        if self._ended is not None:
            raise LegGone(self._ended.cause)

    async def first_of(self, future: asyncio.Future[Any], seconds: float | None = None) -> None:
        """Wait for something, or for the end of the leg. Raises LegGone."""
        awaited: list[asyncio.Future[Any]] = [future, self._ended_future]
        await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self.require_alive()

    @contextlib.asynccontextmanager
    async def _verb(self) -> AsyncIterator[Channel]:
        """The channel, for one verb. Raises LegGone, also when the channel turns out to have gone meanwhile."""
        self.require_alive()
        try:
            yield self.channel
        except Refused as error:
            await asyncio.wait({self._ended_future}, timeout=GONE_SECONDS)
            if self._ended is None:
                log.warning("leg=%s %s", self.leg_id, error.message)
            raise LegGone(self._ended.cause if self._ended else Cause.NETWORK) from error
        except SocketAway as error:
            raise LegGone(self._ended.cause if self._ended else Cause.INTERRUPTED) from error

    # --- events ---
    def events(self) -> AsyncIterator[LegEvent]:
        """See port.Leg."""
        subscription = Subscription()
        if self._unheard is not None:
            subscription.put(self._unheard)
            self._unheard = None
        if self._ended is not None:
            subscription.put(None)
        self._subscriptions.add(subscription)
        return subscription

    def publish(self, event: LegEvent | None) -> None:
        """Tell every reader; that it rings is kept for the first, who may come a moment later."""
        if isinstance(event, LegRang) and not self._subscriptions:
            self._unheard = event
        for subscription in list(self._subscriptions):
            subscription.put(event)

    @property
    def is_listened_to(self) -> bool:
        """Whether anyone reads this leg's events."""
        return len(self._subscriptions) > 0

    def take(self, event: Event) -> None:
        """An event of this leg's channel."""
        match event.name:
            case "CHANNEL_PROGRESS_MEDIA" if not self._can_hear.done():
                self._can_hear.set_result(None)
            case "CHANNEL_ANSWER":
                self._answered(event)
            case "CHANNEL_EXECUTE" | "CHANNEL_EXECUTE_COMPLETE":
                self.channel.take(event)
            case "DTMF":
                self.publish(DigitPressed(event.get("DTMF-Digit", "")))
            case "CHANNEL_HOLD":
                self.publish(LegHeld())
            case "CHANNEL_UNHOLD":
                self.publish(LegResumed())
            case "RECORD_STOP":
                if self._recorded is not None and not self._recorded.done():
                    self._recorded.set_result(None)
            case "SEND_RTCP_MESSAGE":
                self._reports.ours(event, self.exchange.loop.time())
            case "RECV_RTCP_MESSAGE":
                self._reports.theirs(event)
            case "CHANNEL_HANGUP_COMPLETE":
                self._figures = self._reports.at_the_end(event, self.exchange.loop.time())
                was_answered = self._picked_up.done()
                self.finish(translate.how_ended(event, was_answered=was_answered, asked=self._asked))

    def handed_over(self) -> None:
        """The dialplan gives us the channel; what it has set on it we may have set otherwise before."""
        self.is_watched = self.bridged is None  # answered after it spoke early, it talks already
        self.channel.left_behind()
        self.channel.forget("socket_resume", "hangup_after_bridge", "frontdesk_done")
        self.in_hand.set()

    def mark_answered(self, data: Event) -> None:
        """It was answered before we knew it."""
        self._answered(data)

    @property
    def recording(self) -> Path | None:
        """The file being written by start_recording."""
        return self._recording

    def mark_recorded(self, path: Path) -> None:
        """It is being recorded since before we knew it."""
        self._recording, self._recorded = path, self.exchange.loop.create_future()

    def _answered(self, event: Event) -> None:
        self._figures.user_agent = event.variable("sip_user_agent")
        self._reports.begin(self.exchange.loop.time())
        if not self._picked_up.done():
            self._picked_up.set_result(None)

    # --- an incoming leg ---
    async def ring(self, *, early_audio: bool = False) -> None:
        """See port.Leg."""
        async with self._verb() as channel:
            if not early_audio:
                await channel.execute("ring_ready")
            elif not self._can_hear.done():
                await channel.execute("pre_answer")
                await self.first_of(self._can_hear, ANSWER_SECONDS)

    async def answer(self) -> None:
        """See port.Leg. FreeSWITCH tells of the answer when it has sent it; the ACK is its own business."""
        if self.is_answered:
            return
        async with self._verb() as channel:
            # on one connection they arrive in this order
            await asyncio.gather(channel.set(**self.exchange.variables()), channel.api(commands.answer(self.uuid)))
            await self.first_of(self._picked_up, ANSWER_SECONDS)
        if not self.is_answered:
            self.require_alive()
            await self.hang_up(Cause.NETWORK)
            raise LegGone(Cause.NETWORK)

    async def reject(self, cause: Cause) -> None:
        """See port.Leg."""
        await self.hang_up(cause)

    async def wait_answered(self) -> None:
        """See port.Leg; an incoming leg waits for our own answer."""
        await self.first_of(self._picked_up)

    # --- audio ---
    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """See port.Leg."""
        if not sounds:
            self.require_alive()
            return ""
        async with self._verb() as channel:
            await channel.set(playback_terminators=stop_on or "none")
            running = await channel.play(sounds)
            event = await self._to_its_end(running)
        digit = event.variable("playback_terminator_used")
        return digit if digit and digit in stop_on else ""

    async def _to_its_end(self, running: Running) -> Event:
        try:
            await self.first_of(running.done)
        except asyncio.CancelledError:
            self.exchange.keep(self._stop_quietly(running), f"silence {self.leg_id}")
            raise
        return running.done.result()

    async def _stop_quietly(self, running: Running | None) -> None:
        if self._ended is None:
            with contextlib.suppress(EventSocketError):
                await self.channel.stop(running)

    async def start_music(self, sound: Path) -> None:
        """See port.Leg."""
        async with self._verb() as channel:
            await channel.set(playback_terminators="none")
            await channel.play([sound], endless=True)

    async def stop_music(self) -> None:
        """See port.Leg."""
        await self._stop_quietly(None)

    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        """See port.Leg."""
        self.require_alive()
        events, digits, seconds = self.events(), "", first_seconds
        with contextlib.suppress(TimeoutError):
            while len(digits) < most:
                async with asyncio.timeout(seconds):
                    digit = await _next_digit(events)
                if digit is None:
                    break
                if digit in ends_with:
                    return digits
                digits, seconds = digits + digit, between_seconds
        self.require_alive()
        return digits

    async def send_digits(self, digits: str) -> None:
        """See port.Leg."""
        if not digits:
            return
        async with self._verb() as channel:
            await channel.api(commands.send_digits(self.uuid, digits))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DIGIT_SECONDS * len(digits)):
                    await self.wait_ended()
        self.require_alive()

    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        """See port.Leg."""
        async with self._verb() as channel:
            # who speaks is left in peace should we die: until they have done, then the call has been dealt with
            await channel.set(
                enable_file_write_buffering="false",
                playback_terminators=stop_on or "none",
                socket_resume="false",
                frontdesk_done="true",
            )
            await self._leave_alone(most_seconds + ALONE_SECONDS)
            # FreeSWITCH counts whole seconds of the clock: its limit is for when we are not there any more
            running = await channel.record(path, most_seconds=most_seconds + 2, silence_seconds=silence_seconds)
        try:
            return await self._record(running, path, most_seconds)
        finally:
            self.exchange.keep(self._mind_again(), f"mind {self.leg_id}")

    async def _record(self, running: Running, path: Path, most_seconds: float) -> RecordedSound:
        try:
            await self.first_of(running.done, most_seconds)
            if not running.done.done():
                await self._stop_quietly(running)
                return await sounds.finished(path, 1, "limit")
        except LegGone:
            await asyncio.wait({running.done}, timeout=0.5)  # the file is finished with the channel
            return await sounds.left_by_the_party(path)
        except asyncio.CancelledError:
            self.exchange.keep(self._stop_quietly(running), f"stop recording {self.leg_id}")
            raise
        event = running.done.result()
        digit = event.variable("playback_terminator_used")
        if event.variable("silence_hits_exhausted") == "true":
            return await sounds.finished(path, 1, "silence")
        sound = await sounds.finished(path, 1, "digit" if digit else "limit", digit)
        if not digit and sound.seconds < most_seconds - 1.5:  # it was neither: the channel is on its way out
            return await sounds.left_by_the_party(path)
        return sound

    async def _leave_alone(self, seconds: float) -> None:
        """Let the channel go on for so long without a word from us."""
        if self.is_watched:
            self.is_watched, self._is_alone = False, True
            await self.channel.api(commands.unschedule(self.uuid))
            await self.channel.api(commands.watch(self.uuid, round(seconds)))

    async def _mind_again(self) -> None:
        if self._is_alone and self._ended is None:
            self._is_alone = False
            await self.channel.set(socket_resume="true", frontdesk_done="")
            await self.channel.api(commands.unschedule(self.uuid))
            await self.channel.api(commands.watch(self.uuid))
            self.is_watched = True

    async def start_recording(self, path: Path) -> None:
        """See port.Leg."""
        async with self._verb() as channel:
            settings = {"RECORD_STEREO": "true", "enable_file_write_buffering": "false", "record_sample_rate": "8000"}
            await channel.set(**settings, frontdesk_recording=str(path))
            self._recording, self._recorded = path, self.exchange.loop.create_future()
            await channel.api(commands.recording(self.uuid, "start", path))

    async def stop_recording(self) -> RecordedSound | None:
        """See port.Leg."""
        path, stopped = self._recording, self._recorded
        self._recording = self._recorded = None
        if path is None or stopped is None:
            return None
        self._recorded = stopped
        if self._ended is None:
            with contextlib.suppress(EventSocketError):
                await self.channel.api(commands.recording(self.uuid, "stop", path))
                await self.channel.set(frontdesk_recording="")
        await asyncio.wait({stopped}, timeout=GONE_SECONDS)
        self._recorded = None
        return await sounds.finished(path, 2, "stop")

    def figures(self) -> CallFigures:
        """See port.Leg; FreeSWITCH tells them when the leg has ended."""
        return self._figures

    # --- the end ---
    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """See port.Leg."""
        if self._ended is not None:
            return
        self._asked = self._asked or cause
        try:
            await self._kill(cause)
            await asyncio.wait({self._ended_future}, timeout=GONE_SECONDS)
        except EventSocketError as error:
            log.info("leg=%s %s", self.leg_id, error.message)
            if isinstance(error, Refused):
                await asyncio.wait({self._ended_future}, timeout=GONE_SECONDS)
        self.finish(LegEnded(self._asked, False))

    async def _kill(self, cause: Cause) -> None:
        await self.channel.api(commands.kill(self.uuid, cause))

    def finish(self, how: LegEnded) -> None:
        """The leg has ended: tell everyone. Safe to repeat."""
        if self._ended is not None:
            return
        self._ended = how
        log.info(
            "leg=%s sip_call_id=%s ended cause=%s by_party=%s", self.leg_id, self.sip_call_id, how.cause, how.by_party
        )
        other, self.bridged = self.bridged, None
        if other is not None and other.bridged is self:
            other.bridged = None
        self.channel.left_behind()
        if self._recorded is not None and not self._recorded.done():
            self._recorded.set_result(None)
        self._ended_future.set_result(how)
        self.publish(None)
        self.exchange.forget(self)


async def _next_digit(events: AsyncIterator[LegEvent]) -> str | None:
    async for event in events:
        if isinstance(event, DigitPressed):
            return event.digit
    return None
