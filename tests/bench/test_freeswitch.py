"""The benchmark on FreeSWITCH still runs: one small round of it; its figures are for `make bench`."""

import asyncio
from pathlib import Path

import pytest

from bench import freeswitch
from tests.peers.options import why_not


def test_a_small_round_gives_its_figures(tmp_path: Path):
    if reason := why_not("freeswitch"):
        pytest.skip(reason)
    figures = asyncio.run(freeswitch.measure(tmp_path, calls=2, rounds=1, kills=1))
    assert figures["set_up_ratio"] > 0
    assert figures["core_cpu_ms"] > 0
    assert figures.get("taken_up_seconds", 1.0) > 0  # not without mod_callcenter
