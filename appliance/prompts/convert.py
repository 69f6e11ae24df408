"""Turn an uploaded or recorded sound into a prompt: ``python -m appliance.prompts.convert IN OUT.wav``.

A process of its own with limits on memory and time, because the file is whatever somebody sent. Reads what libsndfile
reads: WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF and more. Prints {"seconds"}, or {"refused": reason} with status 4.
"""

import json
import resource
import sys
from pathlib import Path

import numpy as np
import soundfile

from appliance.prompts import phone_audio

LONGEST_SECONDS = 300.0
REFUSED = 4
_MEMORY_BYTES = 1 << 30
_BLOCK_SECONDS = 10


class Refused(Exception):
    """The sound cannot be used; the argument is one of no-sound, too-long, silent."""


def read(path: Path) -> tuple[phone_audio.Samples, int]:
    """The mono samples and their rate, at most five minutes. Raises Refused."""
    try:
        with soundfile.SoundFile(path) as sound:
            rate = int(sound.samplerate)
            if not 4000 <= rate <= 384_000 or sound.channels > 16:
                raise Refused("no-sound")
            blocks = []
            held = 0
            # the length in a header may lie: count what is really there
            for block in sound.blocks(blocksize=rate * _BLOCK_SECONDS, dtype="float32", always_2d=True):
                held += len(block)
                if held > rate * LONGEST_SECONDS:
                    raise Refused("too-long")
                blocks.append(block.mean(axis=1))
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError) as error:
        raise Refused("no-sound") from error
    if not blocks:
        raise Refused("silent")
    return np.nan_to_num(np.concatenate(blocks).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), rate


def convert(source: Path, target: Path) -> float:
    """Write the prompt; its seconds. Raises Refused."""
    samples, rate = read(source)
    sound = phone_audio.band_limit(phone_audio.to_phone_rate(np.clip(samples, -4, 4), rate))
    if phone_audio.speech_rms(sound) < 10 ** (-66 / 20):
        raise Refused("silent")
    return phone_audio.write_wav(target, phone_audio.trim(phone_audio.level(sound)))


def main() -> int:
    """Convert the file named by the arguments."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        answer: dict[str, object] = {"seconds": round(convert(Path(sys.argv[1]), Path(sys.argv[2])), 3)}
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(answer))
    return REFUSED if "refused" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
