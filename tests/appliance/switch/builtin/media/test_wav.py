"""Files left by a crash are made whole, and whole files left alone."""

import struct
from pathlib import Path

import pytest

from appliance.switch.builtin.media import repair, wav
from tests.appliance.switch.builtin.media.stage import channels_of, tone, write_wav


def test_sizes_are_taken_from_the_length_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    sound = tone(500, 1.0)
    path.write_bytes(wav.header(1, 800) + sound)
    mended = repair(path)
    assert mended is not None
    assert (mended.seconds, mended.channels, mended.path) == (1.0, 1, path)
    assert channels_of(path) == [sound]


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF - 44, 1_000_000])
def test_any_wrong_size_is_mended(tmp_path: Path, declared: int) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav.header(2, declared) + bytes(3202))
    mended = repair(path)
    assert mended is not None
    assert mended.seconds == 0.1
    assert [len(channel) for channel in channels_of(path)] == [1600, 1600]
    assert path.stat().st_size == 44 + 3200


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"no sound at all" * 9, wav.header(2, 0), wav.header(2, 0) + b"\1\2"]
)
def test_a_file_without_audio_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    assert repair(path) is None


def test_a_whole_file_stays_as_it_is(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "call.wav", tone(500, 0.5))
    before = path.read_bytes()
    assert repair(path) is not None
    assert path.read_bytes() == before


def test_notes_behind_the_audio_are_no_audio(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "call.wav", tone(500, 0.5))
    note = b"LIST" + struct.pack("<I", 12) + b"INFOISFT" + bytes(4)
    before = path.read_bytes() + note
    path.write_bytes(before)
    mended = repair(path)
    assert mended is not None
    assert mended.seconds == 0.5
    assert path.read_bytes() == before


def test_a_file_of_another_engine_with_more_in_its_header_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    plain = wav.header(2, 0)
    path.write_bytes(plain[:36] + b"LIST" + struct.pack("<I", 4) + b"INFO" + plain[36:] + bytes(6400))
    mended = repair(path)
    assert mended is not None
    assert mended.seconds == 0.2
    assert [len(channel) for channel in channels_of(path)] == [3200, 3200]


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        repair(tmp_path / "absent.wav")


@pytest.mark.parametrize(("channels", "rate"), [(2, 8000), (1, 16000)])
def test_a_sound_of_another_form_is_refused(tmp_path: Path, channels: int, rate: int) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(wav.header(channels, 320, rate) + bytes(320))
    with pytest.raises(wav.NotSound):
        wav.read_samples(path)


def test_a_sound_is_read_whole(tmp_path: Path) -> None:
    sound = tone(500, 0.5)
    assert wav.read_samples(write_wav(tmp_path / "sound.wav", sound)) == sound
