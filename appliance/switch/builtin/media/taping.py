"""What is recorded of a leg: the conversation on two channels, a message on one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from appliance.switch.builtin.media.ports import PortPool
from appliance.switch.builtin.media.recorder import RecorderThread
from appliance.switch.builtin.media.recording_file import Recording
from appliance.switch.builtin.media.voice import Voice
from appliance.switch.port import RecordedSound

EndedBy = Literal["caller", "digit", "silence", "limit", "stop"]

_LOOK_SECONDS = 0.1
_monotonic = time.monotonic


class Taping(Voice):
    """The recording verbs of a leg. The packets themselves are fed where they come and go."""

    def __init__(self, pool: PortPool, recorder: RecorderThread) -> None:
        super().__init__(pool)
        self._recorder = recorder
        self._voicemail: Recording | None = None
        self._voice_at: float | None = None  # when the party was last loud; None: nobody asks
        self._digit_waiters: list[Callable[[str], None]] = []

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
