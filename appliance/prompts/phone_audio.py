"""Sound as a phone carries it: 8 kHz, mono, 16 bit, in the band from 300 Hz to 3.4 kHz, at an even level.

Runs in child processes only (numpy, soxr). Owns: filter, level, limiter, WAV. Leaves out: where the sound comes from.
"""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

RATE = 8000
SPEECH_DBFS = -16.0
Samples = npt.NDArray[np.float64]


def to_phone_rate(samples: Samples, rate: int) -> Samples:
    """Resample mono samples to 8 kHz."""
    if rate == RATE:
        return samples
    return np.asarray(soxr.resample(samples, rate, RATE, quality="VHQ"), dtype=np.float64)


def band_limit(samples: Samples, low_hz: float = 300.0, high_hz: float = 3400.0) -> Samples:
    """Keep what a phone line carries; the edges fall off over a few dozen hertz so that nothing rings."""
    if not samples.size:
        return samples
    padded = np.concatenate([samples, np.zeros(RATE // 10)])
    spectrum = np.fft.rfft(padded)
    hz = np.fft.rfftfreq(padded.size, 1 / RATE)
    rise = np.clip((hz - low_hz * 0.5) / (low_hz * 0.5), 0, 1)
    fall = np.clip((high_hz + 300.0 - hz) / 300.0, 0, 1)
    shaped = np.fft.irfft(spectrum * np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2, padded.size)
    return np.asarray(shaped[: samples.size], dtype=np.float64)


def speech_rms(samples: Samples) -> float:
    """The level of the parts where something is heard: 20 ms frames within 30 dB of the loudest."""
    frame = RATE // 50
    count = samples.size // frame
    if not count:
        return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    power = np.mean(samples[: count * frame].reshape(count, frame) ** 2, axis=1)
    loud = power[power > power.max() * 1e-3]
    return float(np.sqrt(loud.mean())) if loud.size else 0.0


def level(samples: Samples, dbfs: float = SPEECH_DBFS, most_gain_db: float = 40.0) -> Samples:
    """Bring speech to a level, its peaks held below full scale. Silence stays silence."""
    ceiling = 0.85
    target = 10 ** (dbfs / 20)
    out = samples
    for _ in range(3):  # the limiter takes some level away: aim again
        rms = speech_rms(out)
        if rms < 1e-6:
            return samples
        out = limit(out * min(target / rms, 10 ** (most_gain_db / 20)), ceiling)
    return out


def limit(samples: Samples, ceiling: float, reach_seconds: float = 0.006) -> Samples:
    """Turn the gain down around peaks above the ceiling, early and gently enough that no overtone is made."""
    if not samples.size or np.abs(samples).max() <= ceiling:
        return samples
    reach = int(reach_seconds * RATE)
    padded = np.pad(np.abs(samples), reach, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    gain = np.minimum(1.0, ceiling / np.maximum(around, 1e-9))
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(np.pad(gain, reach, mode="edge"), window / window.sum(), mode="valid")
    return np.asarray(samples * smooth, dtype=np.float64)


def trim(samples: Samples, quiet_seconds: float = 0.1) -> Samples:
    """Cut silence off both ends and leave ``quiet_seconds`` of it, faded, as lead-in and lead-out."""
    frame = RATE // 100
    count = samples.size // frame
    quiet = np.zeros(int(RATE * quiet_seconds))
    if count:
        power = np.mean(samples[: count * frame].reshape(count, frame) ** 2, axis=1)
        heard = np.flatnonzero(power > max(power.max() * 1e-5, 1e-9))
        if heard.size:
            first = max(0, int(heard[0]) - 2) * frame
            last = min(count, int(heard[-1]) + 4) * frame
            samples = samples[first:last].copy()
            edge = min(frame, samples.size // 2)
            samples[:edge] *= np.linspace(0, 1, edge)
            samples[-edge:] *= np.linspace(1, 0, edge)
    return np.concatenate([quiet, samples, quiet])


def write_wav(path: Path, samples: Samples) -> float:
    """Write a WAV file of 16-bit mono at 8 kHz; its length in seconds."""
    pcm = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm.tobytes())
    return float(samples.size / RATE)
