"""Compose the music people wait to: ``python -m appliance.prompts.music OUT.wav``.

A calm loop of about seventy seconds of soft bells over a quiet pad, written for this box, so that nobody's
rights are played. It is composed on a circle: what still sounds at the end goes on at the start, so the loop
has no seam. A process of its own (numpy).
"""

import sys
from pathlib import Path

import numpy as np

from appliance.prompts import phone_audio
from appliance.prompts.phone_audio import RATE, Samples

BEAT_SECONDS = 0.55
BEATS = 128  # 32 bars of four
MUSIC_DBFS = -23.0  # under speech, so that nobody holds the phone away from the ear

# MIDI notes: D major, two eight-bar phrases and their variation; a bar is a chord of (bass, arpeggio)
_D = (50, (62, 66, 69, 74))
_A = (49, (61, 64, 69, 73))
_BM = (47, (62, 66, 71, 74))
_FM = (54, (61, 66, 69, 73))
_G = (55, (62, 67, 71, 74))
_EM = (52, (64, 67, 71, 76))
_ASUS = (57, (62, 64, 69, 74))
_BARS = (
    *(_D, _BM, _G, _A, _D, _FM, _G, _ASUS),
    *(_BM, _FM, _G, _D, _EM, _BM, _G, _A),
    *(_D, _A, _BM, _FM, _G, _D, _EM, _ASUS),
    *(_G, _A, _FM, _BM, _EM, _G, _ASUS, _A),
)
_PATTERNS = ((0, 1, 2, 3, 2, 1, 2, 1), (0, 2, 1, 3, 1, 2, 0, 2), (3, 2, 1, 2, 0, 2, 1, 2))
# (bar, beat, note, beats): a sparse tune on top, breathing between its phrases
_TUNE = (
    *((1, 0, 78, 2), (1, 2, 76, 2), (2, 0, 74, 3), (3, 2, 73, 2), (4, 0, 74, 4)),
    *((6, 0, 71, 2), (6, 2, 74, 2), (7, 0, 76, 4)),
    *((9, 0, 73, 2), (9, 2, 76, 2), (10, 0, 74, 4), (12, 2, 71, 2), (13, 0, 74, 3), (14, 3, 76, 1), (15, 0, 73, 4)),
    *((17, 0, 76, 3), (18, 0, 74, 2), (18, 2, 73, 2), (20, 0, 71, 2), (20, 2, 74, 2), (21, 0, 78, 4)),
    *((22, 2, 79, 2), (23, 0, 76, 4), (25, 0, 73, 2), (26, 0, 73, 2), (26, 2, 74, 2), (28, 0, 71, 3), (30, 0, 69, 4)),
)


def _hz(note: int) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))


def _bell(note: int, seconds: float, decay: float) -> Samples:
    """A struck string of soft partials, each fading faster than the one below."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(t)
    for partial, strength in ((1.0, 1.0), (2.001, 0.32), (3.003, 0.12), (4.01, 0.05)):
        if _hz(note) * partial < RATE * 0.42:
            sound += strength * np.sin(2 * np.pi * _hz(note) * partial * t) * np.exp(-t * partial / decay)
    return np.asarray(sound * np.minimum(1, t / 0.008) * np.minimum(1, (seconds - t) / 0.05), dtype=np.float64)


def _pad(notes: tuple[int, ...], seconds: float) -> Samples:
    """The chord, slowly in and out, each note two voices a hair apart."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(t)
    for note in notes:
        for detune in (-0.9, 0.8):
            sound += np.sin(2 * np.pi * (_hz(note) + detune * 0.4) * t + note)
    return np.asarray(sound * np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** 0.8 / len(notes), dtype=np.float64)


def compose() -> Samples:
    """The whole loop."""
    length = int(BEATS * BEAT_SECONDS * RATE)
    loop = np.zeros(length)

    def put(sound: Samples, beat: float, strength: float) -> None:
        start = int(beat * BEAT_SECONDS * RATE)
        np.add.at(loop, (start + np.arange(sound.size)) % length, sound * strength)

    for bar, (bass, chord) in enumerate(_BARS):
        put(_pad((chord[0], chord[1], chord[2]), 5.2 * BEAT_SECONDS), bar * 4 - 0.6, 0.16)
        put(_bell(bass, 3.5 * BEAT_SECONDS, 0.9), bar * 4, 0.3)
        pattern = _PATTERNS[(bar // 4) % len(_PATTERNS)]
        for step, which in enumerate(pattern):
            # a hand does not strike evenly: louder on one and three
            put(_bell(chord[which], 2.0, 0.55), bar * 4 + step * 0.5, 0.20 if step % 4 == 0 else 0.13)
    for bar, beat, note, beats in _TUNE:
        put(_bell(note, (beats + 1.5) * BEAT_SECONDS, 0.9), bar * 4 + beat, 0.26)
    return loop


def _room(loop: Samples) -> Samples:
    """A little reverberation, folded around the loop (a circular convolution), so that the seam stays inaudible."""
    dice = np.random.default_rng(7)
    t = np.arange(int(1.1 * RATE)) / RATE
    tail = dice.standard_normal(t.size) * np.exp(-t / 0.28) * np.minimum(1, t / 0.02)
    echo = np.zeros(loop.size)
    echo[: tail.size] = tail / np.sqrt(np.sum(tail**2))
    wet = np.fft.irfft(np.fft.rfft(loop) * np.fft.rfft(echo), loop.size)
    return np.asarray(loop + 0.22 * wet, dtype=np.float64)


def finish(loop: Samples) -> Samples:
    """The loop in the phone's band at its level, filtered as the circle it is."""
    hz = np.fft.rfftfreq(loop.size, 1 / RATE)
    rise = np.clip((hz - 90.0) / 130.0, 0, 1)
    fall = np.clip((3500.0 - hz) / 600.0, 0, 1)
    shaped = np.fft.irfft(np.fft.rfft(_room(loop)) * rise * fall, loop.size)
    gain = 10 ** (MUSIC_DBFS / 20) / np.sqrt(np.mean(shaped**2))
    return phone_audio.limit(shaped * gain, 0.45)


def main() -> int:
    """Write the loop."""
    phone_audio.write_wav(Path(sys.argv[1]), finish(compose()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
