"""The beat all legs share: no drift, no bursts, and one leg's fault is its own."""

import asyncio
import time
import wave
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.switch.builtin.media.sounds import SoundCache
from appliance.switch.builtin.media.ticker import Ticker
from tests.appliance.switch.builtin.media.stage import Stage, tone, until, write_wav


class Counter:
    """Something driven."""

    def __init__(self) -> None:
        self.beats: list[float] = []
        self.skips = 0

    def beat(self, now: float, *, skipped: bool) -> None:
        self.beats.append(now)
        self.skips += skipped


class Faulty(Counter):
    def beat(self, now: float, *, skipped: bool) -> None:
        raise RuntimeError("broken")


class SlowLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until told, and which runs a timer when it likes."""

    now = 1000.0
    due: tuple[float, Callable[[], None]] | None = None

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        self.due = (when, lambda: callback(*args))
        return object()

    def run_late(self, late: float) -> None:
        """Let the timer that is due run so many seconds too late."""
        assert self.due
        (when, callback), self.due = self.due, None
        self.now = max(self.now, when) + late
        callback()


@pytest.fixture
def slow() -> Iterator[SlowLoop]:
    loop = SlowLoop()
    yield loop
    loop.close()


def test_the_beat_does_not_drift_though_every_beat_is_late(slow: SlowLoop) -> None:
    ticker, counter = Ticker(slow), Counter()
    ticker.add(counter)
    for _ in range(500):
        slow.run_late(0.009)
    assert len(counter.beats) == 500
    assert counter.beats[-1] - counter.beats[0] == pytest.approx(499 * 0.02)


def test_a_short_stall_is_made_up_for(slow: SlowLoop) -> None:
    ticker, counter = Ticker(slow), Counter()
    ticker.add(counter)
    slow.run_late(0.0)
    slow.run_late(0.045)
    assert len(counter.beats) == 4
    slow.run_late(0.0)
    assert counter.beats[-1] - counter.beats[0] == pytest.approx(0.08)
    assert not counter.skips


def test_a_long_stall_is_left_out_without_a_burst(slow: SlowLoop) -> None:
    ticker, counter = Ticker(slow), Counter()
    ticker.add(counter)
    slow.run_late(0.0)
    slow.run_late(1.0)
    assert len(counter.beats) == 4
    assert counter.skips == 1
    before = counter.beats[-1]
    slow.run_late(0.0)
    assert len(counter.beats) == 5
    assert 0 < counter.beats[-1] - before <= 0.021


def test_the_ticker_rests_when_nothing_is_driven(slow: SlowLoop) -> None:
    ticker, counter = Ticker(slow), Counter()
    ticker.add(counter)
    ticker.remove(counter)
    slow.run_late(0.0)
    assert slow.due is None
    assert not counter.beats
    ticker.add(counter)
    slow.run_late(0.0)
    assert counter.beats


def test_a_fault_of_one_leg_leaves_the_others_their_sound(caplog) -> None:
    async def scene() -> None:
        ticker, counter = Ticker(), Counter()
        ticker.add(Faulty())
        ticker.add(counter)
        await until(lambda: len(counter.beats) >= 3)
        ticker.remove(counter)

    asyncio.run(scene())
    assert caplog.text.count("RuntimeError: broken") == 1


def test_after_a_stall_the_stream_jumps_forward_with_a_marker(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 0.6))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        playing = asyncio.ensure_future(leg.play([prompt]))
        await until(lambda: len(phone.heard) >= 10)
        time.sleep(0.4)  # noqa: ASYNC251
        await playing
        await until(lambda: len(phone.heard) == 30)
        jumps = [
            (b.timestamp - a.timestamp, b.marker)
            for a, b in zip(phone.heard, phone.heard[1:], strict=False)
            if (b.timestamp - a.timestamp) & 0xFFFFFFFF != 160
        ]
        assert jumps
        assert jumps[0][0] & 0xFFFFFFFF > 2400
        assert jumps[0][1]

    run(scene)


def test_music_has_no_gap_where_it_begins_again(run, tmp_path) -> None:
    music = write_wav(tmp_path / "music.wav", tone(400, 0.25))  # 100 periods of 20 samples; 12.5 frames

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        leg.start_music(music)
        await until(lambda: len(phone.heard) >= 40)
        leg.stop_music()
        loop = b"".join(packet.payload for packet in phone.heard)
        assert loop[2000:4000] == loop[:2000]

    run(scene)


def test_sounds_are_kept_while_there_is_room_and_loaded_anew_when_changed(tmp_path) -> None:
    async def scene() -> None:
        cache = SoundCache(most_bytes=5000)
        path = write_wav(tmp_path / "a.wav", tone(440, 0.25))
        first = await cache.get(path)
        assert len(first) == 2000
        assert await cache.get(path) is first
        for name in "bcd":
            await cache.get(write_wav(tmp_path / f"{name}.wav", tone(440, 0.25)))
        assert await cache.get(path) is not first
        write_wav(path, tone(440, 0.1))
        assert len(await cache.get(path)) == 800
        big = await cache.get(write_wav(tmp_path / "big.wav", tone(440, 1.0)))
        assert len(big) == 8000

    asyncio.run(scene())


def test_loading_a_long_sound_does_not_hold_the_loop(tmp_path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * 300))

    async def scene() -> None:
        cache, longest = SoundCache(), 0.0
        loading = asyncio.ensure_future(cache.get(path))
        while not loading.done():
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)
        assert longest < 0.05
        assert len(await loading) == 2_400_000

    asyncio.run(scene())
