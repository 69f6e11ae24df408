"""One simulated leg: the port's side for the flow, and a party's side for the script."""

import asyncio
import itertools
import struct
import wave
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import (
    DigitPressed,
    LegEvent,
    LegHeld,
    LegRang,
    LegResumed,
    TransferAnswer,
    TransferAsked,
)
from appliance.switch.port import CallFigures, Direction, Leg, LegEnded, Origin, Party, RecordedSound
from appliance.switch.subscription import Subscription

SoundWriter = Callable[[Path, float, int], None]
_numbers = itertools.count(1)


def write_silence(path: Path, seconds: float, channels: int) -> None:
    """A WAV of silence: what a recording is where nothing is said."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<h", 0) * int(seconds * 8000) * channels)


def seconds_of(sound: Path) -> float:
    """How long a WAV plays; a second for a file that is not there (tests need none)."""
    try:
        with wave.open(str(sound), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error):
        return 1.0


class SimulatedTransferAnswer(TransferAnswer):
    """Keeps how a transfer went: ``outcome`` is 200 or the status of the failure."""

    def __init__(self) -> None:
        self.outcome = 0

    async def succeeded(self) -> None:
        self.outcome = 200

    async def failed(self, sip_status: int = 503) -> None:
        self.outcome = sip_status


class SimulatedLeg(Leg):
    """A party that a script moves: ``party_*`` is what the party does, ``heard`` what it heard and when."""

    def __init__(
        self, direction: Direction, party: Party, dialled: str, origin: Origin | None, write_sound: SoundWriter
    ) -> None:
        self.leg_id = f"sim-{next(_numbers)}"
        self.sip_call_id = self.leg_id
        self.direction, self.party, self.dialled, self.origin = direction, party, dialled, origin
        self.peer: SimulatedLeg | None = None
        self.heard: list[tuple[float, str]] = []
        self.shown = Party("")
        self._write_sound = write_sound
        self._answered = asyncio.Event()
        self._over = asyncio.Event()
        self._ended: LegEnded | None = None
        self._listeners: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._recording: tuple[Path, float] | None = None
        self._recorded: RecordedSound | None = None
        self._speaking_until = 0.0

    # --- the party's side ---

    def party_answers(self) -> None:
        """Pick up."""
        self._answered.set()

    def party_rings(self, *, has_audio: bool = False) -> None:
        """The phone begins to ring, or the network to speak."""
        self._tell(LegRang(has_audio))

    def party_hangs_up(self, cause: Cause = Cause.NORMAL) -> None:
        """Hang up, or refuse an unanswered call."""
        self._end(cause, by_party=True)

    def party_vanishes(self, cause: Cause = Cause.MEDIA_TIMEOUT) -> None:
        """The phone was unplugged."""
        self._end(cause, by_party=False)

    def party_presses(self, digits: str) -> None:
        """Press keys."""
        for digit in digits:
            self._tell(DigitPressed(digit))

    def party_holds(self, held: bool) -> None:
        """Press hold, or resume."""
        self._tell(LegHeld() if held else LegResumed())

    def party_asks_transfer(self, target: str) -> SimulatedTransferAnswer:
        """Press transfer and dial."""
        answer = SimulatedTransferAnswer()
        self._tell(TransferAsked(target, "", answer))
        return answer

    def party_speaks(self, seconds: float) -> None:
        """Say something: a voicemail goes on for that long before its silence begins."""
        self._speaking_until = asyncio.get_running_loop().time() + seconds

    # --- the port's side ---

    @property
    def is_answered(self) -> bool:
        return self._answered.is_set() and self._ended is None

    @property
    def ended(self) -> LegEnded | None:
        return self._ended

    async def wait_ended(self) -> LegEnded:
        await self._over.wait()
        assert self._ended is not None
        return self._ended

    def events(self) -> AsyncIterator[LegEvent]:
        return self._subscribe()

    def _subscribe(self) -> Subscription:
        subscription = Subscription()
        if self._ended is not None:
            subscription.put(None)
        self._listeners.add(subscription)
        return subscription

    async def ring(self, *, early_audio: bool = False) -> None:
        self._must_live()
        if not early_audio:
            self._hears("ringing")

    async def answer(self) -> None:
        self._must_live()
        self._answered.set()

    async def reject(self, cause: Cause) -> None:
        await self.hang_up(cause)

    async def wait_answered(self) -> None:
        answer = asyncio.create_task(self._answered.wait())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({answer, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answer.cancel()
            over.cancel()
        if self._ended is not None:
            raise CallRejected(self._ended.cause)

    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        for sound in sounds:
            self._hears(sound.stem)
            digit = await self._wait_digit(stop_on, seconds_of(sound))
            if digit:
                return digit
        return ""

    async def start_music(self, sound: Path) -> None:
        self._must_live()
        self._hears(sound.stem)

    async def stop_music(self) -> None:
        self._hears("silence")

    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        digits, patience = "", first_seconds
        while len(digits) < most:
            digit = await self._wait_digit("0123456789*#ABCD", patience)
            if not digit or digit in ends_with:
                break
            digits, patience = digits + digit, between_seconds
        return digits

    async def send_digits(self, digits: str) -> None:
        self._must_live()
        self._hears(f"digits {digits}")

    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        self._must_live()
        loop = asyncio.get_running_loop()
        began = loop.time()
        digit, ended_by = "", "limit"
        try:
            while not digit and loop.time() < began + most_seconds:
                quiet_at = max(self._speaking_until, began) + silence_seconds
                if silence_seconds and loop.time() >= quiet_at:
                    ended_by = "silence"
                    break
                until = min(began + most_seconds, quiet_at) if silence_seconds else began + most_seconds
                digit = await self._wait_digit(stop_on, until - loop.time())
                ended_by = "digit" if digit else ended_by
        except LegGone:
            ended_by = "caller"
        seconds = loop.time() - began
        self._write_sound(path, seconds, 1)
        return RecordedSound(path, seconds, 1, ended_by, digit)  # type: ignore[arg-type]

    async def start_recording(self, path: Path) -> None:
        self._must_live()
        self._recording = (path, asyncio.get_running_loop().time())

    async def stop_recording(self) -> RecordedSound | None:
        self._finish_recording()
        recorded, self._recorded = self._recorded, None
        return recorded

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        self._end(cause, by_party=False)

    def figures(self) -> CallFigures:
        return CallFigures(codec="none")

    # --- inside ---

    def _must_live(self) -> None:
        if self._ended is not None:
            raise LegGone(self._ended.cause)

    def _hears(self, what: str) -> None:
        self.heard.append((asyncio.get_running_loop().time(), what))

    def _tell(self, event: LegEvent) -> None:
        for listener in list(self._listeners):
            listener.put(event)

    def _finish_recording(self) -> None:
        if self._recording is not None:
            path, began = self._recording
            self._recording = None
            seconds = asyncio.get_running_loop().time() - began
            self._write_sound(path, seconds, 2)
            self._recorded = RecordedSound(path, seconds, 2)

    def _end(self, cause: Cause, *, by_party: bool) -> None:
        if self._ended is not None:
            return
        self._finish_recording()
        self._ended = LegEnded(cause, by_party)
        self._over.set()
        for listener in list(self._listeners):
            listener.put(None)
        if self.peer is not None:
            self.peer.peer, self.peer = None, None

    async def _wait_digit(self, wanted: str, seconds: float) -> str:
        """A digit among those wanted; "" after the time. Raises LegGone."""
        self._must_live()
        events = self._subscribe()
        try:
            async with asyncio.timeout(seconds):
                async for event in events:
                    if isinstance(event, DigitPressed) and event.digit in wanted:
                        return event.digit
            self._must_live()
            return ""
        except TimeoutError:
            self._must_live()
            return ""
