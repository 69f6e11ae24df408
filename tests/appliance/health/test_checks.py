"""The doctor's checks: each finds its fault, names it plainly and says what to do."""

import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlite_utils import Database

from appliance import clock, i18n
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.config import Settings
from appliance.extensions import service as extensions
from appliance.health import machine, service
from appliance.health.models import Check
from appliance.lines import service as lines
from appliance.office import service as office
from appliance.store import connect, migrate, transaction

CORE = {"engine": "builtin", "version": "0.1.0", "pid": 1, "trunks": [], "phones": []}


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, bind="127.0.0.1", web_port=free_port(), sip_port=free_port(), rtp_first=20000, rtp_last=20100
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    db = connect(settings.database)
    migrate(db)
    settings.database.chmod(0o600)
    with transaction(db):
        office.create_office(db, name="N", timezone="UTC", language="en", smtp_host="h", smtp_from="a@b.c")
        businesses.create_business(db, "bakery", name="Nasim Bakery", language="en", numbers=["+982188001122"])
        extensions.create_extension(db, "101")
        agents.create_agent(db, "sara", "Sara", "101", {"bakery": "shared"})
        lines.save_trunk(db, "primary", kind="register", host="sip.example.com", username="u", password="p" * 8)
        db.execute("INSERT INTO trunk_states VALUES ('primary', 'up', '', ?)", [clock.stamp()])
        soon = clock.stamp(clock.now() + timedelta(hours=1))
        db.execute("INSERT INTO registrations VALUES ('101', 'sip:101@x', 'udp:x:1', 'phone', ?, ?)", [soon, soon])
        db.execute(
            "INSERT INTO users (user_id, login, name, role, password_hash, created_at)"
            " VALUES ('u', 'o', 'O', 'owner', 'x', ?)",
            [clock.stamp()],
        )
    yield db
    db.conn.close()


