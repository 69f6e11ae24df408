"""Who hears whom: test tones, G.711 and the measure of which tone sounds in each 20 ms.

Every party of a test sends a tone of its own, a multiple of 50 Hz, so that a 20 ms frame holds whole periods: the
frames of a tone are all alike, and the tones are orthogonal to each other within a frame whatever their phase.
Owns: making, coding and measuring sound. Leaves out: packets (rtp.py). Nothing here is taken from the product.
"""

import itertools
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160  # samples in 20 ms
CALLER, AGENT, SECOND_AGENT, OUTSIDE = 500, 700, 900, 1100
GREETING, CLOSED, NO_ONE, LEAVE, SAVED = 1300, 1500, 1700, 1900, 2100  # announcements, where a test makes them tones
KNOWN = (CALLER, AGENT, SECOND_AGENT, OUTSIDE, GREETING, CLOSED, NO_ONE, LEAVE, SAVED)
SILENT, OTHER = 0, -1  # labels of a frame that is no tone
Samples = NDArray[np.int16]


def tone(frequency: float, seconds: float, amplitude: float = 8000.0) -> Samples:
    """A sine of that frequency in Hz."""
    n = np.arange(int(seconds * RATE))
    return (amplitude * np.sin(2 * np.pi * frequency * n / RATE)).astype(np.int16)


def _ulaw_value(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_value(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, (code & 0x0F) << 4
    magnitude = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


_VALUES = {
    "PCMU": np.array([_ulaw_value(c) for c in range(256)], dtype=np.int16),
    "PCMA": np.array([_alaw_value(c) for c in range(256)], dtype=np.int16),
}


def decode(data: bytes, codec: str) -> Samples:
    """The samples of G.711 octets (ITU-T G.711 tables)."""
    return _VALUES[codec][np.frombuffer(data, dtype=np.uint8)]


def encode(samples: Samples, codec: str) -> bytes:
    """G.711 octets: for each sample the code whose value is nearest."""
    values = _VALUES[codec].astype(np.int32)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    right = np.clip(np.searchsorted(ordered, samples), 1, 255)
    nearer_left = (samples - ordered[right - 1]) <= (ordered[right] - samples)
    return order[np.where(nearer_left, right - 1, right)].astype(np.uint8).tobytes()


def labels(samples: Samples, tones: Sequence[int] = KNOWN) -> list[int]:
    """Which tone holds most of each 20 ms; SILENT where there is nothing to hear, OTHER for another sound.

    A transform over 20 ms has a bin each 50 Hz, so this is Goertzel's filter for all the tones at once.
    """
    frames = samples[: len(samples) // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    if not len(frames):
        return []
    power = np.mean(frames**2, axis=1)
    bins = 2.0 * np.abs(np.fft.rfft(frames, axis=1)) ** 2 / FRAME**2
    strongest = np.argmax(bins[:, 1:], axis=1) + 1
    pure = bins[np.arange(len(frames)), strongest] > 0.6 * power
    known = np.isin(strongest * 50, tones) & pure
    return [int(f) for f in np.where(power < 100.0**2, SILENT, np.where(known, strongest * 50, OTHER))]


def share(found: Sequence[int], frequency: int) -> float:
    """Which part of the frames carries that tone, 0 to 1."""
    return sum(f == frequency for f in found) / len(found) if found else 0.0


def longest_break(found: Sequence[int], frequency: int) -> float:
    """Seconds of the longest stretch without the tone between its first and its last frame."""
    at = [i for i, f in enumerate(found) if f == frequency]
    return max((b - a - 1 for a, b in itertools.pairwise(at)), default=0) * 0.02


@dataclass(frozen=True)
class Wav:
    """A sound file as read from disk: one row of samples per channel."""

    channels: list[Samples]
    rate: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.channels[0]) / self.rate


def read_wav(path: Path) -> Wav:
    """A 16-bit WAV file. Raises wave.Error or EOFError when a player could not play it."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise wave.Error(f"{path} has {8 * file.getsampwidth()} bits")
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return Wav([data[c :: file.getnchannels()] for c in range(file.getnchannels())], file.getframerate())


def write_wav(path: Path, samples: Samples) -> Path:
    """A mono 16-bit WAV file at 8 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
