"""One leg's audio: what the party hears and says.

Owns: whom it hears, hold, digits it presses, what its packets set off. Its parents own the wire (link.py), our own
speech (voice.py) and the recordings (taping.py). Leaves out: who talks with whom (the engine).

What a party hears, the first that applies: nothing while it holds us; digits we press; a prompt; music; its peer;
silence packets while we listen for its digits or record it, so that NAT stays open; else nothing at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from appliance.switch.builtin.media import packets
from appliance.switch.builtin.media.digits import DigitDetector
from appliance.switch.builtin.media.g711 import Codec, loudness, transcoder
from appliance.switch.builtin.media.ports import PortPool
from appliance.switch.builtin.media.prompt import Prompt
from appliance.switch.builtin.media.recorder import RecorderThread
from appliance.switch.builtin.media.streams import Incoming
from appliance.switch.builtin.media.taping import Taping
from appliance.switch.port import CallFigures

_QUIET = 200.0  # mean magnitude of 32767: -44 dBFS, above the noise of a line, below a soft voice
_monotonic = time.monotonic


class RtpEndpoint(Taping):
    """One leg's audio. Everything on the loop; nothing blocks. Verbs of a closed endpoint do nothing."""

    rtp_timeout: float = 30.0  # seconds without a packet from a party that should send
    on_digit: Callable[[str], None] | None = None
    on_silence: Callable[[], None] | None = None

    def __init__(self, pool: PortPool, recorder: RecorderThread) -> None:
        super().__init__(pool, recorder)
        self._peer: RtpEndpoint | None = None
        self._table: bytes | None = None  # translate what the peer says into what we send, with ...
        self._table_from: Codec = "PCMU"  # ... its codec when the table was chosen
        self._hold_music: Path | None = None
        self._holding_music: Prompt | None = None  # the prompt that plays because the peer holds
        self._detector = DigitDetector()
        self._detected_in: Incoming | None = None
        self._silence_timer: asyncio.TimerHandle | None = None
        self._silence_told = False

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
        self._has_peer = other._has_peer = True
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
        self._has_peer = peer._has_peer = False
        for one in (self, peer):
            one._end_hold_music()
            one._out.leave(one)
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
            self._peer._out.leave(self._peer)
            if held:
                self._peer._play_hold_music(self._hold_music)
            else:
                self._peer._end_hold_music()
            self._peer._settle()

    def _play_hold_music(self, sound: Path | None) -> None:
        if sound is not None and self._prompt is None:
            self._holding_music = self._start_music(sound)

    def _is_holding_music(self, prompt: Prompt) -> bool:
        return prompt is self._holding_music

    def _prompt_ended(self, prompt: Prompt | None) -> None:
        if self._holding_music is prompt:
            self._holding_music = None
        if self._peer is not None and self._peer._held:
            self._play_hold_music(self._peer._hold_music)

    def _end_hold_music(self) -> None:
        if self._holding_music is not None and self._holding_music is self._prompt:
            self._stop_prompt()

    def _choose_table(self) -> None:
        for one, peer in ((self, self._peer), (self._peer, self)):
            if one is not None and peer is not None:
                one._table_from = peer._codec
                one._table = transcoder(peer._codec, one._codec)

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
