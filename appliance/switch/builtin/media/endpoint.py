"""One leg's audio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from appliance.switch.builtin.media.ports import PortPool
from appliance.switch.builtin.media.recorder import RecorderThread
from appliance.switch.port import CallFigures, RecordedSound


class RtpEndpoint:
    """One leg's audio. Everything on the loop; nothing blocks."""

    port: int
    rtp_timeout: float = 30.0
    on_digit: Callable[[str], None] | None = None
    on_silence: Callable[[], None] | None = None

    @classmethod
    async def open(cls, pool: PortPool, recorder: RecorderThread) -> RtpEndpoint:
        """Bind a pair of ports. Raises PortsExhausted or OSError."""
        raise NotImplementedError

    def set_remote(
        self,
        address: str,
        port: int,
        codec: Literal["PCMU", "PCMA"],
        payload_type: int,
        dtmf_payload_type: int | None,
        *,
        sending: bool,
        receiving: bool,
    ) -> None:
        """Where the party is and what it speaks, as its SDP said; again on every re-INVITE."""

    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """Play files; "" at the end, or the digit that cut it short. Ends ("") when the endpoint is closed."""
        raise NotImplementedError

    def start_music(self, sound: Path) -> None:
        """Play a file over and over until stop_music, play or connect."""

    def stop_music(self) -> None:
        """Fall silent."""

    def set_hold_music(self, sound: Path | None) -> None:
        """What the peer hears while this party holds us; None: silence."""

    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        """Digits pressed from now on, without the ending one."""
        raise NotImplementedError

    async def send_digits(self, digits: str) -> None:
        """Press digits towards the party."""

    def digit_arrived(self, digit: str) -> None:
        """A digit that came by SIP INFO."""

    def connect(self, other: RtpEndpoint) -> None:
        """Let the two hear each other."""

    def disconnect(self) -> None:
        """Part from the peer; both fall silent."""

    def hold(self, held: bool) -> None:
        """The party put us on hold, or took us back."""

    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        """Record what the party says, mono. Ends with ``ended_by="caller"`` when the endpoint is closed."""
        raise NotImplementedError

    def start_recording(self, path: Path) -> None:
        """Record both directions: left what the party says, right what it hears."""

    async def stop_recording(self) -> RecordedSound | None:
        """Finish the file of start_recording; None when there is none. Works after close() too."""
        raise NotImplementedError

    def figures(self) -> CallFigures:
        """Counts so far."""
        raise NotImplementedError

    async def close(self) -> None:
        """Fall silent, finish the files, give the ports back. Safe to repeat."""
