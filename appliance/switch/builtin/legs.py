"""What incoming and outgoing legs share: the audio verbs, events, the end.

Owns: a leg's life after the answer, seen from the flow. Leaves out: the way to the answer (incoming.py, outgoing.py),
requests within the dialog (mid_call.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from abc import abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.ids import new_id
from appliance.switch.builtin.addresses import is_address
from appliance.switch.builtin.mid_call import MidCall
from appliance.switch.builtin.sdp import LocalSide, Remote
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.events import DigitPressed, LegEvent, LegHeld, LegResumed
from appliance.switch.port import CallFigures, Direction, Leg, LegEnded, Origin, Party, RecordedSound
from appliance.switch.subscription import Subscription

if TYPE_CHECKING:
    from appliance.switch.builtin.dialog import Dialog
    from appliance.switch.builtin.exchange import Exchange
    from appliance.switch.builtin.media import RtpEndpoint
    from appliance.switch.builtin.server_transaction import ServerTransaction
    from appliance.switch.builtin.wire import Place, Request

log = logging.getLogger(__name__)
T = TypeVar("T")


class BaseLeg(Leg):
    """A leg of the built-in engine."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        direction: Direction,
        party: Party,
        dialled: str,
        origin: Origin | None,
        call_id: str,
    ) -> None:
        self.leg_id = new_id("leg")
        self.direction, self.party, self.dialled, self.origin = direction, party, dialled, origin
        self.sip_call_id = call_id
        self.exchange = exchange
        self.dialog: Dialog | None = None
        self.mid_call = MidCall(self)
        self.endpoint: RtpEndpoint | None = None
        self.local: LocalSide | None = None
        self.bridged: BaseLeg | None = None
        self.user_agent = ""
        self.is_held = False
        self._picked_up = False
        self._ended: LegEnded | None = None
        self._ended_future: asyncio.Future[LegEnded] = exchange.loop.create_future()
        self._closing: asyncio.Task[None] | None = None
        self._recorded: RecordedSound | None = None
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        exchange.legs.add(self)

    # --- state ---
    @property
    def is_answered(self) -> bool:
        """Picked up and not ended."""
        return self._picked_up and self._ended is None

    @property
    def ended(self) -> LegEnded | None:
        """How it ended; None while it lives."""
        return self._ended

    async def wait_ended(self) -> LegEnded:
        """Wait until it ends."""
        return await asyncio.shield(self._ended_future)

    def require_alive(self) -> None:
        """Raises LegGone once the leg has ended."""
        if self._ended is not None:
            raise LegGone(self._ended.cause)

    async def first_of(self, future: asyncio.Future[Any]) -> None:
        """Wait for something, or for the end of the leg."""
        awaited: list[asyncio.Future[Any]] = [future, self._ended_future]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)

    # --- events ---
    def events(self) -> AsyncIterator[LegEvent]:
        """A subscription from now on."""
        subscription = Subscription()
        if self._ended is not None:
            subscription.put(None)
        self._subscriptions.add(subscription)
        return subscription

    @property
    def is_listened_to(self) -> bool:
        """Whether anyone reads this leg's events."""
        return len(self._subscriptions) > 0

    def publish(self, event: LegEvent | None) -> None:
        """Tell every reader."""
        for subscription in list(self._subscriptions):
            subscription.put(event)

    # --- audio: set-up ---
    async def open_audio(self, place: Place) -> None:
        """Take ports for this leg. Raises PortsExhausted, OSError, or LegGone when the leg ended meanwhile."""
        endpoint = await self.exchange.open_endpoint()
        if self._ended is not None:
            await endpoint.close()
            raise LegGone(self._ended.cause)
        endpoint.on_digit = lambda digit: self.publish(DigitPressed(digit))
        endpoint.on_silence = self._went_silent
        self.endpoint = endpoint
        self.local = self.exchange.local_side(place, endpoint.port)

    def apply(self, remote: Remote, source: Place) -> None:
        """Take the party's side of the stream: at the answer, and again at every re-INVITE."""
        if self.endpoint is None:
            return
        address = remote.address if is_address(remote.address) else source.host
        self.endpoint.set_remote(
            address,
            remote.port,
            remote.codec,
            remote.payload_type,
            remote.digits_type,
            sending=remote.listens,
            receiving=remote.speaks and self._picked_up,
        )
        if remote.is_held != self.is_held:
            self.is_held = remote.is_held
            self._set_hold_music()
            self.endpoint.hold(remote.is_held)
            self.publish(LegHeld() if remote.is_held else LegResumed())

    def _set_hold_music(self) -> None:
        set_music = getattr(self.endpoint, "set_hold_music", None)
        if set_music is not None:
            set_music(self.exchange.hold_music)

    def _went_silent(self) -> None:
        if self._ended is None:
            log.info("leg=%s no audio packets any more", self.leg_id)
            self.exchange.keep(self.hang_up(Cause.MEDIA_TIMEOUT), f"silence {self.leg_id}")

    # --- audio: verbs ---
    def _audio(self) -> RtpEndpoint:
        self.require_alive()
        if self.endpoint is None or not self._picked_up:
            raise LegGone(Cause.NETWORK)
        return self.endpoint

    async def _while_up(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work unless the leg ends first. Cancelled, the work is cancelled and waited for."""
        task = asyncio.ensure_future(work)
        try:
            await self.first_of(task)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if self._ended is not None:
            if not task.cancelled():
                task.exception()  # seen; the end of the leg matters more
            raise LegGone(self._ended.cause)
        return task.result()

    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """See port.Leg."""
        return await self._while_up(self._audio().play(sounds, stop_on=stop_on))

    async def start_music(self, sound: Path) -> None:
        """See port.Leg."""
        self._audio().start_music(sound)

    async def stop_music(self) -> None:
        """See port.Leg."""
        if self._ended is None and self.endpoint is not None:
            self.endpoint.stop_music()

    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        """See port.Leg."""
        return await self._while_up(
            self._audio().collect_digits(
                most=most, first_seconds=first_seconds, between_seconds=between_seconds, ends_with=ends_with
            )
        )

    async def send_digits(self, digits: str) -> None:
        """See port.Leg."""
        await self._while_up(self._audio().send_digits(digits))

    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        """See port.Leg. The endpoint itself finishes the file when the leg ends."""
        return await self._audio().record_party(
            path, most_seconds=most_seconds, silence_seconds=silence_seconds, stop_on=stop_on
        )

    async def start_recording(self, path: Path) -> None:
        """See port.Leg."""
        self._audio().start_recording(path)

    async def stop_recording(self) -> RecordedSound | None:
        """See port.Leg."""
        if self._closing is not None:
            await asyncio.shield(self._closing)
        if self._recorded is None and self.endpoint is not None:
            return await self.endpoint.stop_recording()
        finished, self._recorded = self._recorded, None
        return finished

    def figures(self) -> CallFigures:
        """See port.Leg."""
        figures = self.endpoint.figures() if self.endpoint is not None else CallFigures()
        figures.user_agent = self.user_agent
        return figures

    # --- bridge ---
    def bridge_with(self, other: BaseLeg) -> None:
        """Let two legs hear each other. Raises LegGone."""
        mine, theirs = self._bridgeable(), other._bridgeable()
        for leg in (self, other):
            leg.part()
            leg._set_hold_music()
        self.bridged, other.bridged = other, self
        mine.connect(theirs)

    def _bridgeable(self) -> RtpEndpoint:
        """An answered leg, or an outgoing one that rings: its early media may be heard (RFC 3960)."""
        self.require_alive()
        if self.endpoint is None:
            raise LegGone(Cause.NETWORK)
        return self.endpoint

    def part(self) -> None:
        """Leave the bridge, if there is one."""
        other, self.bridged = self.bridged, None
        if other is None:
            return
        other.bridged = None
        if self.endpoint is not None:
            self.endpoint.disconnect()

    # --- the end ---
    def finish(self, cause: Cause, *, by_party: bool) -> None:
        """The leg has ended: tell everyone, give everything back. Signalling is the caller's. Safe to repeat."""
        if self._ended is not None:
            return
        self._ended = LegEnded(cause, by_party)
        log.info("leg=%s sip_call_id=%s ended cause=%s by_party=%s", self.leg_id, self.sip_call_id, cause, by_party)
        self.mid_call.stop()
        self.part()
        self._ended_future.set_result(self._ended)
        self.publish(None)
        self._closing = self.exchange.keep(self._give_back(), f"close {self.leg_id}")

    async def _give_back(self) -> None:
        try:
            if self.endpoint is not None:
                with contextlib.suppress(OSError):
                    self._recorded = await self.endpoint.stop_recording()
                await self.endpoint.close()
        finally:
            self.exchange.legs.discard(self)
            if self.dialog is not None and not self.mid_call.is_parting:
                self.exchange.forget(self.dialog)

    async def closed(self) -> None:
        """Wait until everything is given back."""
        if self._closing is not None:
            await asyncio.shield(self._closing)

    # --- requests of the party, from the engine ---
    @abstractmethod
    def take_ack(self, request: Request) -> None:
        """An ACK in this leg's dialog."""

    def take_request(self, transaction: ServerTransaction) -> None:
        """Any other request in this leg's dialog."""
        if self.dialog is None:  # ours rings still: nobody has a dialog to speak in
            transaction.refuse(481)
        else:
            self.mid_call.take(transaction)
