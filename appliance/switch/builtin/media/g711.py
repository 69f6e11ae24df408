"""G.711: tables, and what is done with them in bulk (never a Python loop a sample on the way of a call).

Owns: decoding, encoding, A-law to µ-law and back, loudness. Tables of our own rather than aiortp's: its module
brings numpy into the core, 16 MB an office on a Pi need not spend.
"""

import time
from collections.abc import Callable
from operator import itemgetter
from typing import Final, Literal

Codec = Literal["PCMU", "PCMA"]

SAMPLES_PER_SECOND: Final = 8000
FRAME: Final = 160  # samples, and bytes of G.711, in 20 ms
_BLOCK: Final = 2000  # samples encoded without letting another thread run: about 0.1 ms


def _ulaw_value(byte: int) -> int:
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 132 << ((byte >> 4) & 7)) - 132
    return -magnitude if byte & 0x80 else magnitude


def _alaw_value(byte: int) -> int:
    byte ^= 0x55
    segment, step = (byte >> 4) & 7, byte & 0x0F
    magnitude = (step << 4) + 8 if segment == 0 else (step << 4) + 264 << segment - 1
    return magnitude if byte & 0x80 else -magnitude


def _ulaw_code(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), 32635) + 132
    segment = biased.bit_length() - 8
    return ~(sign | segment << 4 | (biased >> segment + 3) & 0x0F) & 0xFF


def _alaw_code(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    steps = min(sample if sample >= 0 else ~sample, 32767) >> 4
    segment = max(0, steps.bit_length() - 4)
    step = steps & 0x0F if segment < 2 else steps >> segment - 1 & 0x0F
    return (sign | min(segment, 7) << 4 | step) ^ 0x55


def _encoder_table() -> bytes:
    # µ-law changes only at multiples of 4 (bias 132, steps of 8 and more): 4 samples share one look-up.
    rising = b"".join(bytes([_ulaw_code(sample)]) * 4 for sample in range(0, 32768, 4))
    falling = b"".join(bytes([_ulaw_code(sample)]) * 4 for sample in range(-32767, 0, 4))
    return rising + falling  # indexed by the sample read as an unsigned 16-bit number


_ULAW_VALUES = [_ulaw_value(byte) for byte in range(256)]
_ALAW_VALUES = [_alaw_value(byte) for byte in range(256)]
_TO_ULAW = _encoder_table()

ULAW_FROM_ALAW: Final = bytes(_ulaw_code(value) for value in _ALAW_VALUES)
ALAW_FROM_ULAW: Final = bytes(_alaw_code(value) for value in _ULAW_VALUES)
SILENCE: Final[dict[Codec, bytes]] = {"PCMU": b"\xff", "PCMA": b"\xd5"}


def _halves(values: list[int]) -> tuple[bytes, bytes]:
    raw = [value.to_bytes(2, "little", signed=True) for value in values]
    return bytes(pair[0] for pair in raw), bytes(pair[1] for pair in raw)


# Translate tables from a byte of G.711 to the low and the high byte of its 16-bit sample.
LOW_HIGH: Final[dict[Codec, tuple[bytes, bytes]]] = {
    "PCMU": _halves(_ULAW_VALUES),
    "PCMA": _halves(_ALAW_VALUES),
}
# Loudness of a byte in steps of 8, full at 2040: enough to tell speech from the noise of a line.
_LOUDNESS: Final[dict[Codec, bytes]] = {
    "PCMU": bytes(min(255, abs(value) >> 3) for value in _ULAW_VALUES),
    "PCMA": bytes(min(255, abs(value) >> 3) for value in _ALAW_VALUES),
}


def decode(payload: bytes, codec: Codec) -> bytes:
    """The payload as 16-bit little-endian samples."""
    low, high = LOW_HIGH[codec]
    out = bytearray(2 * len(payload))
    out[0::2] = payload.translate(low)
    out[1::2] = payload.translate(high)
    return bytes(out)


def encode_ulaw(pcm: bytes) -> bytes:
    """16-bit little-endian samples as µ-law. For threads: lets others run every 0.1 ms of work."""
    samples = memoryview(pcm)[: len(pcm) & ~1].cast("H")
    blocks = []
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK]
        if len(block) == 1:  # itemgetter of one index gives no tuple
            blocks.append(_TO_ULAW[block[0] : block[0] + 1])
        else:
            blocks.append(bytes(itemgetter(*block)(_TO_ULAW)))
        time.sleep(0)
    return b"".join(blocks)


def transcoder(source: Codec, target: Codec) -> bytes | None:
    """The translate table from one law to the other; None when they are the same."""
    if source == target:
        return None
    return ALAW_FROM_ULAW if target == "PCMA" else ULAW_FROM_ALAW


def loudness(payload: bytes, codec: Codec, total: Callable[[bytes], int] = sum) -> float:
    """The mean magnitude of the samples, 0 to 2040 of 32767."""
    return 8 * total(payload.translate(_LOUDNESS[codec])) / len(payload) if payload else 0.0
