"""Recordings on disk: valid at every moment, in step, and harmless to others when the disk refuses."""

import asyncio
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.switch.builtin.media import RecorderThread, g711, repair
from appliance.switch.builtin.media.recording_file import Recording
from appliance.switch.port import RecordedSound
from tests.appliance.switch.builtin.media.stage import channels_of, power, tone


def feed(recording: Recording, channel: int, samples: bytes, *, start: float = 0.0, timestamp: int = 0) -> None:
    """Packets as if they had come on time from ``start`` seconds into the recording."""
    encoded = g711.encode_ulaw(samples)
    for index, at in enumerate(range(0, len(encoded), 160)):
        came = recording.started + start + index * 0.02
        recording.feeds[channel].append((came, timestamp + at, index == 0, "PCMU", encoded[at : at + 160]))


def until_on_disk(path: Path, size: int) -> None:
    """Wait until the file has grown."""
    deadline = time.monotonic() + 10
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(recording: Recording, seconds: float) -> RecordedSound | None:
    """End it as if so many seconds had passed."""
    recording._thread.end(recording, recording.started + seconds)
    return recording.done.result(5)


def test_both_channels_start_at_the_same_moment_and_gaps_are_silence(recorder, tmp_path: Path) -> None:
    recording = recorder.record(tmp_path / "call.wav", 2)
    feed(recording, 0, tone(500, 0.2))
    feed(recording, 1, tone(700, 0.2), start=0.5, timestamp=99)
    sound = finished(recording, 1.0)
    assert sound == RecordedSound(tmp_path / "call.wav", 1.0, 2)
    left, right = channels_of(tmp_path / "call.wav")
    assert power(left[:3200], 500) > 0.98
    assert not any(left[3200:])
    assert not any(right[: 2 * 4000])
    assert power(right[2 * 4000 : 2 * 5600], 700) > 0.98
    assert not any(right[2 * 5600 :])


def test_a_packet_up_to_two_seconds_late_still_gets_its_place(recorder, tmp_path: Path) -> None:
    recording = recorder.record(tmp_path / "call.wav", 1)
    sound = tone(500, 0.4)
    encoded = g711.encode_ulaw(sound)
    frames = [(at, encoded[at : at + 160]) for at in range(0, 3200, 160)]
    late = frames.pop(5)
    for at, payload in frames:
        recording.feeds[0].append((recording.started + at / 8000, at, at == 0, "PCMU", payload))
    until_on_disk(tmp_path / "call.wav", 44 + 6400)
    recording.feeds[0].append((recording.started + 1.0, late[0], False, "PCMU", late[1]))
    finished(recording, 1.0)
    (samples,) = channels_of(tmp_path / "call.wav")
    assert samples[:6400] == g711.decode(encoded, "PCMU")


def test_a_recording_nobody_speaks_in_is_silence_of_its_length(recorder, tmp_path: Path) -> None:
    sound = finished(recorder.record(tmp_path / "call.wav", 2), 0.7)
    assert sound is not None
    assert sound.seconds == pytest.approx(0.7, abs=0.001)


