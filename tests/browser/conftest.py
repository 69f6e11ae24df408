"""A served office with a stand-in for the core, and real browsers at phone and desktop size."""

import asyncio
import io
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from appliance import clock
from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.contacts import service as contacts
from appliance.control.server import ControlServer
from appliance.errors import Conflict
from appliance.extensions import service as extensions
from appliance.office import service as offices
from appliance.store import connect, migrate, transaction

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


CHROMIUM_PATH = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


def driver_starts() -> bool:
    """Whether what drives the browser runs on this machine."""
    node, *_ = compute_driver_executable()
    return subprocess.run([node, "--version"], capture_output=True).returncode == 0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotPickedUp(Conflict):
    """As the core refuses when a phone is not picked up."""

    code = "phone-not-answered"


class StandInCore:
    """Answers like the core and writes its heartbeat; what it is asked is kept."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.ring_result = "answered"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: ControlServer | None = None
        self._thread: threading.Thread | None = None
        self._going = False

    def start(self) -> None:
        ready = threading.Event()

        async def run() -> None:
            names = (
                "ping",
                "config-changed",
                "status",
                "ring-phone",
                "hang-up",
                "agent-changed",
                "outbox-changed",
                "record-prompt",
                "transfer",
            )
            self._server = ControlServer(self.settings.socket, {name: self._command(name) for name in names})
            await self._server.start()
            self._loop = asyncio.get_running_loop()
            self._beat()
            ready.set()
            while self._going:
                await asyncio.sleep(0.5)
                self._beat()
            await self._server.stop()

        self._going = True
        self._thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        self._going = False
        if self._thread:
            self._thread.join(10)

    def _beat(self) -> None:
        with closing(connect(self.settings.database).conn) as raw:
            at = clock.stamp()
            raw.execute("INSERT OR REPLACE INTO core_status VALUES (1, 1, 'simulator', '0.1.0', ?, ?)", [at, at])

    def _command(self, name: str) -> Callable[..., Any]:
        async def answer(**values: Any) -> dict[str, Any]:
            self.asked.append((name, values))
            if name == "ring-phone":
                await asyncio.sleep(0.5)
                if self.ring_result != "answered":
                    raise NotPickedUp(f"The phone was not answered ({self.ring_result}).")
                return {"result": "answered"}
            if name == "transfer":
                return {"result": "transferred"}
            return {}

        return answer

    def tell(self, event: str, **values: Any) -> None:
        """Publish an event."""
        assert self._loop
        assert self._server
        self._loop.call_soon_threadsafe(self._server.publish, {"event": event, **values})


class Served:
    """An office under gunicorn."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, bind="127.0.0.1", web_port=free_port(), sip_port=15060)
        self.settings.run.mkdir(parents=True)
        self.db = connect(self.settings.database)
        migrate(self.db)
        self.core = StandInCore(self.settings)
        self.url = f"http://127.0.0.1:{self.settings.web_port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start_web(self) -> None:
        environment = {
            **os.environ,
            "FRONTDESK_HOME": str(self.settings.home),
            "FRONTDESK_WEB_PORT": str(self.settings.web_port),
            "FRONTDESK_BIND": "127.0.0.1",
            "FRONTDESK_SIP_PORT": "15060",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "python:web.gunicorn_conf", "web.wsgi:app"],
            cwd=ROOT,
            env=environment,
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.settings.web_port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("web does not listen")

    def stop_web(self) -> float:
        """End web in order; how many seconds it took."""
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(40)
        self._process = None
        return time.monotonic() - began

    def close(self) -> None:
        self.stop_web()
        self.core.stop()
        self.db.conn.close()

    # --- what happens in the office ---

    def furnish(self, language: str = "en") -> None:
        """Two businesses, an owner, an agent, a known caller."""
        with transaction(self.db) as db:
            offices.create_office(
                db, name="Nasim House", timezone="Asia/Tehran", language=language, owner_email="ana@example.com"
            )
            offices.finish_set_up(db)
            fa = language == "fa"
            businesses.create_business(
                db,
                "bakery",
                name="نانوایی نسیم" if fa else "Nasim Bakery",
                language=language,
                numbers=["+982188001122"],
                answer_as="نانوایی نسیم، سلام، بفرمایید" if fa else "Nasim Bakery, good day, how may I help you?",
                messages_to=["ana@example.com"],
                hours={"sat-wed": "09:00-18:00", "thu": "09:00-13:00"},
            )
            businesses.create_business(
                db, "clinic", name="کلینیک رز" if fa else "Rose Clinic", language=language, numbers=["+982188003344"]
            )
            for agent_id, name, extension in (
                ("sara", "سارا کریمی" if fa else "Sara Karimi", "101"),
                ("ben", "Ben Berg", "102"),
            ):
                extensions.create_extension(db, extension, name=name)
                agents.create_agent(db, agent_id, name, extension, {"bakery": "shared", "clinic": "shared"})
            accounts.create_user(db, login="ana", name="Ana Azad", role="owner", password=PASSWORD)
            accounts.create_user(
                db,
                login="sara",
                name="سارا کریمی" if fa else "Sara Karimi",
                role="agent",
                agent_id="sara",
                password=PASSWORD,
            )
            contacts.save_contact(
                db,
                "bakery",
                "+989121234567",
                name="داود احمدی" if fa else "Dov Adler",
                note="Orders cakes for Fridays.",
            )

    def register(self, extension: str) -> None:
        """A phone registers."""
        with transaction(self.db) as db:
            db.execute(
                "INSERT OR REPLACE INTO registrations VALUES (?, ?, 'udp:192.0.2.7:5062', 'Linphone/5.2', ?, ?)",
                [extension, f"sip:{extension}@192.0.2.7", clock.stamp(), "2099-01-01T00:00:00.000Z"],
            )
        self.core.tell("phones", extension=extension)

    def call(self, caller: str = "+989121234567", business: str = "bakery") -> str:
        """A call arrives and waits."""
        with transaction(self.db) as db:
            call_id = calls.start_call(
                db, direction="inbound", business_id=business, caller_number=caller, dialled="+982188001122"
            )
            calls.add_event(db, call_id, Kind.GREETED)
            calls.add_event(db, call_id, Kind.WAITING)
        self.core.tell("call", call_id=call_id, business_id=business, agent_id=None, state="waiting", phase="waiting")
        return call_id

    def happen(self, call_id: str, *kinds: Kind, agent: str | None = "sara", **detail: Any) -> None:
        """Something happens to a call."""
        with transaction(self.db) as db:
            for kind in kinds:
                row = calls.add_event(db, call_id, kind, agent_id=agent, **detail)
        self.core.tell(
            "call",
            call_id=call_id,
            business_id=row["business_id"],
            agent_id=agent,
            state=row["state"],
            phase=row["phase"],
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    office = Served(tmp_path / "office")
    office.core.start()
    office.start_web()
    yield office
    office.close()


@pytest.fixture(scope="module")
def play() -> Iterator[Playwright]:
    # ends with the file: as long as it lives no other test of this process may have an event loop
    if CHROMIUM_PATH is None:
        pytest.skip("Chromium (Debian's chromium) is not installed")
    if not driver_starts():
        pytest.skip("Playwright's driver does not start (Debian's libatomic1 is missing?)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(play: Playwright) -> Iterator[Browser]:
    running = play.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM)
    yield running
    running.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a size; at the end no script may have failed on it."""
    contexts, faults = [], list[str]()

    def open_page(size: str = "desktop", **more: Any) -> Page:
        context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", **more)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def sign_a_person_in(page: Page, served: Served, login: str) -> None:
    """Fill the form and wait for the first page."""
    page.goto(served.url + "/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button.primary")
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture
def sign_in() -> Callable[[Page, Served, str], None]:
    return sign_a_person_in


@pytest.fixture
def sound() -> bytes:
    """Half a minute of a tone."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<8h", 0, 5600, 8000, 5600, 0, -5600, -8000, -5600) * 30_000)
    return out.getvalue()
