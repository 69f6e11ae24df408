"""An office's folder and store for prompts, and a way to measure what was made."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlite_utils import Database

from appliance.config import Settings
from appliance.store import connect, migrate


@dataclass(frozen=True)
class Measured:
    """What a sound is like."""

    seconds: float
    peak: float
    speech_dbfs: float
    lead_in_seconds: float
    heard_share: float
    low_share: float


def measure(path: Path) -> Measured:
    """Measure a prompt, which must be a WAV of 8 kHz, mono, 16 bit."""
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype, info.format) == (8000, 1, "PCM_16", "WAV")
    samples, _rate = soundfile.read(path)
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160)
    power = np.mean(frames**2, axis=1)
    loud = power > power.max() * 1e-3
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / 8000)
    return Measured(
        seconds=samples.size / 8000,
        peak=float(np.abs(samples).max()),
        speech_dbfs=float(10 * np.log10(power[loud].mean() + 1e-12)),
        lead_in_seconds=float(np.argmax(np.abs(samples) > 0.02)) / 8000,
        heard_share=float(np.mean(power > 10 ** (-45 / 10))),
        low_share=float(spectrum[hz < 100].sum() / (spectrum.sum() + 1e-12)),
    )


@pytest.fixture
def measured() -> Callable[[Path], Measured]:
    return measure


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "office")


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    settings.home.mkdir()
    database = connect(settings.database)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return asyncio.run
