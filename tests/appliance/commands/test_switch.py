"""`frontdesk switch render`."""

from pathlib import Path

import pytest

from tests.appliance.switch.freeswitch.real_freeswitch import why_not


@pytest.fixture
def applied(run, home: Path, example: str) -> Path:
    assert run("apply", "-", stdin=example).returncode == 0
    return home


def test_it_writes_the_configuration_under_the_office(run, applied):
    done = run("switch", "render")
    assert done.returncode == 0, done.stderr
    conf = applied / "freeswitch" / "conf"
    assert (conf / "freeswitch.xml").is_file()
    assert (conf / "directory" / "101.xml").is_file()
    assert "only-for-the-bench-101" not in (conf / "directory" / "101.xml").read_text(encoding="utf-8")
    assert "982188001122" in (conf / "dialplan" / "standby.xml").read_text(encoding="utf-8")
    assert "0 files" in run("switch", "render").stdout


def test_a_check_writes_nothing(run, applied):
    done = run("switch", "render", "--check", FRONTDESK_FREESWITCH="/nonexistent/freeswitch")
    assert done.returncode == 0, done.stderr
    assert "well-formed" in done.stdout
    assert not (applied / "freeswitch").exists()


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
def test_a_check_has_a_real_freeswitch_load_it(run, applied):
    done = run("switch", "render", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "loads it" in done.stdout
    assert not (applied / "freeswitch").exists()
