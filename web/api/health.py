"""/healthz: whether calls are answered, for whoever watches the box. No login, no numbers, no names."""

import contextlib
import sqlite3
from typing import Any

from flask import Response, jsonify

from appliance import __version__
from appliance.store import connect, core_status
from web.database import settings


def health() -> tuple[Response, int]:
    """200 while the core beats and the store can be read, else 503."""
    report = look()
    return jsonify(report), 200 if report["ok"] else 503


def look() -> dict[str, Any]:
    """The report."""
    core, store = "away", "ok"
    engine = None
    path = settings().database
    if not path.is_file():
        store = "missing"
    else:
        try:
            db = connect(path, read_only=True)
            with contextlib.closing(db.conn):
                row = core_status.read(db)
                if row is not None:
                    core = "running" if row["is_fresh"] else "stale"
                    engine = row["engine"] if row["is_fresh"] else None
        except sqlite3.Error:
            store = "unreadable"
    return {
        "ok": core == "running" and store == "ok",
        "engine": engine,
        "version": __version__,
        "core": core,
        "store": store,
    }
