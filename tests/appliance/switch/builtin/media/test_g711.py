"""The tables of G.711 against the definition (aiortp's, written apart) and each other."""

import struct

from aiortp.codecs.g711 import PcmaCodec, PcmuCodec
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.media import g711
from tests.appliance.switch.builtin.media.stage import tone

ALL = bytes(range(256))
samples = st.lists(st.integers(-32768, 32767), max_size=400).map(
    lambda values: struct.pack(f"<{len(values)}h", *values)
)


def test_every_byte_decodes_as_the_standard_says() -> None:
    assert g711.decode(ALL, "PCMU") == PcmuCodec().decode(ALL)
    ours, theirs = (struct.unpack("<256h", raw) for raw in (g711.decode(ALL, "PCMA"), PcmaCodec().decode(ALL)))
    assert [-value for value in ours] == list(theirs)  # aiortp 0.8 has the sign of A-law upside down


def test_a_set_sign_bit_is_positive_in_a_law() -> None:
    """ITU-T G.711 table 1a: the character signal of positive values begins with 1."""
    for byte, value in ((0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0x80, 5504), (0x00, -5504)):
        assert g711.decode(bytes([byte]), "PCMA") == struct.pack("<h", value)


@given(samples)
def test_encoding_agrees_with_another_encoder(pcm: bytes) -> None:
    ours, theirs = g711.encode_ulaw(pcm), PcmuCodec().encode(pcm)
    same = [a == b for a, b in zip(ours, theirs, strict=True)]
    for at, equal in enumerate(same):
        if not equal:  # on the border of two steps either is as near
            (sample,) = struct.unpack_from("<h", pcm, 2 * at)
            errors = [
                abs(sample - struct.unpack("<h", g711.decode(code[at : at + 1], "PCMU"))[0]) for code in (ours, theirs)
            ]
            assert errors[0] <= errors[1]


def test_decoding_and_encoding_gives_every_byte_back() -> None:
    back = g711.encode_ulaw(g711.decode(ALL, "PCMU"))
    assert [byte for byte in ALL if back[byte] != byte] == [0x7F]  # minus zero


def test_a_law_goes_to_mu_law_by_way_of_its_value() -> None:
    assert g711.encode_ulaw(g711.decode(ALL, "PCMA")) == g711.ULAW_FROM_ALAW


def test_mu_law_goes_to_a_law_within_one_step() -> None:
    there = g711.decode(ALL.translate(g711.ALAW_FROM_ULAW), "PCMA")
    for mu, law in zip(struct.unpack("<256h", g711.decode(ALL, "PCMU")), struct.unpack("<256h", there), strict=True):
        assert abs(mu - law) <= max(16, abs(mu) / 16)


def test_silence_is_silence_in_both_laws() -> None:
    assert g711.decode(g711.SILENCE["PCMU"], "PCMU") == b"\0\0"
    assert g711.SILENCE["PCMU"].translate(g711.ALAW_FROM_ULAW) == g711.SILENCE["PCMA"]
    assert abs(struct.unpack("<h", g711.decode(g711.SILENCE["PCMA"], "PCMA"))[0]) <= 8


def test_no_table_between_equal_laws() -> None:
    assert g711.transcoder("PCMA", "PCMA") is None
    assert g711.transcoder("PCMA", "PCMU") == g711.ULAW_FROM_ALAW


def test_loudness_tells_speech_from_line_noise() -> None:
    speech, noise = g711.encode_ulaw(tone(300, 0.02, 4000)), g711.encode_ulaw(tone(300, 0.02, 60))
    assert g711.loudness(speech, "PCMU") > 1000
    assert g711.loudness(noise, "PCMU") < 60
    assert g711.loudness(b"", "PCMU") == 0
