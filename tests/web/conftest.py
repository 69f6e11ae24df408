"""An office on disk, its pages, and the cast: Ana owns, Ben and Cleo are agents of different businesses."""

import io
import math
import re
import struct
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlite_utils import Database
from werkzeug.test import TestResponse

from appliance import clock
from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.extensions import service as extensions
from appliance.messages import service as messages
from appliance.office import service as offices
from appliance.store import connect, migrate, transaction
from web.app import create_app

PASSWORD = "correct horse battery"
Builder = Callable[..., str]


@dataclass
class House:
    """The office of a test and what can be done in it."""

    settings: Settings
    db: Database
    app: Flask

    def client(self) -> "Browser":
        """A browser that has not signed in."""
        return Browser(self.app)

    def signed_in(self, login: str) -> "Browser":
        """A browser in which this person is signed in."""
        browser = self.client()
        answer = browser.send("/sign-in", login=login, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return browser


class Browser:
    """A test client that finds the token in the last page, as a browser does."""

    def __init__(self, app: Flask) -> None:
        self.http: FlaskClient = app.test_client()

    def get(self, address: str, **more: Any) -> TestResponse:
        """Ask for a page."""
        return self.http.get(address, **more)

    def token(self, page: str = "/sign-in") -> str:
        """The token of a page's forms."""
        text = self.http.get(page, follow_redirects=True).text
        found = re.search(r'X-CSRF-Token": "([0-9a-f]+)"', text)
        assert found, text[:500]
        return found[1]

    def send(self, address: str, *, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        """Send a form with the token."""
        return self.http.post(address, data={**fields, "csrf_token": self.token()}, headers=headers)


def a_sound(seconds: float = 2.0) -> bytes:
    """A WAV of a tone."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(int(8000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", s) for s in samples))
    return out.getvalue()


@pytest.fixture
def sound() -> bytes:
    """A WAV one can hear."""
    return a_sound()


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose; here it is not what is tested."""
    monkeypatch.setattr(
        "appliance.accounts.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "office", bind="127.0.0.1", web_port=18080, sip_port=15060)


@pytest.fixture
def empty(settings: Settings) -> Iterator[House]:
    """An office in which nothing has been set up."""
    settings.run.mkdir(parents=True)
    db = connect(settings.database)
    migrate(db)
    yield House(settings, db, create_app(settings))
    db.conn.close()


@pytest.fixture
def house(empty: House) -> House:
    """An office with two businesses and three people."""
    with transaction(empty.db) as db:
        offices.create_office(
            db, name="Nasim House", timezone="Asia/Tehran", language="en", owner_email="ana@example.com"
        )
        offices.finish_set_up(db)
        businesses.create_business(
            db,
            "bakery",
            name="Nasim Bakery",
            language="en",
            numbers=["+982188001122"],
            answer_as="Nasim Bakery, hello?",
            messages_to=["ana@example.com"],
        )
        businesses.create_business(db, "clinic", name="Rose Clinic", language="en", numbers=["+982188003344"])
        for agent_id, name, extension, business in (
            ("ben", "Ben Berg", "101", "bakery"),
            ("cleo", "Cleo Kar", "102", "clinic"),
        ):
            extensions.create_extension(db, extension, name=name)
            agents.create_agent(db, agent_id, name, extension, {business: "shared"})
        accounts.create_user(db, login="ana", name="Ana", role="owner", password=PASSWORD)
        accounts.create_user(db, login="ben", name="Ben Berg", role="agent", agent_id="ben", password=PASSWORD)
        accounts.create_user(db, login="cleo", name="Cleo Kar", role="agent", agent_id="cleo", password=PASSWORD)
    return empty


@pytest.fixture
def ana(house: House) -> Browser:
    return house.signed_in("ana")


@pytest.fixture
def ben(house: House) -> Browser:
    return house.signed_in("ben")


@pytest.fixture
def cleo(house: House) -> Browser:
    return house.signed_in("cleo")


@pytest.fixture
def core_up(house: House) -> Callable[[], None]:
    """Write the heartbeat of a living core."""

    def beat() -> None:
        with transaction(house.db) as db:
            db.execute(
                "INSERT OR REPLACE INTO core_status VALUES (1, 1, 'simulator', '0.1', ?, ?)",
                [clock.stamp(), clock.stamp()],
            )

    beat()
    return beat


@pytest.fixture
def a_call(house: House) -> Builder:
    """Builds a call: ringing, talking, answered, missed."""

    def build(
        state: str = "answered",
        *,
        business: str = "bakery",
        agent: str | None = "ben",
        caller: str = "+989121234567",
        direction: str = "inbound",
    ) -> str:
        with transaction(house.db) as db:
            call_id = calls.start_call(
                db, direction=direction, business_id=business, caller_number=caller, dialled="+982188001122"
            )
            calls.add_event(db, call_id, Kind.GREETED)
            calls.add_event(db, call_id, Kind.WAITING)
            if state == "missed":
                calls.add_event(db, call_id, Kind.ENDED, cause="cancelled", by="caller")
                return call_id
            calls.add_event(db, call_id, Kind.OFFERED, agent_id=agent)
            calls.add_event(db, call_id, Kind.RANG, agent_id=agent)
            if state == "ringing":
                return call_id
            calls.add_event(db, call_id, Kind.ANSWERED, agent_id=agent)
            if state == "answered":
                calls.add_event(db, call_id, Kind.ENDED, cause="normal", by="caller")
        return call_id

    return build


@pytest.fixture
def a_recording(house: House) -> Builder:
    """Builds a recording of a call, with its file."""

    def build(call_id: str, kind: str = "call") -> str:
        recording_id, data = f"rec_{call_id[5:]}", a_sound()
        path = house.settings.recordings / f"{recording_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        with transaction(house.db) as db:
            at = clock.stamp()
            db.execute(
                "INSERT INTO recordings VALUES (?, ?, ?, ?, 'ready', 1, 2.0, ?, ?, ?)",
                [recording_id, call_id, kind, path.name, len(data), at, at],
            )
            db.execute("UPDATE calls SET recording_id = ? WHERE call_id = ?", [recording_id, call_id])
        return recording_id

    return build


@pytest.fixture
def a_message(house: House) -> Builder:
    """Builds a message."""

    def build(business: str = "bakery", body: str = "Please call back about the cake.") -> str:
        with transaction(house.db) as db:
            return messages.take_message(
                db, business_id=business, from_name="Dov", callback_number="+989121234567", body=body
            ).message_id

    return build
