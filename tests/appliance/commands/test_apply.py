"""`frontdesk apply` and `export` as a person runs them, on real files."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.extensions import service as extensions
from appliance.lines import service as lines
from appliance.office import service as office
from appliance.store import connect, transaction

Write = Callable[[str | bytes], str]


def test_the_example_brings_a_whole_office_into_being(run, home: Path, write: Write, example: str) -> None:
    done = run("apply", write(example))
    assert done.returncode == 0, done.stderr
    db = sqlite3.connect(home / "office.db")
    assert db.execute("SELECT name, timezone, smtp_port, owner_email FROM office").fetchone() == (
        "Nasim House",
        "Asia/Tehran",
        1025,
        "owner@example.com",
    )
    assert db.execute("SELECT number, business_id FROM numbers").fetchall() == [("+982188001122", "bakery")]
    assert db.execute("SELECT extension, sip_password FROM extensions").fetchall() == [
        ("101", "only-for-the-bench-101")
    ]
    assert db.execute("SELECT agent_id, business_id, mode FROM agent_businesses").fetchall() == [
        ("sara", "bakery", "shared")
    ]
    assert db.execute("SELECT login, role, agent_id FROM users ORDER BY role DESC").fetchall() == [
        ("owner@example.com", "owner", None),
        ("sara", "agent", "sara"),
    ]
    assert "/set-up/" in done.stdout
    assert "/password/" in done.stdout
    assert "only-for-the-bench-101" not in done.stdout
    assert "not running" in done.stdout


def test_applying_twice_changes_nothing_and_says_so(run, home: Path, write: Write, example: str) -> None:
    file = write(example)
    run("apply", file)
    before = connect(home / "office.db").execute("SELECT config_version FROM office").fetchone()[0]
    again = run("apply", file)
    assert again.returncode == 0
    assert "Nothing to change" in again.stdout
    assert "set-up" not in again.stdout
    assert connect(home / "office.db").execute("SELECT config_version FROM office").fetchone()[0] == before


def test_a_dry_run_shows_the_plan_and_makes_nothing(run, home: Path, write: Write, example: str) -> None:
    done = run("apply", "--dry-run", write(example))
    assert done.returncode == 0
    assert '+ business "bakery" (Nasim Bakery)' in done.stdout
    assert not home.exists()
    run("apply", write(example))
    changed = example.replace("ring_seconds = 20", "ring_seconds = 25").replace('id = "sara"', 'id = "sima"')
    done = run("apply", "--dry-run", write(changed))
    assert '~ business "bakery": ring_seconds 20 -> 25' in done.stdout
    assert '+ agent "sima"' in done.stdout
    assert '- agent "sara"' in done.stdout
    assert "ring_seconds = 25" not in run("export").stdout


def test_a_secret_left_out_is_generated_told_once_and_kept(run, home: Path, write: Write, example: str) -> None:
    file = write(example.replace('sip_password = "only-for-the-bench-101"\n', ""))
    first = run("apply", file)
    secret = connect(home / "office.db").execute("SELECT sip_password FROM extensions").fetchone()[0]
    assert len(secret) >= 12
    assert secret in first.stdout
    again = run("apply", file)
    assert secret not in again.stdout
    assert connect(home / "office.db").execute("SELECT sip_password FROM extensions").fetchone()[0] == secret


def test_what_left_the_file_leaves_the_office(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example))
    office_only = example[: example.index("[[trunk]]")]
    done = run("apply", write(office_only))
    assert done.returncode == 0, done.stderr
    assert '- trunk "primary"' in done.stdout
    db = connect(home / "office.db")
    for table in ("trunks", "businesses", "agents", "extensions", "numbers"):
        assert db[table].count == 0
    assert run("apply", write(example)).returncode == 0
    assert {r["login"]: r["agent_id"] for r in connect(home / "office.db").query("SELECT * FROM users")}[
        "sara"
    ] == "sara"


def _add_history(home: Path, *, message: bool) -> None:
    with transaction(connect(home / "office.db")) as db:
        db.execute(
            "INSERT INTO calls (call_id, business_id, agent_id, direction, state, started_at)"
            " VALUES ('call_1', 'bakery', 'sara', 'inbound', 'answered', '2026-11-24T09:00:00.000Z')"
        )
        if message:
            db.execute(
                "INSERT INTO messages (message_id, business_id, kind, created_at)"
                " VALUES ('msg_1', 'bakery', 'note', '2026-11-24T09:00:00.000Z')"
            )


def test_what_has_calls_is_removed_only_when_told_so(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example))
    _add_history(home, message=False)
    office_only = write(example[: example.index("[[trunk]]")])
    refused = run("apply", office_only)
    assert refused.returncode == 1
    assert '"bakery"' in refused.stderr
    assert '"sara"' in refused.stderr
    assert "--remove" in refused.stderr
    assert connect(home / "office.db")["trunks"].count == 1
    assert run("apply", "--dry-run", office_only).returncode == 1
    assert run("apply", "--remove", office_only).returncode == 0
    assert [r["call_id"] for r in connect(home / "office.db").query("SELECT call_id FROM calls")] == ["call_1"]


def test_a_business_with_messages_is_never_removed(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example))
    _add_history(home, message=True)
    refused = run("apply", "--remove", write(example[: example.index("[[trunk]]")]))
    assert refused.returncode == 1
    assert "numbers = []" in refused.stderr
    assert connect(home / "office.db")["messages"].count == 1


TWO = """
[[business]]
id = "florist"
name = "Laleh"
numbers = ["+982188003344"]

