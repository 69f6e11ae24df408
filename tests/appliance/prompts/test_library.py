"""The library: what callers hear is speech at a phone's level, and there is always something to play."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from appliance.config import Settings
from appliance.prompts import catalogue, library, service
from appliance.prompts.library import RINGBACK, TONE, PromptLibrary
from appliance.prompts.models import PreparedSound
from appliance.store import Store, transaction

Run = Callable[..., Any]


@pytest.mark.parametrize("language", ["en", "fa", "ru", "ms"])
def test_every_prompt_is_speech_of_plausible_length_and_level(
    settings: Settings, run: Run, measured: Callable[[Path], Any], language: str
) -> None:
    async def story() -> dict[str, Path]:
        prompts = PromptLibrary(settings)
        return {name: await prompts.sound(name, language, business_name="Nasim") for name in catalogue.PROMPTS}

    for name, path in run(story()).items():
        text = catalogue.standard_text(name, language, "Nasim")
        assert path != TONE, name
        m = measured(path)
        assert 0.035 < m.seconds / len(text) < 0.145, (name, m)
        assert -17.5 < m.speech_dbfs < -14.5, (name, m)
        assert m.peak < 0.92, (name, m)
        assert 0.08 < m.lead_in_seconds < 0.25, (name, m)
        assert m.heard_share > 0.5, (name, m)
        assert m.low_share < 0.02, (name, m)


def test_second_request_comes_from_the_cache_also_after_a_restart(settings: Settings, run: Run) -> None:
    first = run(PromptLibrary(settings).sound("goodbye", "en"))
    made_at = first.stat().st_mtime_ns
    again = run(PromptLibrary(settings).sound("goodbye", "en"))
    assert again == first
    assert again.stat().st_mtime_ns == made_at


def test_ten_callers_who_want_the_same_sound_share_one_making(
    settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = 0
    real = library._run_child

    async def counted(*args: Any) -> str:
        nonlocal children
        children += 1
        return await real(*args)

    monkeypatch.setattr(library, "_run_child", counted)

    async def story() -> list[Path]:
        prompts = PromptLibrary(settings)
        return await asyncio.gather(*(prompts.sound("closed", "en", business_name="Nasim") for _ in range(10)))

    assert len(set(run(story()))) == 1
    assert children == 1


def test_caller_who_hangs_up_does_not_spoil_the_sound_for_others(settings: Settings, run: Run) -> None:
    async def story() -> Path:
        prompts = PromptLibrary(settings)
        gone = asyncio.create_task(prompts.sound("goodbye", "en"))
        stays = asyncio.create_task(prompts.sound("goodbye", "en"))
        await asyncio.sleep(0.02)
        gone.cancel()
        return await stays

    assert run(story()) != TONE


def test_loop_is_free_while_sounds_are_made(settings: Settings, run: Run) -> None:
    async def story() -> float:
        prompts = PromptLibrary(settings)
        making = asyncio.create_task(prompts.music())
        longest = 0.0
        while not making.done():
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)
        return longest

    assert run(story()) < 0.2


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "слово " * 2_000,
        "[[h@'loU]] hello [[",
        '<speak><voice name="x">hi</voice></speak>',
        "-v evil --ipa hello",
        "; rm -rf / $(touch x) `id` \\ ' \"",
        "hello\x00there\x01s500p\x1b[31m\x07",
        "\u202ehello\u202c \u200f\u200b",
        "سلام hello привет 你好 مرحبا",
        "\ud800 broken surrogate",
        "👩‍👩‍👧‍👦 hello 🎉🎉🎉",
        "1" * 500,
        "e\u0301" * 300,
    ],
)
def test_hostile_text_is_read_aloud_or_replaced_and_harms_nothing(
    settings: Settings, run: Run, measured: Callable[[Path], Any], text: str
) -> None:
    path = run(PromptLibrary(settings).sound("greeting", "en", business_name="Nasim", text=text))
    assert path != TONE
    m = measured(path)
    assert 0.3 < m.seconds < 300
    assert m.peak < 0.92


@pytest.mark.parametrize("text", ["", "   \n", "🎉🎊", "!!! ...", "\x00\x01", "\u202e"])
def test_text_with_nothing_to_say_gives_the_standard_greeting(settings: Settings, run: Run, text: str) -> None:
    async def story() -> tuple[Path, Path]:
        prompts = PromptLibrary(settings)
        return (
            await prompts.sound("greeting", "en", business_name="Nasim", text=text),
            await prompts.sound("greeting", "en", business_name="Nasim"),
        )

    spoken, standard = run(story())
    assert spoken == standard != TONE


def test_unknown_prompt_is_the_tone(settings: Settings, run: Run) -> None:
    assert run(PromptLibrary(settings).sound("no-such", "en")) == TONE


def test_child_that_hangs_is_ended_and_callers_hear_the_tone(
    settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    sleeper = tmp_path / "python"
    sleeper.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 60\n")
    sleeper.chmod(sleeper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    monkeypatch.setattr(library, "SPEAK_SECONDS", 0.5)

    async def story() -> tuple[Path, float]:
        prompts = PromptLibrary(settings)
        path = await prompts.sound("goodbye", "en")
        before = time.perf_counter()
        await prompts.sound("goodbye", "en")
        return path, time.perf_counter() - before

    path, second_seconds = run(story())
    assert path == TONE
    assert second_seconds < 0.3, "after a failure nobody waits again at once"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_caller_does_not_wait_for_a_slow_voice_and_the_next_one_hears_it(
    settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, may_go_on = library._run_child, asyncio.Event()

    async def slow(*args: Any) -> str:
        await may_go_on.wait()
        return await real(*args)

    monkeypatch.setattr(library, "_run_child", slow)

    async def story() -> tuple[Path, Path, Path]:
        prompts = PromptLibrary(settings)
        first = await prompts.sound("goodbye", "en", patience=0.05)
        music = await prompts.music(patience=0.05)
        may_go_on.set()
        second = await prompts.sound("goodbye", "en")
        await prompts.close()
        return first, music, second

    first, music, second = run(story())
    assert (first, music) == (TONE, RINGBACK)
    assert second != TONE


def test_voice_installed_in_a_very_long_path_still_speaks(tmp_path: Path) -> None:
    import subprocess

    import espeakng_loader

    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
    script = (
        "import espeakng_loader, sys\n"
        f"espeakng_loader.get_data_path = lambda: {str(deep / 'espeak-ng-data')!r}\n"
        "from appliance.prompts import speak\n"
        "samples, rate = speak.synthesise('Hello there', 'gmw/en-US', 150)\n"
        "sys.exit(0 if samples.size > rate / 3 else 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0


def test_without_a_writable_folder_there_is_still_a_tone_and_ringing(
    settings: Settings, run: Run, measured: Callable[[Path], Any]
) -> None:
    settings.home.mkdir()
    settings.prompts.write_text("a file where the folder should be")

    async def story() -> tuple[Path, Path]:
        prompts = PromptLibrary(settings)
        return await prompts.sound("goodbye", "en"), await prompts.music()

    assert run(story()) == (TONE, RINGBACK)
    assert measured(TONE).peak < 0.4
    assert 3 < measured(RINGBACK).seconds < 6


def test_half_made_file_of_a_crash_is_never_played(settings: Settings, run: Run) -> None:
    path = run(PromptLibrary(settings).sound("goodbye", "en"))
    path.write_bytes(path.read_bytes()[:20])
    again = run(PromptLibrary(settings).sound("goodbye", "en"))
    assert again == path
    assert again.stat().st_size > 1000
    assert not list(path.parent.glob(".*"))


def test_own_sound_of_the_business_wins_over_the_offices_and_over_text(
    settings: Settings, db: Database, run: Run
) -> None:
    own = settings.prompts / "own"
    own.mkdir(parents=True)
    for name in ("business", "office"):
        (own / f"{name}.wav").write_bytes(TONE.read_bytes())
    with transaction(db):
        for business_id, name in (("bakery", "business"), ("", "office")):
            service.save(
                db,
                settings,
                business_id=business_id,
                prompt="greeting",
                language="en",
                sound=PreparedSound(f"own/{name}.wav", 0.5),
                source="upload",
            )
    store = Store(settings.database)

    async def story() -> list[str]:
        prompts = PromptLibrary(settings, store)
        bakery = await prompts.sound("greeting", "en", business_id="bakery", text="Hello")
        florist = await prompts.sound("greeting", "en", business_id="florist")
        (own / "business.wav").unlink()
        spoken = await prompts.sound("greeting", "en", business_id="bakery", text="Hello")
        return [bakery.name, florist.name, spoken.parent.name]

    assert run(story()) == ["business.wav", "office.wav", "spoken"]
    store.close()


def test_recording_made_over_the_phone_becomes_the_greeting(
    settings: Settings, db: Database, run: Run, measured: Callable[[Path], Any]
) -> None:
    store = Store(settings.database)

    async def story() -> Path:
        prompts = PromptLibrary(settings, store)
        said = await prompts.sound("your_phone_works", "en")
        own = await prompts.save_phone_recording("bakery", "greeting", "en", said)
        assert own.source == "phone"
        return await prompts.sound("greeting", "en", business_id="bakery", text="Hello")

    path = run(story())
    assert path.parent.name == "own"
    assert measured(path).seconds > 2
    store.close()


def test_warming_makes_all_a_business_needs(settings: Settings, run: Run) -> None:
    wanted = library.wanted_by_business("bakery", "Nasim", "ms", "Selamat datang ke Nasim.")

    async def story() -> float:
        prompts = PromptLibrary(settings)
        await prompts.warm([*wanted, *library.wanted_by_office("en")])
        before = time.perf_counter()
        for one in wanted:
            path = await prompts.sound(one.prompt, one.language, business_name=one.business_name, text=one.text)
            assert path != TONE
        await prompts.close()
        return time.perf_counter() - before

    assert run(story()) < 0.2
    assert (settings.prompts / "spoken" / f"music-{library.VERSION}.wav").is_file()


def test_music_is_a_quiet_loop_without_a_seam(settings: Settings, run: Run, measured: Callable[[Path], Any]) -> None:
    import numpy as np
    import soundfile

    path = run(PromptLibrary(settings).music())
    m = measured(path)
    assert 60 <= m.seconds <= 90
    assert m.peak < 0.5
    samples, _rate = soundfile.read(path)
    assert -25 < 10 * np.log10(np.mean(samples**2)) < -21
    steps = np.abs(np.diff(np.concatenate([samples, samples[:1]])))
    assert steps[-1] <= np.percentile(steps, 99)
    quietest = min(np.mean(part**2) for part in np.split(samples[: 8000 * 70], 70))
    assert 10 * np.log10(quietest) > -32, "no second of silence"
