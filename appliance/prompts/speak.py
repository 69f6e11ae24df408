"""Speak a text with espeak-ng: ``python -m appliance.prompts.speak OUT.wav`` with JSON on standard input.

A process of its own: the voice library crashes or leaks without harm to calls, and its memory ends with it.
Input: {"text", "voice", "words_a_minute"}. Output: {"seconds"} on standard output; the exit status is 0, or 3 when the
text holds nothing that can be spoken.
"""

import contextlib
import ctypes
import json
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import numpy as np

from appliance.prompts import phone_audio

NOTHING_TO_SAY = 3
_AUDIO_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_RATE_PARAMETER = 1
_LONGEST_DATA_PATH = 120  # espeak-ng keeps it in a buffer of 160
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class VoiceFailed(Exception):
    """The voice library refused."""


def speakable(text: str, most: int = 1000) -> str:
    """The text without control characters, marks of direction and pictures, cut at a word to ``most`` characters."""
    cleaned = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn", "So", "Sk", "Zl", "Zp"} or c in "[]<>{}|\\^`" else c
        for c in unicodedata.normalize("NFC", text)
        if unicodedata.category(c) != "Cf" or c == "\u200c"  # the Persian half-space joins and parts letters
    )
    cleaned = " ".join(cleaned.split())
    if len(cleaned) > most:
        cleaned = cleaned[:most].rsplit(" ", 1)[0] if " " in cleaned[:most] else cleaned[:most]
    return cleaned if any(c.isalnum() for c in cleaned) else ""


@contextlib.contextmanager
def _data_folder() -> Iterator[str]:
    path = espeakng_loader.get_data_path()
    if len(path.encode()) <= _LONGEST_DATA_PATH:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="voice-", dir="/tmp") as folder:
        link = Path(folder) / "espeak-ng-data"
        link.symlink_to(path)
        yield str(link)


def synthesise(text: str, voice: str, words_a_minute: int) -> tuple[phone_audio.Samples, int]:
    """The speech as samples between -1 and 1, and their rate. Raises VoiceFailed."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    chunks: list[bytes] = []

    def take(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = _CALLBACK(take)
    with _data_folder() as folder:
        rate = library.espeak_Initialize(_AUDIO_SYNCHRONOUS, 0, folder.encode(), _DO_NOT_EXIT)
        if rate <= 0:
            raise VoiceFailed("espeak_Initialize")
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise VoiceFailed(f"no voice {voice}")
        library.espeak_SetParameter(_RATE_PARAMETER, words_a_minute, 0)
        encoded = text.encode() + b"\0"
        # neither SSML (0x10) nor phoneme (0x100) mode: what stands in the text is only ever read aloud
        if library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _UTF8, None, None) != 0:
            raise VoiceFailed("espeak_Synth")
        library.espeak_Synchronize()
        library.espeak_Terminate()
    pcm = np.frombuffer(b"".join(chunks), dtype=np.int16)
    return pcm.astype(np.float64) / 32768, int(rate)


def main() -> int:
    """Read the order, write the sound."""
    order = json.loads(sys.stdin.buffer.read())
    text = speakable(str(order["text"]))
    if not text:
        return NOTHING_TO_SAY
    samples, rate = synthesise(text, str(order["voice"]), int(order["words_a_minute"]))
    sound = phone_audio.band_limit(phone_audio.to_phone_rate(samples, rate))
    if phone_audio.speech_rms(sound) < 1e-4:
        return NOTHING_TO_SAY
    seconds = phone_audio.write_wav(Path(sys.argv[1]), phone_audio.trim(phone_audio.level(sound)))
    sys.stdout.write(json.dumps({"seconds": round(seconds, 3)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
