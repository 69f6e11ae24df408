"""One recording: what the loop feeds it, and the file that grows from it.

Owns: placing, decoding, writing one file. Leaves out: when (recorder.py). Memory is bounded, disk errors are raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.switch.builtin.media import wav
from appliance.switch.builtin.media.alignment import Placement
from appliance.switch.builtin.media.g711 import LOW_HIGH, SAMPLES_PER_SECOND, Codec
from appliance.switch.port import RecordedSound

if TYPE_CHECKING:
    from appliance.switch.builtin.media.recorder import RecorderThread

_HISTORY = 2 * SAMPLES_PER_SECOND  # kept in memory, so that a late packet can still be put in its place
_MOST_WAITING = 3000  # packets of one party, a minute: all the memory a disk that hangs may cost
_HOLE = 3  # samples: a hole the creeping of clocks leaves is filled, not left as a click

# When it came (time.monotonic), RTP timestamp, first of a talk spurt, codec, payload.
Heard = tuple[float, int, bool, Codec, bytes]


class Recording:
    """A file being recorded. The loop appends to ``feeds`` (one a channel, left first) and calls ``finish``."""

    def __init__(self, thread: RecorderThread, path: Path, channels: int) -> None:
        self.path = path
        self.channels = channels
        self.started = time.monotonic()
        self.feeds: tuple[deque[Heard], ...] = tuple(deque(maxlen=_MOST_WAITING) for _ in range(channels))
        self.failed = False  # the disk refused: nothing more will be written
        self.done: Future[RecordedSound | None] = Future()
        self.done.set_running_or_notify_cancel()  # whoever stops waiting for it does not undo it
        self._thread = thread
        self._finishing = False

    def finish(self) -> asyncio.Future[RecordedSound | None]:
        """End the recording now; the result comes when the file is closed (None: no file). Safe to repeat."""
        if not self._finishing:
            self._finishing = True
            self._thread.end(self, time.monotonic())
        return asyncio.wrap_future(self.done)


class RecordingFile:
    """The thread's side of a recording: a stretch of samples in memory, and the file behind it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.due = recording.started
        self.frame = 2 * recording.channels
        self.late = 0  # packets too late to be placed
        self._placements = [Placement() for _ in range(recording.channels)]
        self._ends = [0] * recording.channels  # where each channel's audio ended last
        self._buffer = bytearray()
        self._origin = 0  # position of the buffer's first sample
        self._clean = 0  # before this position the file is as the buffer
        self._written = 0  # samples in the file
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._descriptor = os.open(recording.path, flags, 0o640)
        try:
            self._write(wav.header(recording.channels, 0), 0)
        except OSError:
            os.close(self._descriptor)
            raise

    def flush(self, now: float) -> None:
        """Take what has come, write what changed, up to ``now``. Raises OSError."""
        for channel, feed in enumerate(self.recording.feeds):
            self._take(channel, feed)
        end = max(self._position(now), *self._ends)
        missing = (end - self._origin) * self.frame - len(self._buffer)
        if missing > 0:
            self._buffer += bytes(missing)
        changed = memoryview(self._buffer)[(self._clean - self._origin) * self.frame :]
        if not changed:
            return
        try:
            self._write_samples(changed)
        finally:
            changed.release()
        self._forget()

    def close(self) -> tuple[int, RecordedSound | None]:
        """The descriptor to be closed, and what the file came to, None when there is no sound in it."""
        if not self._written:
            return self._descriptor, None
        seconds = self._written / SAMPLES_PER_SECOND
        sound = RecordedSound(path=self.recording.path, seconds=seconds, channels=self.recording.channels)
        return self._descriptor, sound

    def _position(self, at: float) -> int:
        return max(0, int((at - self.recording.started) * SAMPLES_PER_SECOND))

    def _take(self, channel: int, feed: deque[Heard]) -> None:
        """Place the waiting packets; those that follow each other are decoded as one run."""
        place, position_of = self._placements[channel].place, self._position
        run: list[bytes] = []
        start = end = 0
        law: Codec = "PCMU"
        while feed:
            at, timestamp, fresh, codec, payload = feed.popleft()
            position = place(timestamp, position_of(at), fresh=fresh)
            if run and position == end and codec == law:
                run.append(payload)
                end += len(payload)
                continue
            if run:
                self._put(channel, start, b"".join(run), law)
            if 0 < position - self._ends[channel] <= _HOLE:
                payload = payload[:1] * (position - self._ends[channel]) + payload
                position = self._ends[channel]
            run, law, start, end = [payload], codec, position, position + len(payload)
        if run:
            self._put(channel, start, b"".join(run), law)

    def _put(self, channel: int, position: int, payload: bytes, codec: Codec) -> None:
        if position < self._origin:
            self.late += 1
            payload = payload[self._origin - position :]
            position = self._origin
        if not payload:
            return
        end = position + len(payload)
        missing = (end - self._origin) * self.frame - len(self._buffer)
        if missing > 0:
            self._buffer += bytes(missing)
        low, high = LOW_HIGH[codec]
        first = (position - self._origin) * self.frame + 2 * channel
        stop = (end - self._origin) * self.frame
        self._buffer[first : stop : self.frame] = payload.translate(low)
        self._buffer[first + 1 : stop : self.frame] = payload.translate(high)
        self._clean = min(self._clean, position)
        self._ends[channel] = end

    def _write_samples(self, changed: memoryview) -> None:
        offset = self._clean * self.frame
        try:
            done = self._write(changed, wav.HEADER_BYTES + offset)
        except OSError:
            self._written = max(self._written, self._on_disk())
            with contextlib.suppress(OSError):  # the sizes lie in a block the file already has
                self._write_header()
            raise
        self._clean += done // self.frame
        self._written = max(self._written, self._clean)
        self._write_header()

    def _on_disk(self) -> int:
        with contextlib.suppress(OSError):
            return max(0, os.fstat(self._descriptor).st_size - wav.HEADER_BYTES) // self.frame
        return 0

    def _write_header(self) -> None:
        self._write(wav.header(self.recording.channels, self._written * self.frame), 0)

    def _write(self, part: bytes | memoryview, offset: int) -> int:
        done = 0
        view = memoryview(part)
        while done < len(view):
            done += os.pwrite(self._descriptor, view[done:], offset + done)
        return done

    def _forget(self) -> None:
        """Let go of samples so old that no packet is late enough to change them."""
        spare = len(self._buffer) // self.frame - _HISTORY
        if spare > _HISTORY:
            del self._buffer[: spare * self.frame]
            self._origin += spare
