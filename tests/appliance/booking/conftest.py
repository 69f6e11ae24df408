"""An office in Tehran with two businesses, a call, and a Tuesday morning that does not pass."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance import clock
from appliance.store import connect, migrate

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 08:30 in Tehran, before the bakery opens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "office.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    clock.use(lambda: NOW)
    database = connect(path)
    migrate(database)
    database.table("office").insert({"only_row": 1, "name": "Nasim", "timezone": "Asia/Tehran", "language": "en"})
    database.table("businesses").insert_all(
        [
            {"business_id": "bakery", "name": "Nasim Bakery", "language": "en", "timezone": None,
             "hours": '{"sat-wed": "09:00-18:00", "thu": "09:00-13:00"}'},
            {"business_id": "clinic", "name": "کلینیک مهر", "language": "fa", "timezone": "Europe/Moscow",
             "hours": "{}"},
        ]
    )  # fmt: skip
    database.table("calls").insert(
        {"call_id": "call_1", "business_id": "bakery", "direction": "inbound", "state": "talking",
         "caller_number": "+989121234567", "started_at": clock.stamp()}
    )  # fmt: skip
    yield database
    database.close()
