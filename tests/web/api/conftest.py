"""An office with a little of everything, its API, and a token."""

import math
import os
import struct
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlite_utils import Database

from appliance import clock
from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.extensions import service as extensions
from appliance.lines import service as lines
from appliance.messages import service as messages
from appliance.office import service as office
from appliance.recordings import service as recordings
from appliance.store import connect, migrate, transaction
from appliance.store.core_status import Heart
from web.app import create_app


@dataclass
class Api:
    """The API with a token, as a program uses it."""

    client: FlaskClient
    token: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.token}", **headers})

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    db = connect(settings.database)
    migrate(db)
    with transaction(db):
        office.create_office(db, name="Nasim House", timezone="Asia/Tehran", language="en")
        for business_id, name in (("bakery", "Nasim Bakery"), ("florist", "Laleh")):
            businesses.create_business(db, business_id, name=name, language="en", messages_to=["o@example.com"])
        extensions.create_extension(db, "101")
        agents.create_agent(db, "sara", "Sara", "101", {"bakery": "shared"})
        lines.save_trunk(db, "primary", kind="peer", host="127.0.0.1:5090")
    yield db
    db.conn.close()


@pytest.fixture
def heart(settings: Settings, db: Database) -> Heart:
    """A core that has just beaten."""
    # a process that lives: this one
    now, pid = clock.stamp(), os.getpid()
    db.execute("INSERT INTO core_status VALUES (1, ?, 'builtin', '0.1.0', ?, ?)", [pid, now, now])
    return Heart(settings.database, "builtin", "0.1.0")


@pytest.fixture
def api(settings: Settings, db: Database) -> Api:
    with transaction(db):
        token = accounts.create_token(db, "till")
    return Api(create_app(settings).test_client(), token)


@pytest.fixture
def a_call(db: Database) -> Callable[..., str]:
    """Write down a finished call; its id."""

    def a_call(business_id: str | None = "bakery", caller: str = "+989121234567", *, answered: bool = True) -> str:
        with transaction(db):
            call_id = calls.start_call(
                db, direction="inbound", business_id=business_id, caller_number=caller, dialled="+982188001122"
            )
            if answered:
                calls.add_event(db, call_id, Kind.ANSWERED, agent_id="sara", t=2.0)
            calls.add_event(db, call_id, Kind.ENDED, cause="normal", by="caller", t=7.0)
        return call_id

    return a_call


@pytest.fixture
def a_recording(settings: Settings, db: Database, a_call: Callable[..., str]) -> tuple[str, str]:
    """A call with a second of sound; call id and recording id."""
    call_id = a_call()
    path = recordings.path_for(call_id, "call", clock.stamp())
    file = settings.recordings / path
    file.parent.mkdir(parents=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<hh", int(9000 * math.sin(i / 3)), 0) for i in range(8000)))
    with transaction(db):
        recordings.begin(db, "rec_1", call_id, "call", path, 2)
        recordings.finish(db, "rec_1", seconds=1.0, size=file.stat().st_size)
        db.execute("UPDATE calls SET recording_id = 'rec_1' WHERE call_id = ?", [call_id])
    return call_id, "rec_1"


@pytest.fixture
def a_message(db: Database) -> Callable[..., str]:
    """Write a message down; its id."""

    def a_message(business_id: str = "bakery", body: str = "Please call back") -> str:
        with transaction(db):
            return messages.take_message(
                db,
                business_id=business_id,
                taken_by="sara",
                for_whom="Nasim",
                from_name="Dov",
                callback_number="+989121234567",
                body=body,
            ).message_id

    return a_message
