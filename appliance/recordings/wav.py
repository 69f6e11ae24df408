"""WAV files after a crash: header sizes that match the sound again.

Layout (RIFF, WAVE_FORMAT_PCM): 44 bytes of header as our engines write it, then samples. FreeSWITCH killed in the
middle leaves sizes of zero; ours are at most half a second behind.
"""

import struct
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sound:
    """What a WAV file holds."""

    seconds: float
    channels: int
    size: int  # bytes of the file


def _data_offset(head: bytes) -> tuple[int, int, int] | None:
    """(offset of the samples, channels, bytes per second) of a PCM WAV file; None if it is none."""
    if len(head) < 44 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position, channels, rate = 12, 0, 0
    while position + 8 <= len(head):
        name, size = head[position : position + 4], struct.unpack_from("<I", head, position + 4)[0]
        if name == b"fmt " and position + 20 <= len(head):
            channels, rate = (
                struct.unpack_from("<H", head, position + 10)[0],
                struct.unpack_from("<I", head, position + 16)[0],
            )
        if name == b"data":
            return (position + 8, channels, rate) if channels and rate else None
        position += 8 + size + size % 2
    return None


def repair(path: Path) -> Sound | None:
    """Make a file that was cut off playable to its last sample; None when there is no sound in it. Raises OSError."""
    with path.open("r+b") as file:
        found = _data_offset(file.read(4096))
        if found is None:
            return None
        offset, channels, rate = found
        size = file.seek(0, 2)
        frame = 2 * channels
        samples = max(0, (size - offset) // frame * frame)
        if not samples:
            return None
        file.truncate(offset + samples)
        file.seek(4)
        file.write(struct.pack("<I", offset + samples - 8))
        file.seek(offset - 4)
        file.write(struct.pack("<I", samples))
    return Sound(samples / rate, channels, offset + samples)
