"""The settings of an office that is running, seen from another shell.

Owns: reading the core's environment, so that doctor and links name the ports really used. What this shell's own
environment says comes first.
"""

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from appliance import config
from appliance.config import Settings
from appliance.store import connect, core_status


def settings_of(home: str | None, env: Mapping[str, str] | None = None) -> Settings:
    """The settings for that folder: our environment's, completed by the running office's. Raises BadSetting."""
    env = os.environ if env is None else env
    own = config.load(env, home=home)
    pid = _pid_of_core(own)
    if pid is None:
        return own
    theirs = _environment_of(pid)
    if not theirs or theirs.get("FRONTDESK_HOME") != str(own.home):  # the pid may be another program's by now
        return own
    return config.load({**theirs, **{k: v for k, v in env.items() if k.startswith("FRONTDESK_") and v}}, home=own.home)


def _pid_of_core(settings: Settings) -> int | None:
    with contextlib.suppress(sqlite3.Error):
        if settings.database.is_file():
            db = connect(settings.database, read_only=True)
            with contextlib.closing(db.conn):
                row = core_status.read(db)
                return int(str(row["pid"])) if row else None
    return None


def _environment_of(pid: int) -> dict[str, str]:
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (
        item.decode(errors="replace").partition("=") for item in raw.split(b"\0") if item.startswith(b"FRONTDESK_")
    )
    return {name: value for name, _sign, value in pairs}