[[agent]]
id = "reza"
name = "Reza"
extension = "102"
sip_password = "another-password"
serves = { florist = "dedicated", bakery = "semi" }
"""


def test_two_agents_may_swap_extensions_and_two_businesses_numbers(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example + TWO))
    swapped = (example + TWO).replace('"101"', '"#"').replace('"102"', '"101"').replace('"#"', '"102"')
    swapped = swapped.replace("8001122", "@@").replace("8003344", "8001122").replace("@@", "8003344")
    done = run("apply", write(swapped))
    assert done.returncode == 0, done.stderr
    db = connect(home / "office.db")
    assert dict(db.execute("SELECT agent_id, extension FROM agents").fetchall()) == {"sara": "102", "reza": "101"}
    assert dict(db.execute("SELECT number, business_id FROM numbers").fetchall()) == {
        "+982188001122": "florist",
        "+982188003344": "bakery",
    }
    assert "Nothing to change" in run("apply", write(swapped)).stdout


def test_an_export_without_secrets_applied_again_keeps_them(run, home: Path, write: Write, example: str) -> None:
    trunk = '[[trunk]]\nid = "carrier"\nkind = "register"\nhost = "sip.example.com"\nusername = "u"\n'
    trunk += 'password = "pw-of-carrier"\n'
    run("apply", write(example + trunk))
    masked = run("export", "--no-secrets").stdout
    assert "pw-of-carrier" not in masked
    assert "only-for-the-bench-101" not in masked
    again = run("apply", write(masked))
    assert "Nothing to change" in again.stdout, again.stdout + again.stderr
    assert "pw-of-carrier" in run("export").stdout


def test_a_file_comes_by_standard_input(run, example: str) -> None:
    assert run("apply", "-", stdin=example).returncode == 0
    assert "Nothing to change" in run("apply", "-", stdin=run("export").stdout).stdout


def test_bom_and_windows_line_ends_are_read(run, write: Write, example: str) -> None:
    done = run("apply", write(b"\xef\xbb\xbf" + example.replace("\n", "\r\n").encode()))
    assert done.returncode == 0, done.stderr


def test_a_phone_without_an_agent_is_an_extension(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example + '[[phone]]\nextension = "200"\nname = "Door"\n'))
    assert (
        connect(home / "office.db").execute("SELECT name FROM extensions WHERE extension = '200'").fetchone()[0]
        == "Door"
    )
    as_agent = example + '[[agent]]\nid = "dora"\nname = "Dora"\nextension = "200"\n'
    before = (
        connect(home / "office.db").execute("SELECT sip_password FROM extensions WHERE extension = '200'").fetchone()[0]
    )
    done = run("apply", write(as_agent))
    assert done.returncode == 0, done.stderr
    after = (
        connect(home / "office.db").execute("SELECT sip_password FROM extensions WHERE extension = '200'").fetchone()[0]
    )
    assert before == after


def test_a_persian_office_speaks_of_its_names_as_they_are(run, write: Write, example: str) -> None:
    done = run("apply", write(example.replace('"Nasim Bakery"', '"نانوایی نسیم"')))
    assert "نانوایی نسیم" in done.stdout
    assert 'name = "نانوایی نسیم"' in run("export").stdout


def test_a_home_that_cannot_be_made_is_told(run, tmp_path: Path, write: Write, example: str) -> None:
    (tmp_path / "file").write_text("")
    done = run("apply", "--home", str(tmp_path / "file" / "office"), write(example))
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_office_made_in_the_admin_is_exported_as_a_file_that_changes_nothing(run, home: Path, write: Write) -> None:
    assert run("migrate").returncode == 0
    with transaction(connect(home / "office.db")) as db:
        office.create_office(db, name="N", timezone="Asia/Tehran", language="fa", smtp_host="mail.example.com")
        businesses.create_business(db, "bakery", name="Nasim", language="fa")
        lines.save_trunk(db, "network", kind="peer", host="0.0.0.0/0", transport="tcp")
        extensions.create_extension(db, "101")
        agents.create_agent(db, "sara", "Sara", "101", {"bakery": "dedicated"})
    exported = run("export").stdout
    done = run("apply", write(exported))
    assert done.returncode == 0, done.stderr
    assert run("export").stdout == exported
    assert connect(home / "office.db")["audit_log"].count == 0


def test_a_business_with_contacts_is_removed_only_when_told_so(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example))
    with transaction(connect(home / "office.db")) as db:
        db.execute("INSERT INTO contacts VALUES ('c', 'bakery', '+1', 'Dov', '', 0, 'x')")
    office_only = write(example[: example.index("[[trunk]]")])
    assert "1 contacts" in run("apply", office_only).stderr
    assert run("apply", "--remove", office_only).returncode == 0


def test_two_applies_at_once_end_in_one_of_the_two_files(home: Path, run, tmp_path: Path, example: str) -> None:
    files = []
    for seconds in (21, 22, 23, 24):
        files.append(tmp_path / f"{seconds}.toml")
        files[-1].write_text(example.replace("ring_seconds = 20", f"ring_seconds = {seconds}"))
    run("migrate")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda file: run("apply", str(file)), files))
    assert [d.returncode for d in done] == [0, 0, 0, 0], [d.stderr for d in done]
    db = connect(home / "office.db")
    assert db.execute("SELECT ring_seconds FROM businesses").fetchone()[0] in (21, 22, 23, 24)
    assert db["agents"].count == 1


def test_a_file_applied_to_a_store_of_no_schema_makes_one(run, home: Path, write: Write, example: str) -> None:
    home.mkdir()
    (home / "office.db").touch()
    assert run("apply", write(example)).returncode == 0


def test_killed_at_any_moment_the_office_is_the_old_or_the_new_one(run, home: Path, write: Write, example: str) -> None:
    run("apply", write(example))
    old = run("export").stdout
    new_file = write(example.replace("Nasim Bakery", "Nasim & Sons") + TWO)
    for pause in (0.2, 0.25, 0.3, 0.35, 0.4):
        doomed = subprocess.Popen(
            [sys.executable, "-m", "appliance", "apply", new_file, "--home", str(home)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            doomed.wait(pause)
        doomed.kill()
        doomed.wait()
        now = run("export").stdout
        assert now == old or ("florist" in now and "Nasim & Sons" in now and "reza" in now)
    assert run("apply", new_file).returncode == 0
