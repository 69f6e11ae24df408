"""Files FreeSWITCH left unfinished become whole."""

import wave

from appliance.switch.freeswitch.sounds import mend


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
