"""How good a call sounded, from what was counted: pure rules.

The E-model of ITU-T G.107, for G.711 with packets of 20 ms and loss concealment (G.113 App. I: Ie = 0, Bpl = 25.1), and
its mapping of R to the mean opinion score (G.107 Annex B). A guide, not a measurement by ear.
"""

from typing import Literal

_BASE_R = 93.2  # no impairment but those of every call
_BPL = 25.1  # robustness of G.711 with concealment against random loss
_PACKET_MS = 20.0
_LONGEST_CONFIDENT_MS = 177.3


def mos(loss: float, jitter_ms: float) -> float:
    """The mean opinion score, 1 to 4.5. ``loss`` is the share of packets lost, 0 to 1."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    # what waits for late packets waits about twice as long as they vary
    delay = _PACKET_MS + 2 * max(jitter_ms, 0.0)
    impaired = 0.024 * delay + 0.11 * max(0.0, delay - _LONGEST_CONFIDENT_MS)
    r = _BASE_R - impaired - 95 * percent / (percent + _BPL)
    if r <= 6.5:  # below it the mapping turns up again
        return 1.0
    return round(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 2)


def grade(score: float) -> Literal["good", "fair", "bad"]:
    """G.107 Annex B: from 4.0 on users are satisfied, below 3.6 many are not."""
    return "good" if score >= 4.0 else "fair" if score >= 3.6 else "bad"
