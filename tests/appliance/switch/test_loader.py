"""Which engine runs when nobody has said."""

import stat
from pathlib import Path

import pytest

from appliance.banner import banner
from appliance.config import Settings
from appliance.switch.freeswitch.config import REQUIRED_MODULES
from appliance.switch.loader import Choice, choose


def a_freeswitch(folder: Path, version: str, modules=REQUIRED_MODULES) -> str:
    program = folder / "bin" / "freeswitch"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'FreeSWITCH version: {version}~64bit ()'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "mod").mkdir()
    for name in modules:
        (folder / "mod" / f"{name}.so").write_text("")
    return str(program)


def choice(folder: Path, program: str, engine: str = "auto") -> Choice:
    return choose(Settings(home=folder, engine=engine, freeswitch=program))


def test_a_usable_freeswitch_is_taken_and_said(tmp_path):
    found = choice(tmp_path, a_freeswitch(tmp_path, "1.10.12"))
    assert found.name == "freeswitch"
    assert "1.10.12" in found.why


@pytest.mark.parametrize(
    ("version", "modules", "why"),
    [
        ("1.8.7", REQUIRED_MODULES, "1.8.7"),
        ("1.10.12", REQUIRED_MODULES[:-1], REQUIRED_MODULES[-1]),
        ("", (), "unknown"),
    ],
)
def test_one_that_cannot_be_used_is_not_and_why_is_said(tmp_path, version, modules, why):
    found = choice(tmp_path, a_freeswitch(tmp_path, version, modules))
    assert found.name == "builtin"
    assert why in found.why


def test_a_program_that_is_not_there_is_said(tmp_path):
    found = choice(tmp_path, str(tmp_path / "nothing"))
    assert found.name == "builtin"
    assert str(tmp_path / "nothing") in found.why


def test_what_somebody_chose_is_taken_as_it_is(tmp_path):
    assert choice(tmp_path, "", engine="freeswitch") == Choice("freeswitch")


def test_the_start_tells_the_engine_and_why(tmp_path):
    settings = Settings(home=tmp_path, bind="127.0.0.1", sip_port=5070, sip_tls_port=5071)
    with_freeswitch = banner(settings, Choice("freeswitch", "FreeSWITCH 1.10.12 is installed"), "")
    assert "FreeSWITCH (FreeSWITCH 1.10.12 is installed)" in with_freeswitch
    assert "127.0.0.1:5071" in with_freeswitch
    without = banner(settings, Choice("builtin", "FreeSWITCH is not installed"), "")
    assert "built-in (FreeSWITCH is not installed)" in without
    assert "5071" not in without
