"""Sound files that FreeSWITCH has written: how long they are, and making them whole.

Owns: reading and mending the header of WAV files. Leaves out: having them written (legs.py).
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from array import array
from pathlib import Path
from typing import Literal

from appliance.switch.port import RecordedSound

HEADER_BYTES = 44
RATE = 8000
FRAME = 160  # samples, 20 ms
LOUD_FRAMES = 5
QUIET = 100  # mean magnitude of 32767: -50 dBFS, softer than the softest voice
EndedBy = Literal["caller", "digit", "silence", "limit", "stop"]


async def finished(path: Path, channels: int, ended_by: EndedBy, digit: str = "") -> RecordedSound:
    """A file as it lies on the disk; one that FreeSWITCH could not finish is mended."""
    seconds = await asyncio.to_thread(mend, path, channels)
    return RecordedSound(path, seconds, channels, ended_by, digit)


async def left_by_the_party(path: Path) -> RecordedSound:
    """What a party said before it hung up; ended by its silence when it said nothing at all."""
    sound = await finished(path, 1, "caller")
    if not await asyncio.to_thread(is_anything_said, path):
        return RecordedSound(sound.path, sound.seconds, 1, "silence")
    return sound


def is_anything_said(path: Path) -> bool:
    """Whether a mono file holds a tenth of a second that is louder than the noise of a line."""
    try:
        octets = path.read_bytes()[HEADER_BYTES:]
    except FileNotFoundError:
        return False
    samples = array("h", octets[: len(octets) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    loud = 0
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        loud += sum(map(abs, samples[at : at + FRAME])) > QUIET * FRAME
        if loud >= LOUD_FRAMES:
            return True
    return False


def mend(path: Path, channels: int) -> float:
    """Make the sizes in the header those of the file, where they are not; its seconds, 0 without a file."""
    try:
        length = path.stat().st_size
    except FileNotFoundError:
        return 0.0
    if length <= HEADER_BYTES:
        return 0.0
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header[:4] != b"RIFF" or header[36:40] != b"data":
        return (length - HEADER_BYTES) / (2 * channels * RATE)
    if struct.unpack_from("<I", header, 40)[0] != length - HEADER_BYTES:
        with path.open("r+b") as file:
            file.seek(4)
            file.write(struct.pack("<I", length - 8))
            file.seek(40)
            file.write(struct.pack("<I", length - HEADER_BYTES))
            file.flush()
            os.fsync(file.fileno())
    frame = struct.unpack_from("<H", header, 32)[0] or 2 * channels
    rate = struct.unpack_from("<I", header, 24)[0] or RATE
    return (length - HEADER_BYTES) / (frame * rate)
