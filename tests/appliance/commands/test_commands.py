"""The frontdesk command as a person runs it."""

import os
import socket
from pathlib import Path

import pytest

from appliance.store import connect


def test_no_command_shows_the_help_and_exits_2(run) -> None:
    done = run()
    assert done.returncode == 2
    assert "doctor" in done.stderr


@pytest.mark.parametrize("words", [["nonsense"], ["apply"], ["token"], ["token", "create"], ["doctor", "--nonsense"]])
def test_a_wrong_command_line_exits_2(run, words: list[str]) -> None:
    assert run(*words).returncode == 2


@pytest.mark.parametrize(
    "command",
    ["up", "apply", "export", "schema", "doctor", "set-up-link", "reset-password", "token", "migrate", "version"],
)
def test_every_command_explains_itself(run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "--home" in done.stdout


@pytest.mark.parametrize("words", [["export"], ["doctor"], ["reset-password", "sara"], ["token", "list"]])
def test_without_an_office_a_command_says_so(run, home: Path, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert "no office here yet" in done.stderr
    assert not home.exists()


def test_a_token_is_the_last_line_and_is_kept_as_a_hash(run, home: Path) -> None:
    done = run("token", "create", "till")
    token = done.stdout.splitlines()[-1]
    assert done.returncode == 0
    assert len(token) > 30
    assert token.encode() not in (home / "office.db").read_bytes()
    assert "till" in run("token", "list").stdout
    assert run("token", "create", "till").returncode == 1
    assert run("token", "revoke", "till").returncode == 0
    assert "revoked" in run("token", "list").stdout
    assert run("token", "revoke", "other").returncode == 1


def test_home_may_stand_before_or_after_the_command(run, tmp_path: Path) -> None:
    for index, words in enumerate(
        (
            ["--home", "{}", "token", "create", "a"],
            ["token", "--home={}", "create", "a"],
            ["token", "create", "a", "--home", "{}"],
        )
    ):
        folder = tmp_path / str(index)
        assert run(*[w.format(folder) for w in words]).returncode == 0
        assert (folder / "office.db").is_file()


def test_a_person_gets_a_link_to_choose_a_password(run, write, example: str) -> None:
    run("apply", write(example))
    done = run("reset-password", "sara")
    assert done.stdout.splitlines()[-1].startswith("http://")
    assert "/password/" in done.stdout
    wrong = run("reset-password", "sarra")
    assert wrong.returncode == 1
    assert 'Did you mean "sara"?' in wrong.stderr


def test_the_set_up_link_is_made_until_there_is_an_owner(run, home: Path, write, example: str) -> None:
    assert "/set-up/" in run("set-up-link").stdout.splitlines()[-1]
    db = connect(home / "office.db")
    db.execute(
        "INSERT INTO users (user_id, login, name, role, password_hash, created_at)"
        " VALUES ('u', 'o', 'O', 'owner', 'x', '2026-01-01T00:00:00.000Z')"
    )
    assert run("set-up-link").returncode == 1


def test_a_file_that_is_no_store_is_told(run, home: Path) -> None:
    home.mkdir()
    (home / "office.db").write_bytes(b"this is not a database" * 100)
    for words in (["export"], ["migrate"], ["doctor"]):
        done = run(*words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr


def test_a_bad_setting_is_told(run) -> None:
    done = run("doctor", FRONTDESK_WEB_PORT="eighty")
    assert done.returncode == 1
    assert "FRONTDESK_WEB_PORT" in done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ports() -> dict[str, str]:
    return {
        "FRONTDESK_WEB_PORT": str(free_port()),
        "FRONTDESK_SIP_PORT": str(free_port()),
        "FRONTDESK_RTP_PORTS": "20000-20100",
        "FRONTDESK_BIND": "127.0.0.1",
    }


def test_the_doctor_names_what_is_wrong_and_exits_1(run, write, example: str, ports: dict[str, str]) -> None:
    run("apply", write(example))
    done = run("doctor", **ports)
    assert done.returncode == 1
    assert "not running" in done.stdout
    assert "No owner has chosen a password" in done.stdout
    assert "can speak its prompts" in done.stdout


def test_the_doctor_names_who_has_a_port(run, write, example: str, ports: dict[str, str]) -> None:
    run("apply", write(example))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", int(ports["FRONTDESK_SIP_PORT"])))
        done = run("doctor", **ports)
    assert f"Port {ports['FRONTDESK_SIP_PORT']}/udp is taken by" in done.stdout
    assert f"(pid {os.getpid()})" in done.stdout
