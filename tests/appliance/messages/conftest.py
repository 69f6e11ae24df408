"""An office with two businesses, an agent, a person and a call."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance.store import connect, migrate

AT = "2026-11-24T09:00:00.000Z"


def furnish(db: Database, *, smtp_port: int = 0) -> None:
    """Fill an empty store with a small office."""
    migrate(db)
    smtp = ("127.0.0.1", smtp_port, "desk@nasim.example") if smtp_port else ("", 587, "")
    db.table("office").insert(
        {
            "only_row": 1,
            "name": "Nasim House",
            "timezone": "Asia/Tehran",
            "language": "en",
            "owner_email": "owner@example.com",
            "smtp_host": smtp[0],
            "smtp_port": smtp[1],
            "smtp_from": smtp[2],
        }
    )
    db.table("businesses").insert_all(
        [
            {
                "business_id": "bakery",
                "name": "Nasim Bakery",
                "language": "en",
                "timezone": None,
                "messages_to": '["ana@example.com", "ANA@example.com", "dov@example.com"]',
            },
            {
                "business_id": "clinic",
                "name": "درمانگاه نسیم",
                "language": "fa",
                "timezone": "Europe/Moscow",
                "messages_to": "[]",
            },
        ]
    )
    db.table("extensions").insert({"extension": "101", "sip_password": "secret-101"})
    db.table("agents").insert({"agent_id": "sara", "name": "Sara Karimi", "extension": "101", "status_at": AT})
    db.table("users").insert_all(
        [
            {"user_id": "usr_ana", "login": "ana", "name": "Ana", "role": "owner", "created_at": AT},
            {"user_id": "usr_ben", "login": "ben", "name": "Ben", "role": "agent", "created_at": AT},
        ]
    )
    for call_id, business_id in (("call_1", "bakery"), ("call_2", "clinic")):
        db.table("calls").insert(
            {
                "call_id": call_id,
                "business_id": business_id,
                "direction": "inbound",
                "state": "talking",
                "caller_number": "+989121234567",
                "dialled": "+982188001122",
                "started_at": AT,
            }
        )
    db.table("recordings").insert(
        {
            "recording_id": "rec_1",
            "call_id": "call_1",
            "kind": "voicemail",
            "path": "2026/11/rec_1.wav",
            "state": "ready",
            "channels": 1,
            "seconds": 42.4,
            "started_at": AT,
        }
    )


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = connect(tmp_path / "office.db")
    furnish(database)
    yield database
    database.close()
