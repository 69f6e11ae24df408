"""WAV files as we write and mend them: PCM, 8 kHz, 16 bit.

Owns: the header, reading a sound, mending a file left by a crash. Leaves out: when what is written (recorder.py).
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from appliance.switch.port import RecordedSound

HEADER_BYTES = 44
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_PCM = 1
_EXTENSIBLE = 0xFFFE
_MOST = 0xFFFFFFFF - HEADER_BYTES
_MOST_CHUNKS = 64


class NotSound(ValueError):
    """The file is not a WAV file we can use."""


def header(channels: int, audio_bytes: int, rate: int = 8000) -> bytes:
    """The 44 bytes before ``audio_bytes`` of 16-bit samples."""
    frame = 2 * channels
    size = min(audio_bytes, _MOST)
    return _HEADER.pack(
        b"RIFF", size + 36, b"WAVE", b"fmt ", 16, _PCM, channels, rate, rate * frame, frame, 16, b"data", size
    )


@dataclass(frozen=True)
class Layout:
    """Where the audio of a WAV file lies, and of what form it is."""

    encoding: int
    channels: int
    rate: int
    frame_bytes: int  # one sample of every channel
    bits: int
    size_field: int  # where the data chunk's size stands
    audio_start: int
    audio_bytes: int  # as the header says


def layout_of(descriptor: int) -> Layout | None:
    """Read a file's header; None when there is no format and data chunk in it."""
    if os.pread(descriptor, 4, 0) != b"RIFF" or os.pread(descriptor, 4, 8) != b"WAVE":
        return None
    offset, form = 12, b""
    for _ in range(_MOST_CHUNKS):
        raw = os.pread(descriptor, _CHUNK.size, offset)
        if len(raw) < _CHUNK.size:
            return None
        name, size = _CHUNK.unpack(raw)
        if name == b"fmt ":
            form = os.pread(descriptor, min(size, 40), offset + 8)
        elif name == b"data":
            return _layout(form, offset, size)
        offset += 8 + size + (size & 1)
    return None


def _layout(form: bytes, offset: int, size: int) -> Layout | None:
    if len(form) < _FORMAT.size:
        return None
    encoding, channels, rate, _, frame_bytes, bits = _FORMAT.unpack_from(form)
    if encoding == _EXTENSIBLE and len(form) >= 26:
        encoding = int.from_bytes(form[24:26], "little")
    if not channels or not rate or not frame_bytes:
        return None
    return Layout(encoding, channels, rate, frame_bytes, bits, offset + 4, offset + 8, size)


def read_samples(path: Path) -> bytes:
    """The 16-bit samples of an 8 kHz mono file. Raises OSError, or NotSound for anything else. Blocks."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        layout = layout_of(descriptor)
        if layout is None or layout.encoding != _PCM:
            raise NotSound(f"{path.name} is not a PCM WAV file")
        if (layout.channels, layout.rate, layout.bits) != (1, 8000, 16):
            raise NotSound(f"{path.name} is not 8 kHz, mono, 16 bit")
        there = max(0, os.fstat(descriptor).st_size - layout.audio_start)
        samples = os.pread(descriptor, min(layout.audio_bytes, there), layout.audio_start)
        return samples[: len(samples) & ~1]
    finally:
        os.close(descriptor)


def repair(path: Path) -> RecordedSound | None:
    """Make a file left by a crash whole: sizes from its length. None when it holds no audio.

    A file that is whole stays as it is. Raises OSError when it cannot be read or written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        layout = layout_of(descriptor)
        if layout is None:
            return None
        length = os.fstat(descriptor).st_size
        audio = _audio_there(descriptor, layout, length)
        if audio != layout.audio_bytes:
            end = layout.audio_start + audio
            if end < length:
                os.ftruncate(descriptor, end)
            os.pwrite(descriptor, struct.pack("<I", audio), layout.size_field)
            os.pwrite(descriptor, struct.pack("<I", end - 8), 4)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if audio == 0:
        return None
    seconds = audio / layout.frame_bytes / layout.rate
    return RecordedSound(path=path, seconds=seconds, channels=layout.channels)


def _audio_there(descriptor: int, layout: Layout, length: int) -> int:
    """How much audio the file really has, in whole frames."""
    there = max(0, length - layout.audio_start)
    declared_end = layout.audio_start + layout.audio_bytes
    after = declared_end + (layout.audio_bytes & 1)
    if layout.audio_bytes and declared_end <= length:
        raw = os.pread(descriptor, _CHUNK.size, after)
        if len(raw) == _CHUNK.size:
            name, size = _CHUNK.unpack(raw)
            if name in (b"LIST", b"id3 ", b"bext", b"cue ", b"fact") and after + 8 + size <= length + 1:
                return layout.audio_bytes  # a whole file with a note at its end
    return min(there, _MOST) // layout.frame_bytes * layout.frame_bytes
