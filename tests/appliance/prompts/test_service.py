"""Uploads: what people send is checked, converted in a child and kept; what is no sound is refused with a reason."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlite_utils import Database

from appliance.config import Settings
from appliance.errors import Invalid, NotFound
from appliance.prompts import service
from appliance.prompts.errors import UnknownPrompt, UnusableSound
from appliance.store import transaction


def a_sound(
    format_: str = "WAV", *, seconds: float = 2.0, rate: int = 44100, channels: int = 2, gain: float = 0.05, **more: Any
) -> bytes:
    """A warbling tone, as a file of that format."""
    t = np.arange(int(seconds * rate)) / rate
    mono = gain * np.sin(2 * np.pi * 700 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    out = io.BytesIO()
    soundfile.write(out, np.stack([mono] * channels, axis=1), rate, format=format_, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("format_", "more"),
    [
        ("WAV", {}),
        ("WAV", {"subtype": "FLOAT"}),
        ("WAV", {"subtype": "ULAW", "rate": 8000, "channels": 1}),
        ("FLAC", {}),
        ("OGG", {}),
        ("OGG", {"subtype": "OPUS", "rate": 48000}),
        ("MP3", {}),
        ("AIFF", {"rate": 16000}),
    ],
)
def test_sound_of_any_usual_format_is_kept_for_the_phone(
    db: Database, settings: Settings, measured: Callable[[Path], Any], format_: str, more: dict[str, Any]
) -> None:
    own = service.upload(db, settings, "bakery", "greeting", "en", a_sound(format_, **more))
    m = measured(service.file_of(settings, own))
    assert 1.9 < m.seconds < 2.4
    assert abs(own.seconds - m.seconds) < 0.01
    assert -18 < m.speech_dbfs < -14, "a quiet sound is brought to the level of the others"
    assert service.own_sounds(db, "bakery") == [own]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "no sound"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "no sound"),
        (os.urandom(5000), "no sound"),
        (a_sound(seconds=0.0), "Nothing can be heard"),
        (a_sound(gain=0.0), "Nothing can be heard"),
        (a_sound("FLAC", seconds=301, rate=8000, channels=1), "longer than 5 minutes"),
        (b"\0" * (service.MAX_BYTES + 1), "larger than 10 MB"),
    ],
)
def test_what_is_no_usable_sound_is_refused_with_the_reason_and_leaves_nothing(
    db: Database, settings: Settings, data: bytes, says: str
) -> None:
    with pytest.raises(UnusableSound, match=says):
        service.upload(db, settings, "bakery", "greeting", "en", data)
    assert service.own_sounds(db, "bakery") == []
    assert list(settings.prompts.glob("**/*.wav")) == []


def test_truncated_file_is_kept_as_far_as_it_goes(db: Database, settings: Settings) -> None:
    whole = a_sound("WAV", rate=8000, channels=1)
    own = service.upload(db, settings, "", "closed", "fa", whole[: len(whole) // 2])
    assert 0.9 < own.seconds < 1.4


def test_loud_sound_is_not_clipped(db: Database, settings: Settings, measured: Callable[[Path], Any]) -> None:
    own = service.upload(db, settings, "", "closed", "fa", a_sound(gain=1.0))
    assert measured(service.file_of(settings, own)).peak < 0.92


def test_unknown_prompt_or_language_is_refused_before_any_work(db: Database, settings: Settings) -> None:
    with pytest.raises(UnknownPrompt):
        service.upload(db, settings, "", "../../etc", "en", a_sound())
    with pytest.raises(Invalid):
        service.upload(db, settings, "", "greeting", "../x", a_sound())
    assert not settings.prompts.exists()


def test_new_upload_replaces_the_old_and_removing_goes_back_to_the_text(db: Database, settings: Settings) -> None:
    first = service.upload(db, settings, "bakery", "greeting", "en", a_sound())
    second = service.upload(db, settings, "bakery", "greeting", "en", a_sound())
    assert service.own_sound(db, "bakery", "greeting", "en") == second
    assert service.file_of(settings, first).is_file(), "a call may be playing it"
    old = service.file_of(settings, first)
    os.utime(old, (1, 1))
    with transaction(db):
        service.remove(db, settings, "bakery", "greeting", "en")
    assert service.own_sound(db, "bakery", "greeting", "en") is None
    assert not old.exists()
    with transaction(db):
        service.remove(db, settings, "bakery", "greeting", "en")


def test_sound_of_one_business_is_not_heard_by_another(db: Database, settings: Settings) -> None:
    service.upload(db, settings, "bakery", "greeting", "en", a_sound())
    assert service.own_sound(db, "florist", "greeting", "en") is None
    assert service.own_sound(db, "bakery", "greeting", "fa") is None


def test_missing_file_is_told(db: Database, settings: Settings) -> None:
    own = service.upload(db, settings, "bakery", "greeting", "en", a_sound())
    service.file_of(settings, own).unlink()
    with pytest.raises(NotFound):
        service.file_of(settings, own)
