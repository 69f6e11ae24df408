"""The sound of the demo's calls: ``python -m appliance.demo.sounds FOLDER`` speaks every talk into a file of its own.

A process of its own, as all speaking is: its memory ends with it. Writes ``index.json`` beside the sounds: for each its
kind, seconds, and when within it there is a hold. Leaves out: what is said (talks.toml).
"""

import itertools
import json
import sys
import tomllib
import wave
from pathlib import Path
from typing import Any

import numpy as np

from appliance.prompts import phone_audio
from appliance.prompts.speak import speakable, synthesise

TALKS = Path(__file__).parent / "talks.toml"
PAUSE_SECONDS = 0.45
PACES = (1.0, 0.9, 1.12)  # nobody says the same thing twice at the same speed
# Voices that are told apart by ear; the agent's first
VOICES = {
    "bakery": (("gmw/en-US+f3", 165), ("gmw/en+m3", 155)),
    "clinic": (("ira/fa+f2", 150), ("ira/fa+m2", 145)),
}
_spoken: dict[tuple[str, str, int], phone_audio.Samples] = {}


def speak(text: str, voice: str, words_a_minute: int) -> phone_audio.Samples:
    """One sentence as a phone carries it."""
    key = (text, voice, words_a_minute)
    if key not in _spoken:
        samples, rate = synthesise(speakable(text), voice, words_a_minute)
        _spoken[key] = phone_audio.level(phone_audio.band_limit(phone_audio.to_phone_rate(samples, rate)))
    return _spoken[key]


def hum(seconds: float) -> phone_audio.Samples:
    """What is heard on hold: a soft chord."""
    t = np.arange(int(seconds * phone_audio.RATE)) / phone_audio.RATE
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * t / seconds)
    return np.asarray(0.04 * swell * sum(np.sin(2 * np.pi * hz * t) for hz in (392.0, 493.9, 587.3)), dtype=np.float64)


def converse(lines: list[str], business: str, pace: float) -> tuple[phone_audio.Samples, list[tuple[float, float]]]:
    """Caller and agent as two columns of samples, and the holds as (from, to) in seconds."""
    caller: list[phone_audio.Samples] = []
    agent: list[phone_audio.Samples] = []
    holds: list[tuple[float, float]] = []
    length = 0
    for line in lines:
        who, _, what = line.partition(" ")
        if who == "hold":
            sound = hum(float(what))
            holds.append((length / phone_audio.RATE, (length + sound.size) / phone_audio.RATE))
        else:
            voice, words_a_minute = VOICES[business][0 if who == "a" else 1]
            sound = speak(what, voice, int(words_a_minute * pace))
        sound = np.concatenate([sound, np.zeros(int(PAUSE_SECONDS / pace * phone_audio.RATE))])
        silence = np.zeros(sound.size)
        caller.append(sound if who == "c" else silence)
        agent.append(silence if who == "c" else sound)
        length += sound.size
    return np.column_stack([np.concatenate(caller), np.concatenate(agent)]), holds


def write(path: Path, samples: phone_audio.Samples) -> float:
    """Write 16-bit samples, a column a channel; seconds."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(phone_audio.RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return len(samples) / phone_audio.RATE


def main() -> int:
    """Speak everything."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    script: dict[str, list[dict[str, Any]]] = tomllib.loads(TALKS.read_text(encoding="utf-8"))
    index: list[dict[str, Any]] = []
    for (kind, talks), pace in itertools.product(script.items(), PACES):
        for number, talk in enumerate(talks):
            path = folder / f"{kind}-{number}-{pace}.wav"
            holds: list[tuple[float, float]] = []
            if kind == "voicemail":
                voice, words_a_minute = VOICES[talk["business"]][number % 2]
                samples = speak(talk["text"], voice, int(words_a_minute * pace))
            else:
                samples, holds = converse(talk["lines"], talk["business"], pace)
            if kind == "callback":  # the agent began the call: left is whoever began it
                samples = samples[:, ::-1]
            index.append({**talk, "kind": kind, "file": path.name, "seconds": write(path, samples), "holds": holds})
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
