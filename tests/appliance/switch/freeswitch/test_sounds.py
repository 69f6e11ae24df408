"""Files FreeSWITCH left unfinished become whole."""

import asyncio
import wave

from appliance.switch.freeswitch.sounds import is_anything_said, left_by_the_party, mend


def unfinished(path, channels, seconds):
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * channels * 8000 * seconds))
    data = bytearray(path.read_bytes())
    data[4:8], data[40:44] = (8).to_bytes(4, "little"), bytes(4)  # as a killed FreeSWITCH leaves them
    path.write_bytes(data)


def test_recording_of_a_killed_freeswitch_is_playable_to_its_last_second(tmp_path):
    path = tmp_path / "call.wav"
    unfinished(path, 2, 3)

    assert mend(path, 2) == 3.0
    with wave.open(str(path)) as sound:
        assert (sound.getnframes(), sound.getnchannels()) == (24000, 2)
    assert mend(path, 2) == 3.0


def test_file_that_was_never_written_is_no_sound(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")

    assert mend(tmp_path / "none.wav", 1) == 0.0
    assert mend(tmp_path / "empty.wav", 1) == 0.0


def spoken(path, *, magnitude):
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes((magnitude.to_bytes(2, "little") + (-magnitude).to_bytes(2, "little", signed=True)) * 4000)


def test_message_of_a_caller_who_says_nothing_is_ended_by_silence(tmp_path):
    spoken(tmp_path / "noise.wav", magnitude=40)
    spoken(tmp_path / "soft.wav", magnitude=300)

    assert not is_anything_said(tmp_path / "noise.wav")
    assert not is_anything_said(tmp_path / "none.wav")
    assert asyncio.run(left_by_the_party(tmp_path / "noise.wav")).ended_by == "silence"
    assert asyncio.run(left_by_the_party(tmp_path / "soft.wav")).ended_by == "caller"
