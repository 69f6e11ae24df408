"""What we say to a party ourselves: prompts, music, keys pressed, silence that keeps NAT open.

Owns: the beat of one leg. Leaves out: the peer, what the party says, recordings (endpoint.py, taping.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.switch.builtin.media import packets
from appliance.switch.builtin.media.digits import EventBeat, press
from appliance.switch.builtin.media.g711 import ALAW_FROM_ULAW, FRAME, SILENCE
from appliance.switch.builtin.media.link import RtpLink
from appliance.switch.builtin.media.ports import PortPool
from appliance.switch.builtin.media.prompt import Prompt
from appliance.switch.builtin.media.recording_file import Recording

_monotonic = time.monotonic


class Voice(RtpLink):
    """One leg's own speech. The first that applies is heard: digits, a prompt or music, the peer, silence."""

    def __init__(self, pool: PortPool) -> None:
        super().__init__(pool)
        self._ticker = pool.ticker
        self._sounds = pool.sounds
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = False
        self._has_peer = False
        self._prompt: Prompt | None = None
        self._pressing: Iterator[EventBeat | None] | None = None
        self._pressed: asyncio.Future[None] | None = None
        self._listening = 0  # phases in which we send silence rather than nothing
        self._hears_peer = False  # whether packets of the peer are passed on just now
        self._is_fresh = True  # the next own frame begins a talk spurt
        self._recording: Recording | None = None

    def _prompt_ended(self, prompt: Prompt | None) -> None:
        """Something else may be heard now."""
        raise NotImplementedError

    def _is_holding_music(self, prompt: Prompt) -> bool:
        """Whether it plays because the peer holds."""
        raise NotImplementedError

    # --- prompts and music ---
    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """Play files; "" at the end, or the digit that cut it short. Ends ("") when the endpoint is closed.

        Ends what is playing. Over a bridge, the party hears the prompt in place of its peer. A file that cannot be
        played is logged and left out.
        """
        if self._closed:
            return ""
        prompt = Prompt(stop_on=stop_on)
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
        if prompt is not None and prompt.over_and_over and not self._is_holding_music(prompt):
            self._stop_prompt()

    def _start_music(self, sound: Path) -> Prompt:
        prompt = Prompt(over_and_over=True)
        self._start(prompt)
        task = self._loop.create_task(self._load_music(prompt, sound))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return prompt

    async def _load_music(self, prompt: Prompt, sound: Path) -> None:
        prompt.sound = await self._sounds.get(sound)
        self._settle()

    def _start(self, prompt: Prompt) -> None:
        if self._prompt is not None:
            self._prompt.end()
        self._prompt = prompt
        self._is_fresh = True
        self._settle()

    def _stop_prompt(self, result: str = "") -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            prompt.end(result)
        self._is_fresh = True
        self._settle()
        self._prompt_ended(prompt)

    # --- digits ---
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

    # --- frames of our own ---
    def _settle(self) -> None:
        """Work out anew what the party hears, after anything that matters has changed."""
        can_hear = self._may_send and not self._held and not self._closed and self._target is not None
        speaks = self._pressing is not None or self._prompt is not None
        if self._hears_peer and not (can_hear and not speaks):
            self._out.leave(self)  # what the peer says meanwhile is not lost, it is not for this party
        self._hears_peer = can_hear and not speaks
        if not self._closed and (speaks or (self._listening and not self._has_peer)):
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
        if not isinstance(beat, EventBeat) or not self._may_send or self._held or self._target is None:
            self._is_fresh = True
            return
        event_type = self._event_type
        if event_type is None:
            return
        for copy in range(beat.copies):
            fresh = (beat.first and copy == 0) or self._is_fresh
            self._is_fresh = False
            marker, seq, timestamp = self._out.own(self, 0, now, fresh=fresh)
            payload = packets.event_payload(beat.event, beat.duration, ended=beat.ended)
            self._send(event_type, marker, seq, timestamp, payload)
