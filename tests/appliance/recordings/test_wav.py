"""A recording that a crash cut off is made playable to its last sample."""

import struct
import wave

import pytest

from appliance.recordings.wav import repair


def header(size: int, channels: int = 2) -> bytes:
    return (
        b"RIFF" + struct.pack("<I", size + 36 if size else 8) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, 8000, 16000 * channels, 2 * channels, 16)
        + b"data" + struct.pack("<I", size)
    )  # fmt: skip


@pytest.mark.parametrize("declared", [0, 100, 10**9])
def test_sizes_are_made_to_match_the_sound(tmp_path, declared):
    path = tmp_path / "cut.wav"
    path.write_bytes(header(declared) + b"\x01\x00\x02\x00" * 8000 + b"\x01")  # and half a frame
    sound = repair(path)
    assert sound is not None
    assert (sound.seconds, sound.channels) == (1.0, 2)
    with wave.open(str(path)) as file:
        assert file.getnframes() == 8000
        assert file.readframes(1) == b"\x01\x00\x02\x00"
    assert repair(path) == sound


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a wav file" * 10, header(0)])
def test_a_file_without_sound_is_said_to_have_none(tmp_path, content):
    path = tmp_path / "cut.wav"
    path.write_bytes(content)
    assert repair(path) is None


def test_a_file_that_is_gone_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        repair(tmp_path / "gone.wav")
