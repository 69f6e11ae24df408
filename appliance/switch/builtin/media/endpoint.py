"""One leg's audio: what the party hears and says.

Owns: prompts, music, the relay to the peer, hold, digits, recordings of one leg. Leaves out: the wire (link.py),
who talks with whom (the engine).

What a party hears, the first that applies: nothing while it holds us; digits we press; a prompt; music; its peer;
silence packets while we listen for its digits or record it, so that NAT stays open; else nothing at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from appliance.switch.builtin.media import packets
from appliance.switch.builtin.media.digits import DigitDetector, EventBeat, press
from appliance.switch.builtin.media.g711 import ALAW_FROM_ULAW, FRAME, SILENCE, Codec, loudness, transcoder
from appliance.switch.builtin.media.link import RtpLink
from appliance.switch.builtin.media.ports import PortPool
from appliance.switch.builtin.media.recorder import RecorderThread, Recording
from appliance.switch.builtin.media.streams import Incoming
from appliance.switch.port import CallFigures, RecordedSound

EndedBy = Literal["caller", "digit", "silence", "limit", "stop"]

_QUIET = 200.0  # mean magnitude of 32767: -44 dBFS, above the noise of a line, below a soft voice
_LOOK_SECONDS = 0.1
_monotonic = time.monotonic


class _Prompt:
    """Sounds played one after another, or over and over."""

    def __init__(self, *, stop_on: str = "", over_and_over: bool = False) -> None:
        self.stop_on = stop_on
        self.over_and_over = over_and_over
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.sound: bytes | None = None  # µ-law; None while it is being loaded
        self._at = 0

    def next_frame(self) -> bytes | None:
        """20 ms of µ-law; None at the end."""
        sound = self.sound
        assert sound is not None
        if self._at >= len(sound):
            if not self.over_and_over or not sound:
                return None
            self._at = 0
        frame = sound[self._at : self._at + FRAME]
        self._at += FRAME
        if len(frame) == FRAME:
            return frame
        if self.over_and_over:  # join the end to the beginning without a gap
            self._at = FRAME - len(frame)
            return (frame + sound[: self._at]).ljust(FRAME, b"\xff")
        return frame.ljust(FRAME, b"\xff")

    def end(self, result: str = "") -> None:
        """Tell whoever waits for the end."""
        if not self.ended.done():
            self.ended.set_result(result)


class RtpEndpoint(RtpLink):
    """One leg's audio. Everything on the loop; nothing blocks. Verbs of a closed endpoint do nothing."""

    rtp_timeout: float = 30.0  # seconds without a packet from a party that should send
    on_digit: Callable[[str], None] | None = None
    on_silence: Callable[[], None] | None = None

    def __init__(self, pool: PortPool, recorder: RecorderThread) -> None:
        super().__init__(pool)
        self._recorder = recorder
        self._ticker = pool.ticker
        self._sounds = pool.sounds
        self._tasks: set[asyncio.Task[None]] = set()
        self._peer: RtpEndpoint | None = None
        self._table: bytes | None = None  # translate what the peer says into what we send, with ...
        self._table_from: Codec = "PCMU"  # ... its codec when the table was chosen
        self._held = False
        self._hold_music: Path | None = None
        self._prompt: _Prompt | None = None
        self._holding_music: _Prompt | None = None  # the prompt that plays because the peer holds
        self._pressing: Iterator[EventBeat | None] | None = None
        self._pressed: asyncio.Future[None] | None = None
        self._listening = 0  # phases in which we send silence rather than nothing
        self._hears_peer = False  # whether packets of the peer are passed on just now
        self._is_fresh = True  # the next own frame begins a talk spurt
        self._detector = DigitDetector()
        self._detected_in: Incoming | None = None
        self._digit_waiters: list[Callable[[str], None]] = []
        self._recording: Recording | None = None
        self._voicemail: Recording | None = None
        self._voice_at: float | None = None  # when the party was last loud; None: nobody asks
        self._silence_timer: asyncio.TimerHandle | None = None
        self._silence_told = False
        self._ended = asyncio.Event()

    @classmethod
    async def open(cls, pool: PortPool, recorder: RecorderThread) -> RtpEndpoint:
        """Bind a pair of ports. Raises PortsExhausted or OSError."""
        return cls(pool, recorder)

    def set_remote(
        self,
        address: str,
        port: int,
        codec: Codec,
        payload_type: int,
        dtmf_payload_type: int | None,
        *,
        sending: bool,
        receiving: bool,
    ) -> None:
        """Where the party is and what it speaks, as its SDP said; again on every re-INVITE.

        ``sending``: we may send to it; ``receiving``: it should send, so that its silence means something.
        """
        if self._closed:
            return
        self._point(address, port)
        self._codecs = {0: "PCMU", 8: "PCMA", payload_type: codec}
        self._codec, self._payload_type, self._event_type = codec, payload_type, dtmf_payload_type
        self._may_send = sending
        self._expects = receiving
        self._choose_table()
        self._settle()
        self._watch_silence()

    # --- prompts and music ---
    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """Play files; "" at the end, or the digit that cut it short. Ends ("") when the endpoint is closed.

        Ends what is playing. Over a bridge, the party hears the prompt in place of its peer. A file that cannot be
        played is logged and left out.
        """
        if self._closed:
            return ""
        prompt = _Prompt(stop_on=stop_on)
        self._start(prompt)
        try:
            prompt.sound = b"".join([await self._sounds.get(sound) for sound in sounds])
            self._settle()
            return await prompt.ended
        finally:
            if self._prompt is prompt:
                self._stop_prompt()

    def start_music(self, sound: Path) -> None:
        """Play a file over and over until stop_music, play or connect. Ends what is playing."""
        if not self._closed:
            self._start_music(sound)

    def stop_music(self) -> None:
        """Fall silent. A prompt goes on."""
        prompt = self._prompt
        if prompt is not None and prompt.over_and_over and prompt is not self._holding_music:
            self._stop_prompt()

    def _start_music(self, sound: Path) -> _Prompt:
        prompt = _Prompt(over_and_over=True)
        self._start(prompt)
        task = self._loop.create_task(self._load_music(prompt, sound))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return prompt

    async def _load_music(self, prompt: _Prompt, sound: Path) -> None:
        prompt.sound = await self._sounds.get(sound)
        self._settle()

    def _start(self, prompt: _Prompt) -> None:
        if self._prompt is not None:
            self._prompt.end()
        self._prompt = prompt
        self._is_fresh = True
        self._settle()

    def _stop_prompt(self, result: str = "") -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            prompt.end(result)
        if self._holding_music is prompt:
            self._holding_music = None
        self._is_fresh = True
        self._settle()
        if self._peer is not None and self._peer._held:
            self._play_hold_music(self._peer._hold_music)

    # --- digits ---
    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        """Digits pressed from now on, without the ending one. Ends with what there is when the endpoint is closed."""
        pressed: asyncio.Queue[str] = asyncio.Queue()
        digits, patience = "", first_seconds
        self._digit_waiters.append(pressed.put_nowait)
        self._listen(True)
        try:
            while len(digits) < most and not self._closed:
                digit = await asyncio.wait_for(pressed.get(), patience)
                if not digit or digit in ends_with:
                    break
                digits += digit
                patience = between_seconds
        except TimeoutError:
            pass
        finally:
            self._digit_waiters.remove(pressed.put_nowait)
            self._listen(False)
        return digits

    async def send_digits(self, digits: str) -> None:
        """Press digits towards the party; returns when the last is sent. Without telephone events, none are sent."""
        while self._pressed is not None:
            await asyncio.wait({self._pressed})
        if self._closed or self._event_type is None:
            return
        self._pressing = press(digits)
        pressed = self._pressed = self._loop.create_future()
        self._settle()
        try:
            await pressed
        finally:
            self._pressing = self._pressed = None
            if not pressed.done():
                pressed.cancel()
            self._is_fresh = True
            self._settle()

    def digit_arrived(self, digit: str) -> None:
        """A digit that came by SIP INFO; those of telephone events come here too."""
        if self._closed or len(digit) != 1 or digit.upper() not in packets.DIGITS:
            return
        digit = digit.upper()
        if self._prompt is not None and digit in self._prompt.stop_on:
            self._stop_prompt(digit)
        for waiter in list(self._digit_waiters):
            waiter(digit)
        if self.on_digit is not None:
            self.on_digit(digit)

    # --- the peer ---
    def connect(self, other: RtpEndpoint) -> None:
        """Let the two hear each other. Ends their music and their earlier bridges."""
        if other is self or self._closed or other._closed or self._peer is other:
            return
        self.disconnect()
        other.disconnect()
        self._peer, other._peer = other, self
        for one in (self, other):
            one.stop_music()
            one._choose_table()
            one._settle()
        for one, peer in ((self, other), (other, self)):
            if one._held:
                peer._play_hold_music(one._hold_music)

    def disconnect(self) -> None:
        """Part from the peer; both fall silent. Nothing happens without one."""
        peer = self._peer
        if peer is None:
            return
        self._peer = peer._peer = None
        for one in (self, peer):
            one._end_hold_music()
            one._out.leave()
            one._settle()

    def set_hold_music(self, sound: Path | None) -> None:
        """What the peer hears while this party holds us; None: silence."""
        self._hold_music = sound

    def hold(self, held: bool) -> None:
        """The party put us on hold (it hears nothing, its peer hold music), or took us back."""
        if self._closed or held == self._held:
            return
        self._held = held
        self._last_sign = _monotonic()
        self._settle()
        self._watch_silence()
        if self._peer is not None:
            if held:
                self._peer._play_hold_music(self._hold_music)
            else:
                self._peer._end_hold_music()
            self._peer._settle()

    def _play_hold_music(self, sound: Path | None) -> None:
        if sound is not None and self._prompt is None:
            self._holding_music = self._start_music(sound)

    def _end_hold_music(self) -> None:
        if self._holding_music is not None and self._holding_music is self._prompt:
            self._stop_prompt()

    def _choose_table(self) -> None:
        for one, peer in ((self, self._peer), (self._peer, self)):
            if one is not None and peer is not None:
                one._table_from = peer._codec
                one._table = transcoder(peer._codec, one._codec)

    # --- recording ---
    def start_recording(self, path: Path) -> None:
        """Record both directions: left what the party says, right what it hears. Replaces one that is running."""
        if self._closed:
            return
        if self._recording is not None:
            self._recording.finish()
        self._recording = self._recorder.record(path, 2)

    async def stop_recording(self) -> RecordedSound | None:
        """Finish the file of start_recording; None when there is none. Works, and may be repeated, after close()."""
        recording = self._recording
        if recording is None:
            return None
        finished = recording.finish()
        if not self._closed:
            self._recording = None
        return await finished

    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        """Record what the party says, mono. Ends with ``ended_by="caller"`` when the endpoint is closed.

        Silence is trailing silence: also that of a party who says nothing at all. Nothing is cut off the file.
        """
        if self._closed:
            return RecordedSound(path, 0.0, 1, "caller")
        recording = self._voicemail = self._recorder.record(path, 1)
        stopped: asyncio.Future[str] = self._loop.create_future()

        def stop(digit: str) -> None:
            if digit in stop_on and not stopped.done():
                stopped.set_result(digit)

        self._digit_waiters.append(stop)
        self._voice_at = _monotonic()
        self._listen(True)
        try:
            ended_by = await self._until_message_ends(recording, stopped, most_seconds, silence_seconds)
        finally:
            self._voicemail = self._voice_at = None
            self._digit_waiters.remove(stop)
            self._listen(False)
            finished = recording.finish()
        digit = stopped.result() if ended_by == "digit" else ""
        sound = await finished
        return RecordedSound(path, sound.seconds if sound else 0.0, 1, ended_by, digit)

    async def _until_message_ends(
        self, recording: Recording, stopped: asyncio.Future[str], most: float, silence: float
    ) -> EndedBy:
        while True:
            now = _monotonic()
            left = recording.started + most - now
            if left <= 0:
                return "limit"
            await asyncio.wait({stopped}, timeout=min(left, _LOOK_SECONDS))
            if stopped.done():
                return "digit" if stopped.result() else "caller"
            if recording.failed:
                return "stop"
            if silence and self._voice_at is not None and _monotonic() - self._voice_at >= silence:
                return "silence"

    # --- figures and the end ---
    def figures(self) -> CallFigures:
        """Counts so far."""
        received, expected, jitter = self._past.received, self._past.expected, 0.0
        if self._stream is not None:
            received += self._stream.received
            expected += self._stream.received + self._stream.lost
            jitter = self._stream.jitter / 8
        extra = {"packets_sent": self._out.packets, "malformed": self._malformed, "foreign": self._foreign}
        extra["unsent"] = self._unsent
        told = {name: str(count) for name, count in extra.items() if count}
        if self._far_loss:
            told["lost_at_far_end"] = self._far_loss
        return CallFigures(received, expected - received, round(jitter, 2), self._codec, extra=told)

    async def close(self) -> None:
        """Fall silent, finish the files, give the ports back. Safe to repeat."""
        if not self._closed:
            self.disconnect()
            self._close_link()
            self._may_send = self._expects = False
            if self._silence_timer is not None:
                self._silence_timer.cancel()
            self._stop_prompt()
            if self._pressed is not None and not self._pressed.done():
                self._pressed.set_result(None)
            for waiter in list(self._digit_waiters):
                waiter("")
            for task in list(self._tasks):
                task.cancel()
            self._settle()
        for recording in (self._recording, self._voicemail):
            if recording is not None:
                await recording.finish()

    # --- packets that came ---
    def _audio_came(
        self, stream: Incoming, marker: bool, seq: int, timestamp: int, codec: Codec, payload: bytes, now: float
    ) -> None:
        peer = self._peer
        if peer is not None and peer._hears_peer and not self._held:
            numbers = peer._out.follow(stream, seq, timestamp, now)
            if numbers is not None:
                fresh, out_seq, out_timestamp = numbers
                said = payload
                if codec != peer._table_from:
                    table = transcoder(codec, peer._codec)
                    said = payload.translate(table) if table else payload
                elif peer._table is not None:
                    said = payload.translate(peer._table)
                peer._send(peer._payload_type, marker or fresh, out_seq, out_timestamp, said)
                if peer._recording is not None:
                    peer._recording.feeds[1].append((now, out_timestamp, marker or fresh, peer._codec, said))
        if self._recording is not None:
            self._recording.feeds[0].append((now, timestamp, marker, codec, payload))
        if self._voice_at is not None:
            if self._voicemail is not None:
                self._voicemail.feeds[0].append((now, timestamp, marker, codec, payload))
            if loudness(payload, codec) > _QUIET:
                self._voice_at = now

    def _event_came(self, stream: Incoming, marker: bool, seq: int, timestamp: int, payload: bytes, now: float) -> None:
        event = packets.event_of(payload)
        if event is None:
            self._malformed += 1
            return
        peer = self._peer
        if peer is not None and peer._hears_peer and peer._event_type is not None and not self._held:
            numbers = peer._out.follow(stream, seq, timestamp, now)
            if numbers is not None:
                fresh, out_seq, out_timestamp = numbers
                peer._send(peer._event_type, marker or fresh, out_seq, out_timestamp, payload)
        if stream is not self._detected_in:
            self._detected_in, self._detector = stream, DigitDetector()
        digit = self._detector.hear(event, timestamp, marker=marker)
        if digit:
            self.digit_arrived(digit)

    # --- frames of our own ---
    def _settle(self) -> None:
        """Work out anew what the party hears, after anything that matters has changed."""
        can_hear = self._may_send and not self._held and not self._closed and self._target is not None
        speaks = self._pressing is not None or self._prompt is not None
        self._hears_peer = can_hear and not speaks
        if not self._closed and (speaks or (self._listening and self._peer is None)):
            self._ticker.add(self)
        else:
            self._ticker.remove(self)
            self._is_fresh = True

    def _listen(self, on: bool) -> None:
        self._listening += 1 if on else -1
        self._settle()

    def beat(self, now: float, *, skipped: bool) -> None:
        """Send the next 20 ms of what we say ourselves (called by the ticker)."""
        now = _monotonic()
        if skipped:
            self._is_fresh = True
        if self._pressing is not None:
            self._press_beat(now)
            return
        prompt = self._prompt
        if prompt is None or prompt.sound is None:
            if prompt is None or self._listening:
                self._say(SILENCE["PCMU"] * FRAME, now)
            return
        frame = prompt.next_frame()
        if frame is None:
            if not prompt.over_and_over:
                self._stop_prompt()
            return
        self._say(frame, now)

    def _say(self, ulaw: bytes, now: float) -> None:
        if not self._may_send or self._held or self._target is None:
            self._is_fresh = True
            return
        said = ulaw if self._codec == "PCMU" else ulaw.translate(ALAW_FROM_ULAW)
        marker, seq, timestamp = self._out.own(self, FRAME, now, fresh=self._is_fresh)
        self._is_fresh = False
        self._send(self._payload_type, marker, seq, timestamp, said)
        if self._recording is not None:
            self._recording.feeds[1].append((now, timestamp, marker, self._codec, said))

    def _press_beat(self, now: float) -> None:
        assert self._pressing is not None
        beat = next(self._pressing, "over")
        if beat == "over":
            if self._pressed is not None and not self._pressed.done():
                self._pressed.set_result(None)
            self._pressing = None
            self._settle()
            return
        if not isinstance(beat, EventBeat) or not self._may_send or self._target is None:
            return
        event_type = self._event_type
        if event_type is None:
            return
        for copy in range(beat.copies):
            first = beat.first and copy == 0
            marker, seq, timestamp = self._out.own(self, 0, now, fresh=first)
            payload = packets.event_payload(beat.event, beat.duration, ended=beat.ended)
            self._send(event_type, first and marker, seq, timestamp, payload)

    # --- no packets ---
    def _watch_silence(self) -> None:
        if self._silence_timer is not None:
            self._silence_timer.cancel()
        self._silence_timer = None
        if self._expects and not self._closed:
            self._silence_timer = self._loop.call_later(self.rtp_timeout, self._look_for_silence)

    def _look_for_silence(self) -> None:
        self._silence_timer = None
        if self._closed or not self._expects:
            return
        silent = _monotonic() - self._last_sign
        if self._held:
            silent = 0.0
            self._last_sign = _monotonic()
        if silent < self.rtp_timeout - 0.001:
            self._silence_told = False
            wait = self.rtp_timeout - silent
        else:
            wait = self.rtp_timeout
            if not self._silence_told:
                self._silence_told = True
                if self.on_silence is not None:
                    self.on_silence()
        if not self._closed:
            self._silence_timer = self._loop.call_later(wait, self._look_for_silence)
