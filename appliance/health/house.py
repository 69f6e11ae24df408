"""Checks of the house itself: core, store, owner, voice."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from appliance.health import store
from appliance.health.models import Check, Patient, error, ok, warning
from appliance.i18n import gettext as _
from appliance.store import core_status

LARGEST_CHECKED = 500 * 1024 * 1024
VOICE_SECONDS = 30


def check_core(patient: Patient) -> Iterator[Check]:
    """The core runs."""
    if patient.core is not None:
        engine, version = patient.core.get("engine", ""), patient.core.get("version", "")
        yield ok(
            "core",
            _("The office is answering (engine %(engine)s, version %(version)s).", engine=engine, version=version),
        )
        return
    row = core_status.read(patient.db)
    if row is not None and row["is_fresh"]:
        yield error(
            "core",
            _("The core (process %(pid)s) runs but does not answer.", pid=row["pid"]),
            _("Wait a minute and look again; then stop the office and start it again."),
        )
    elif row is not None:
        yield error(
            "core",
            _("The core went away without a word; last seen %(at)s UTC.", at=str(row["seen_at"])[:19]),
            _("Start the office: frontdesk up --home %(home)s", home=str(patient.settings.home)),
        )
    else:
        yield error(
            "core",
            _("The office is not running: no call is answered."),
            _("Start it: frontdesk up --home %(home)s", home=str(patient.settings.home)),
        )


def check_store(patient: Patient) -> Iterator[Check]:
    """SQLite finds nothing wrong with the office's file."""
    if not patient.thorough or patient.settings.database.stat().st_size > LARGEST_CHECKED:
        return
    found = store.quick_check(patient.db)
    if found:
        yield error(
            "store",
            _("The office's store is damaged: %(what)s.", what=found[0][:200]),
            _("Stop the office, copy its folder away, and restore the last backup."),
        )
    else:
        yield ok("store", _("The office's store is sound."))


def check_set_up(patient: Patient) -> Iterator[Check]:
    """The office was set up, and its owner can sign in."""
    if store.office(patient.db) is None:
        yield error(
            "set-up",
            _("The office has not been set up."),
            _("Open the set-up link (frontdesk set-up-link makes a new one), or apply an office file."),
        )
    if not store.owner_has_password(patient.db):
        yield warning(
            "owner",
            _("No owner has chosen a password yet, so nobody can sign in to the admin."),
            _("Open the set-up link; for a new one: frontdesk set-up-link"),
        )
    elif store.office(patient.db) is not None:
        yield ok("set-up", _("The office is set up, and its owner can sign in."))


def check_voice(patient: Patient) -> Iterator[Check]:
    """The box can speak its prompts."""
    hint = _("Install Frontdesk again (make setup), or upload recorded greetings in the admin.")
    if importlib.util.find_spec("espeakng_loader") is None:
        yield error("voice", _("The box cannot speak: its voice is not installed."), hint)
    elif patient.thorough:
        why = _speak()
        if why:
            yield error("voice", _("The box cannot speak its prompts: %(why)s.", why=why), hint)
        else:
            yield ok("voice", _("The box can speak its prompts."))


def _speak() -> str:
    """Speak a word in a process of its own, as the core does; why it failed, or ""."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-voice-") as folder:
        out = Path(folder) / "word.wav"
        asked = json.dumps({"text": "good day", "voice": "en", "words_a_minute": 150})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "appliance.prompts.speak", str(out)],
                input=asked,
                capture_output=True,
                text=True,
                timeout=VOICE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            return str(fault)[:200]
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            return last[:200] or _("exit code %(code)s", code=done.returncode)
        return "" if out.is_file() and out.stat().st_size > 1000 else _("no sound came out")
