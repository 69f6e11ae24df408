"""One thread that writes every recording, so that the loop never waits for a disk.

Owns: when which file is written. The loop only appends packets to a recording's feeds; the thread has them placed,
decoded and written (recording_file.py), each file at most every ``FLUSH_SECONDS``, with the sizes in its header
rewritten each time: a file is a whole WAV at every moment, also after kill -9. What no packet fills is silence.
A disk that refuses ends that one recording as it is; it is logged and told by ``on_error``; the call goes on.
Leaves out: when to record (endpoint.py), mending files of others (wav.py).
"""

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from appliance.switch.builtin.media.recording_file import Recording, RecordingFile

FLUSH_SECONDS = 0.3

_log = logging.getLogger(__name__)


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
        self._files: dict[Recording, RecordingFile] = {}
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

    def _try_flush(self, file: RecordingFile, now: float) -> None:
        try:
            file.flush(now)
        except OSError as error:
            self._failed(file.recording, error)
        except Exception as error:  # noqa: BLE001  a fault in one recording must not end the others
            _log.exception("recording=%s failed", file.recording.path.name)
            self._failed(file.recording, OSError(str(error)))

    def _open(self, recording: Recording) -> None:
        try:
            file = self._files[recording] = RecordingFile(recording)
            file.due += FLUSH_SECONDS
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
