"""The demo's sound archive: picks what is said in a call and puts the sound where the recorder would have."""

import json
import os
import random
import shutil
import subprocess
import sys
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RATE = 8000


@dataclass(frozen=True)
class Talk:
    """One thing that is said, and what an agent writes down or books of it."""

    kind: str  # talk, callback, voicemail
    business: str
    file: str
    seconds: float
    holds: list[list[float]]  # from, to
    weight: float = 1.0
    by: str = ""  # who alone says it
    message: dict[str, str] = field(default_factory=dict)
    appointment: dict[str, Any] = field(default_factory=dict)  # what is booked: service, weekday, hour; or cancel
    lines: list[str] = field(default_factory=list)
    text: str = ""


class Studio:
    """Every sound of the demo, spoken once, then linked into each recording that holds it."""

    def __init__(self, folder: Path, luck: random.Random) -> None:
        self._folder = folder
        self._luck = luck
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self._talks = [Talk(**entry) for entry in index]

    def choose(self, kind: str, business_id: str, who: str = "") -> Talk:
        """Something that person could say in such a call."""
        possible = [talk for talk in self._talks if talk.kind == kind and talk.business == business_id]
        fitting = [talk for talk in possible if talk.by and talk.by == who] or [t for t in possible if not t.by]
        return self._luck.choices(fitting, [talk.weight for talk in fitting])[0]

    def write(self, path: Path, seconds: float, channels: int) -> None:
        """Put the sound of that length there: the simulated switch's recorder."""
        fitting = [talk for talk in self._talks if (talk.kind == "voicemail") == (channels == 1)]
        nearest = min(fitting, key=lambda talk: abs(talk.seconds - seconds))
        source = self._folder / nearest.file
        if abs(nearest.seconds - seconds) < 0.001:
            try:
                os.link(source, path)
            except OSError:  # a file system without hard links
                shutil.copyfile(source, path)
            return
        # a call that went another way than it was spoken: as much of a longer talk, then silence
        longer = min((t for t in fitting if t.seconds >= seconds), key=lambda t: t.seconds, default=nearest)
        with wave.open(str(self._folder / longer.file), "rb") as sound:
            frames = sound.readframes(int(seconds * RATE))
        whole = int(seconds * RATE) * 2 * channels
        with wave.open(str(path), "wb") as file:
            file.setparams((channels, 2, RATE, 0, "NONE", ""))
            file.writeframes(frames.ljust(whole, b"\0"))


def speak_everything(folder: Path) -> None:
    """Have every talk spoken into the folder, in a process of its own. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "appliance.demo.sounds", str(folder)], check=True)
