"""One thread that writes every recording, so that the loop never waits for a disk.

Owns: the files while they grow. The loop only appends packets to a recording's feeds; the thread places them
(alignment.py), decodes them and writes, each file at most every ``FLUSH_SECONDS``, with the sizes in its header
rewritten each time: a file is a whole WAV at every moment, also after kill -9. What no packet fills is silence.
A disk that refuses ends that one recording as it is; it is logged and told by ``on_error``; the call goes on.
Leaves out: when to record (endpoint.py), mending files of others (wav.py).
"""

import asyncio
import contextlib
import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from appliance.switch.builtin.media import wav
from appliance.switch.builtin.media.alignment import Placement
from appliance.switch.builtin.media.g711 import LOW_HIGH, SAMPLES_PER_SECOND, Codec
from appliance.switch.port import RecordedSound

FLUSH_SECONDS = 0.3
_HISTORY = 2 * SAMPLES_PER_SECOND  # kept in memory, so that a late packet can still be put in its place
_MOST_WAITING = 3000  # packets of one party, a minute: all the memory a disk that hangs may cost
_HOLE = 3  # samples: a hole the creeping of clocks leaves is filled, not left as a click

_log = logging.getLogger(__name__)

# When it came (time.monotonic), RTP timestamp, first of a talk spurt, codec, payload.
Heard = tuple[float, int, bool, Codec, bytes]


class Recording:
    """A file being recorded. The loop appends to ``feeds`` (one a channel, left first) and calls ``finish``."""

    def __init__(self, thread: "RecorderThread", path: Path, channels: int) -> None:
        self.path = path
        self.channels = channels
        self.started = time.monotonic()
        self.feeds: tuple[deque[Heard], ...] = tuple(deque(maxlen=_MOST_WAITING) for _ in range(channels))
        self.failed = False  # the disk refused: nothing more will be written
        self.done: Future[RecordedSound | None] = Future()
        self.done.set_running_or_notify_cancel()  # whoever stops waiting for it does not undo it
        self._thread = thread
        self._finishing = False

    def finish(self) -> "asyncio.Future[RecordedSound | None]":
        """End the recording now; the result comes when the file is closed (None: no file). Safe to repeat."""
        if not self._finishing:
            self._finishing = True
            self._thread.end(self, time.monotonic())
        return asyncio.wrap_future(self.done)


class _File:
    """The thread's side of a recording: a stretch of samples in memory, and the file behind it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.due = recording.started + FLUSH_SECONDS
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


class _Settler:
    """Brings finished files to the disk itself, for the day the power goes, without holding up the ones that grow."""

    def __init__(self) -> None:
        self._descriptors: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder-settler", daemon=True)
        self._thread.start()

    def put(self, descriptor: int) -> None:
        """Sync and close."""
        self._descriptors.put(descriptor)

    def stop(self, timeout: float) -> None:
        """Sync and close what waits, end."""
        self._descriptors.put(-1)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (descriptor := self._descriptors.get()) >= 0:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)


_Command = tuple[str, Recording | None, float]


class RecorderThread:
    """Writes all recordings. One an engine; verbs may be called from the loop, none of them waits but stop."""

    def __init__(self, on_error: Callable[[Path, OSError], None] | None = None) -> None:
        """``on_error`` is called from the thread, once a recording, when the disk refuses it."""
        self.on_error = on_error
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._files: dict[Recording, _File] = {}
        self._thread: threading.Thread | None = None
        self._settler: _Settler

    def start(self) -> None:
        """Begin. Safe to repeat."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Finish every file and end the thread. Safe to repeat."""
        if self._thread is not None:
            self._commands.put(("stop", None, 0.0))
            self._thread.join(timeout)
            self._thread = None

    def record(self, path: Path, channels: int) -> Recording:
        """Begin a file; an existing one is overwritten."""
        self.start()
        recording = Recording(self, path, channels)
        self._commands.put(("open", recording, 0.0))
        return recording

    def end(self, recording: Recording, at: float) -> None:
        """Finish a file at the moment ``at``; its ``done`` tells when."""
        if self._thread is None:
            if not recording.done.done():
                recording.done.set_result(None)
            return
        self._commands.put(("end", recording, at))

    def _run(self) -> None:
        self._settler = _Settler()
        going = True
        while going:
            try:
                command, recording, at = self._commands.get(timeout=self._until_due())
            except queue.Empty:
                pass
            else:
                if command == "stop" or recording is None:
                    going = False
                elif command == "open":
                    self._open(recording)
                else:
                    self._finish(recording, at)
            self._flush_due()
        for recording in list(self._files):
            self._finish(recording, time.monotonic())
        self._settler.stop(timeout=3.0)

    def _until_due(self) -> float | None:
        if not self._files:
            return None
        return max(0.0, min(file.due for file in self._files.values()) - time.monotonic())

    def _flush_due(self) -> None:
        for recording, file in list(self._files.items()):
            now = time.monotonic()
            if file.due > now:
                continue
            file.due = now + FLUSH_SECONDS
            if recording.failed:
                for feed in recording.feeds:
                    feed.clear()
            else:
                self._try_flush(file, now)

    def _try_flush(self, file: _File, now: float) -> None:
        try:
            file.flush(now)
        except OSError as error:
            self._failed(file.recording, error)
        except Exception as error:  # noqa: BLE001  a fault in one recording must not end the others
            _log.exception("recording=%s failed", file.recording.path.name)
            self._failed(file.recording, OSError(str(error)))

    def _open(self, recording: Recording) -> None:
        try:
            self._files[recording] = _File(recording)
        except OSError as error:
            self._failed(recording, error)

    def _failed(self, recording: Recording, error: OSError) -> None:
        recording.failed = True
        _log.error("recording=%s ended early: %s", recording.path.name, error.strerror or error)
        if self.on_error is not None:
            self.on_error(recording.path, error)

    def _finish(self, recording: Recording, at: float) -> None:
        file = self._files.pop(recording, None)
        if file is None:
            if not recording.done.done():
                recording.done.set_result(None)
            return
        if not recording.failed:
            self._try_flush(file, at)
        descriptor, sound = file.close()
        self._settler.put(descriptor)
        recording.done.set_result(sound)