def test_the_file_is_a_whole_wav_at_every_moment(recorder, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recording = recorder.record(path, 2)
    until_on_disk(path, 44)
    seen = set()
    deadline = time.monotonic() + 20
    while len(seen) < 5 and time.monotonic() < deadline:
        seen.add(len(channels_of(path)[0]))
        time.sleep(0.01)
    assert len(seen) == 5
    recording._thread.end(recording, time.monotonic())
    recording.done.result(5)


def test_a_folder_that_does_not_exist_ends_one_recording_only(recorder, tmp_path: Path, caplog) -> None:
    told: list[Path] = []
    recorder.on_error = lambda path, error: told.append(path)
    lost = recorder.record(tmp_path / "nowhere" / "call.wav", 2)
    kept = recorder.record(tmp_path / "kept.wav", 1)
    feed(kept, 0, tone(500, 0.2))
    with caplog.at_level(logging.ERROR):
        assert finished(lost, 1.0) is None
    assert lost.failed
    assert told == [lost.path]
    assert finished(kept, 0.2) is not None


def test_stopping_the_thread_finishes_every_file(tmp_path: Path) -> None:
    recorder = RecorderThread()
    recordings = [recorder.record(tmp_path / f"{index}.wav", 2) for index in range(5)]
    time.sleep(0.1)
    recorder.stop()
    recorder.stop()
    for recording in recordings:
        assert recording.done.result(0) is not None
        assert len(channels_of(recording.path)) == 2


def test_a_finish_nobody_waits_for_any_more_is_a_finish_all_the_same(recorder, tmp_path: Path) -> None:
    recording = recorder.record(tmp_path / "call.wav", 1)

    async def impatient() -> None:
        waiting = asyncio.ensure_future(recording.finish())
        waiting.cancel()
        await asyncio.wait({waiting})

    asyncio.run(impatient())
    assert recording.done.result(5) is not None


_RECORDING_CHILD = """
import asyncio, sys, time
from pathlib import Path
from appliance.switch.builtin.media import PortPool, RecorderThread, RtpEndpoint, g711
from tests.appliance.switch.builtin.media.stage import Stage, tone

async def main():
    recorder = RecorderThread()
    stage = Stage(recorder)
    leg, caller = await stage.leg()
    agent_leg, agent = await stage.leg(ssrc=2)
    leg.connect(agent_leg)
    leg.start_recording(Path(sys.argv[1]))
    agent_leg._voicemail_task = asyncio.ensure_future(agent_leg.record_party(Path(sys.argv[2]), most_seconds=60))
    print(time.monotonic(), flush=True)
    await asyncio.gather(caller.speak(tone(500, 20)), agent.speak(tone(700, 20)))

asyncio.run(main())
"""


def kill_while_recording(call: Path, message: Path) -> float:
    """Kill -9 a process in the middle of two recordings; for how long it had recorded."""
    command = [sys.executable, "-c", _RECORDING_CHILD, str(call), str(message)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[5]) as child:
        assert child.stdout
        started = float(child.stdout.readline())
        time.sleep(2.2)
        child.send_signal(signal.SIGKILL)
        return time.monotonic() - started


def test_after_kill_9_the_file_plays_to_within_six_tenths_of_a_second(tmp_path: Path) -> None:
    call, message = tmp_path / "call.wav", tmp_path / "message.wav"
    missing: list[float] = []
    for _ in range(3):  # a machine so busy that a thread gets no turn for half a second may try again
        lasted = kill_while_recording(call, message)
        left, right = channels_of(call)
        (said,) = channels_of(message)
        missing.append(lasted - min(len(left), len(said)) / 16000)
        assert power(left[8000:], 500) > 0.8
        assert power(right[8000:], 700) > 0.8
        mended = repair(call)
        assert mended is not None
        assert mended.seconds >= len(left) / 16000
        if missing[-1] < 0.6:
            break
    assert missing[-1] < 0.6, missing


_FULL_CHILD = """
import resource, sys, time
from pathlib import Path
from appliance.switch.builtin.media import RecorderThread
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
told = []
recorder = RecorderThread(on_error=lambda path, error: told.append(path.name))
big = recorder.record(Path(sys.argv[1]) / "big.wav", 2)
deadline = time.monotonic() + 20
while not big.failed and time.monotonic() < deadline:
    time.sleep(0.02)
small = recorder.record(Path(sys.argv[1]) / "small.wav", 1) if len(sys.argv) > 2 else None
time.sleep(0.2)
recorder.end(big, time.monotonic())
sound = big.done.result(5)
rest = recorder.end(small, time.monotonic()) or small.done.result(5) if small else None
print(told, round(sound.seconds, 3), round(rest.seconds, 1) if rest else "-")
"""


def test_a_file_that_may_not_grow_ends_as_it_is_and_the_rest_goes_on(tmp_path: Path) -> None:
    limit = 44 + 16000 + 2  # half a second and half a frame
    command = [sys.executable, "-c", _FULL_CHILD, str(tmp_path), str(limit)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.split("]")[0] == "['big.wav'"
    assert "0.5 0.2" in answer.stdout
    left, right = channels_of(tmp_path / "big.wav")
    assert len(left) == len(right) == 8000


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tiny file system needs root")
def test_a_full_disk_ends_the_recording_as_it_is(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _FULL_CHILD, str(small)], capture_output=True, text=True, timeout=60, check=True
        )
        assert answer.stdout.startswith("['big.wav']")
        left, _ = channels_of(small / "big.wav")
        assert 8000 < len(left) <= 12288
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_memory_stays_bounded_when_the_disk_hangs(tmp_path: Path) -> None:
    recorder = RecorderThread()
    recording = Recording(recorder, tmp_path / "call.wav", 1)  # no thread takes anything
    for index in range(100_000):
        recording.feeds[0].append((0.0, index, False, "PCMU", b""))
    assert len(recording.feeds[0]) == 3000


def test_ten_minutes_are_recorded_in_little_memory(recorder, tmp_path: Path) -> None:
    recording = recorder.record(tmp_path / "call.wav", 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sound = tone(500, 60)
    for minute in range(10):
        feed(recording, 0, sound, start=60.0 * minute, timestamp=480_000 * minute)
        deadline = time.monotonic() + 10
        while recording.feeds[0] and time.monotonic() < deadline:
            time.sleep(0.005)
    finished(recording, 600)
    assert (tmp_path / "call.wav").stat().st_size == 44 + 600 * 32000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