@pytest.fixture
def web(settings: Settings) -> Iterator[None]:
    """Something that answers like our /healthz."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"ok": true, "engine": "builtin", "version": "0.1.0"}')

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", settings.web_port), Answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()


def checks(settings: Settings, db: Database, core: dict[str, Any] | None = CORE, **more: Any) -> list[Check]:
    return service.run_checks(settings, db, core, **more)


def wrong(found: list[Check], check_id: str) -> Check:
    bad = [c for c in found if c.check_id == check_id and not c.is_ok]
    assert bad, found
    assert all(c.hint for c in bad)
    return bad[0]


def test_an_office_in_order_has_nothing_to_tell(settings, db, web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_is_synchronised", lambda: None)
    monkeypatch.setattr(machine, "_home_of_holder", lambda _port: None)
    found = checks(settings, db)
    assert [c for c in found if not c.is_ok] == []
    assert service.worst(found) == "passed"


def test_a_core_that_is_away_is_an_error(settings, db) -> None:
    assert "not running" in wrong(checks(settings, db, None), "core").sentence
    db.execute("INSERT INTO core_status VALUES (1, 7, 'builtin', '0', 'x', '2026-01-01T00:00:00.000Z')")
    assert "went away" in wrong(checks(settings, db, None), "core").sentence
    db.execute("UPDATE core_status SET seen_at = ?", [clock.stamp()])
    assert "does not answer" in wrong(checks(settings, db, None), "core").sentence


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_taken_sip_port_is_named_with_who_has_it(settings, db, transport: str) -> None:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as thief:
        thief.bind(("127.0.0.1", settings.sip_port))
        if transport == "tcp":
            thief.listen()
        said = wrong(checks(settings, db, None), "sip-port")
    assert f"{settings.sip_port}/{transport}" in said.sentence
    assert f"(pid {os.getpid()})" in said.sentence
    assert said.result == "error"


def test_a_web_port_of_another_program_is_named(settings, db) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", settings.web_port))
        thief.listen()
        thief.settimeout(1)
        said = wrong(checks(settings, db, CORE), "web-port")
    assert f"(pid {os.getpid()})" in said.sentence


def test_a_web_port_of_another_office_is_named(settings, db, web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_home_of_holder", lambda _port: "/srv/other")
    assert "/srv/other" in wrong(checks(settings, db), "web-port").sentence


def test_a_sip_port_within_the_sound_ports_is_an_error(settings, db) -> None:
    clash = Settings(home=settings.home, bind="127.0.0.1", sip_port=20050, rtp_first=20000, rtp_last=20100)
    assert "lies within" in wrong(checks(clash, db), "rtp-ports").sentence


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("403 Forbidden", "refused user name or password"),
        ("the trunk refused the password", "refused user name or password"),
        ("no answer", "does not answer"),
        ("wrong password", "refused user name or password"),
        ("The carrier's name is unknown to DNS", "cannot be found"),
        ("no such host: sip.example.com cannot be resolved", "cannot be found"),
        ("500 Server error", "ask the carrier"),
    ],
)
def test_a_trunk_that_is_down_says_why_and_what_to_do(settings, db, reason: str, hint: str) -> None:
    db.execute("UPDATE trunk_states SET state = 'down', reason = ?", [reason])
    said = wrong(checks(settings, db), "trunk")
    assert said.result == "error"
    assert reason in said.sentence
    assert hint in said.hint


def test_an_office_without_a_line_is_warned(settings, db) -> None:
    with transaction(db):
        lines.delete_trunk(db, "primary")
    assert wrong(checks(settings, db), "trunk").result == "warning"


def test_no_registered_phone_is_an_error_and_one_missing_a_warning(settings, db) -> None:
    with transaction(db):
        extensions.create_extension(db, "102")
        agents.create_agent(db, "ben", "Ben", "102", {"bakery": "shared"})
    said = wrong(checks(settings, db), "phone")
    assert (said.result, "Ben" in said.sentence, "102" in said.sentence) == ("warning", True, True)
    db.execute("UPDATE registrations SET expires_at = '2026-01-01T00:00:00.000Z'")
    said = wrong(checks(settings, db), "phone")
    assert (said.result, said.sentence) == ("error", "No phone is registered: nobody can answer a call.")


def test_a_business_without_number_or_agent_is_told(settings, db) -> None:
    with transaction(db):
        businesses.create_business(db, "florist", name="Laleh", language="en")
    found = checks(settings, db)
    assert "Laleh" in wrong(found, "number").sentence
    assert wrong(found, "agent").result == "error"


def test_mail_without_a_server_failing_and_stuck_is_told(settings, db) -> None:
    db.execute(
        "INSERT INTO outbox (delivery_id, kind, recipient, payload, next_attempt_at, created_at, attempts, last_error)"
        " VALUES ('d', 'mail', 'a@b.c', '{}', '2026-01-01T00:00:00.000Z', 'x', 3, 'bad-login: 535 no')"
    )
    found = checks(settings, db)
    assert "does not accept the user name or password" in wrong(found, "mail").sentence
    assert wrong(found, "outbox").result == "error"
    with transaction(db):
        office.update_office(db, smtp_host="")
    said = wrong(checks(settings, db), "mail")
    assert (said.result, "1 mail waits" in said.sentence) == ("warning", True)
    db.execute("UPDATE outbox SET state = 'failed'")
    assert "given up" in wrong(checks(settings, db), "outbox").sentence


@pytest.mark.parametrize(("free", "result"), [(50 * 1024**2, "error"), (900 * 1024**2, "warning")])
def test_a_disk_that_fills_up_is_told(settings, db, free: int, result: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"total": 32 * 1024**3, "used": 0, "free": free})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _path: usage)
    assert wrong(checks(settings, db), "disk").result == result


def test_a_clock_that_was_set_back_or_never_set_is_an_error(settings, db) -> None:
    try:
        clock.use(lambda: datetime.now(UTC) - timedelta(days=2))
        assert "set back" in wrong(checks(settings, db), "clock").sentence
        clock.use(lambda: datetime(1970, 1, 3, tzinfo=UTC))
        assert "1970" in wrong(checks(settings, db), "clock").sentence
    finally:
        clock.use(None)


def test_a_clock_nobody_sets_is_a_warning(settings, db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_is_synchronised", lambda: False)
    assert wrong(checks(settings, db), "clock").result == "warning"


def test_a_store_others_can_read_is_a_warning(settings, db) -> None:
    settings.database.chmod(0o644)
    assert "chmod 600" in wrong(checks(settings, db), "folder").hint


def test_a_folder_that_cannot_be_written_is_an_error(settings, db, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", full)
    assert "No space left" in wrong(checks(settings, db), "folder").sentence


def test_a_damaged_store_is_an_error(settings, db) -> None:
    with transaction(db):
        db.execute("CREATE TABLE filler (text TEXT)")
        for index in range(2000):
            db.execute("INSERT INTO filler VALUES (?)", [f"{index}" * 40])
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.conn.close()
    with settings.database.open("r+b") as file:
        file.seek(settings.database.stat().st_size - 40_000)
        file.write(b"\xff" * 20_000)
    broken = connect(settings.database)
    assert "damaged" in wrong(checks(settings, broken, thorough=True), "store").sentence
    broken.conn.close()


def test_an_office_that_was_never_set_up_is_an_error(settings, tmp_path: Path) -> None:
    empty = connect(":memory:")
    migrate(empty)
    found = checks(settings, empty)
    assert wrong(found, "set-up").result == "error"
    assert wrong(found, "owner").result == "warning"


def test_a_check_that_breaks_hides_no_other(settings, db, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("appliance.health.store.trunks", broken)
    found = checks(settings, db)
    assert "disk I/O error" in wrong(found, "trunk").sentence
    assert any(c.check_id == "voice" or c.check_id == "folder" for c in found)


def test_the_checks_speak_the_readers_language_without_fault(settings, db) -> None:
    for language in i18n.LANGUAGES:
        with i18n.speaking(language):
            assert all(c.sentence for c in checks(settings, db, None))


def test_this_machines_own_port_is_seen_in_proc(settings) -> None:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        home = machine._home_of_holder(own.getsockname()[1])
    assert home == os.environ.get("FRONTDESK_HOME")


def test_a_mail_server_is_not_praised_before_it_answers(settings, db) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with transaction(db):
            office.update_office(db, smtp_host="127.0.0.1", smtp_port=port)
        said = next(c for c in checks(settings, db, thorough=True) if c.check_id == "mail")
        assert (said.result, "no mail has gone out yet" in said.sentence) == ("passed", True)
    said = wrong(checks(settings, db, thorough=True), "mail")
    assert (said.result, "cannot be reached" in said.sentence) == ("error", True)
