"""Make the pictures of the documents: `make screenshots`.

Fills a demo office, starts it, registers a phone, places a real call, and looks at the pages with Chromium at desktop
and phone size, in English and Persian. Owns: which pictures there are. Leaves out: the office (appliance/demo) and the
SIP peers (tests/peers).
"""

import asyncio
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from appliance import config
from appliance.accounts import service as accounts
from appliance.demo.filling import OFFICE_FILE, fill
from appliance.store import connect, transaction

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(__file__).parent
sys.path.insert(0, str(ROOT))
from tests.peers.softphone import Softphone  # noqa: E402  the tests' phone is no package of ours

PASSWORD = "for-the-pictures-only"  # noqa: S105
OWNER, AGENT = "mina@example.com", "sara"
SIZES = {"desktop": (1280, 800, 1), "phone": (390, 780, 2)}
MOST_BYTES = 150_000
# It is noon somewhere: the pictures show a day in full swing, whenever they are made
ZONES = (
    "Asia/Tehran", "Europe/Berlin", "America/Sao_Paulo", "America/Chicago", "America/Los_Angeles",
    "Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Pacific/Honolulu",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One page as somebody sees it."""

    name: str
    path: str
    who: str
    size: str
    language: str = "en"


@dataclass(frozen=True)
class Office:
    """The office that poses."""

    settings: config.Settings
    trunk_port: int

    @property
    def url(self) -> str:
        """Its pages."""
        return f"http://127.0.0.1:{self.settings.web_port}"

    def value(self, sql: str) -> str:
        """One value out of its store."""
        db = connect(self.settings.database, read_only=True)
        row = db.execute(sql).fetchone()
        db.close()
        return str(row[0]) if row else ""

    def speak(self, language: str) -> None:
        """Everybody reads that language from now on."""
        db = connect(self.settings.database)
        with transaction(db):
            for user in accounts.list_users(db):
                accounts.set_language(db, user.user_id, language)
        db.close()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def noon_zone() -> str:
    """A time zone where it is a working day around noon; Tehran when there is none."""

    def distance(zone: str) -> float:
        local = datetime.now(ZoneInfo(zone))
        return abs(local.hour - 13) + (24 if local.weekday() == 4 else 0)

    return min(ZONES, key=distance)


def furnish(home: Path) -> Office:
    """A demo office whose last call ended a moment ago."""
    trunk_port = free_port()
    env = {
        "FRONTDESK_BIND": "127.0.0.1",
        "FRONTDESK_WEB_PORT": str(free_port()),
        "FRONTDESK_SIP_PORT": str(free_port()),
        "FRONTDESK_RTP_PORTS": "28000-28099",
    }
    os.environ.update(env)
    settings = config.load(home=home)
    text = OFFICE_FILE.read_text(encoding="utf-8")
    text = text.replace('"Asia/Tehran"', f'"{noon_zone()}"').replace("127.0.0.1:5090", f"127.0.0.1:{trunk_port}")
    fill(settings, until=datetime.now(UTC) - timedelta(minutes=2), office_file=text.encode())
    db = connect(settings.database)
    with transaction(db):
        for user in accounts.list_users(db):
            accounts.set_password(db, user.user_id, PASSWORD)
    db.close()
    return Office(settings, trunk_port)


@asynccontextmanager
async def running(office: Office) -> AsyncIterator[None]:
    """The office, open."""
    command = [sys.executable, "-m", "appliance", "up", "--home", str(office.settings.home)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if process.returncode is not None:
                sys.exit("The office did not start; its words stand above.")
            try:
                await asyncio.to_thread(urllib.request.urlopen, f"{office.url}/healthz", timeout=2)
                break
            except (urllib.error.URLError, OSError):
                await asyncio.sleep(0.1)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def signed_in(browser: Browser, office: Office, who: str, size: str) -> AsyncIterator[Page]:
    """A browser of that size, with that person in it."""
    width, height, scale = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        has_touch=size == "phone",
        is_mobile=size == "phone",
    )
    page = await context.new_page()
    await page.goto(f"{office.url}/sign-in")
    await page.fill("[name=login]", who)
    await page.fill("[name=password]", PASSWORD)
    await page.press("[name=password]", "Enter")
    await page.wait_for_url(lambda url: "sign-in" not in url)
    yield page
    await context.close()


def save(name: str, shot: bytes) -> None:
    """As a small palette PNG. Raises ValueError for a picture that is too large."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    out = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    if out.tell() > MOST_BYTES:
        raise ValueError(f"{name} has {out.tell()} bytes")
    (FOLDER / f"{name}.png").write_bytes(out.getvalue())
    print(f"{name}.png  {image.width} × {image.height}  {out.tell() // 1000} kB")  # noqa: T201


async def take(browser: Browser, office: Office, picture: Picture) -> None:
    """Open the page and save what is seen."""
    async with signed_in(browser, office, picture.who, picture.size) as page:
        await page.goto(office.url + picture.path)
        await page.wait_for_timeout(600)  # fonts, and the first live event
        save(f"{picture.name}-{picture.size}-{picture.language}", await page.screenshot())


async def pose(browser: Browser, office: Office) -> None:
    """All pictures; the agent's console while her phone rings."""
    best = office.value(
        "SELECT call_id FROM calls WHERE state = 'answered' AND business_id = 'bakery' AND call_id IN"
        " (SELECT call_id FROM call_events WHERE kind = 'held') ORDER BY started_at DESC LIMIT 1"
    )
    pictures = [
        Picture("home", "/home", OWNER, "desktop"),
        Picture("home", "/home", OWNER, "phone"),
        Picture("call", f"/calls/{best}", OWNER, "phone"),
        Picture("messages", "/messages/", OWNER, "phone"),
        Picture("home", "/home", OWNER, "desktop", "fa"),
        Picture("calls", "/calls/", OWNER, "phone", "fa"),
    ]
    secret = office.value("SELECT sip_password FROM extensions WHERE extension = '101'")
    number = office.value("SELECT number FROM contacts WHERE name = 'Nasrin Sadeghi'")
    phone = await Softphone.open("101", secret, tone=700, office_port=office.settings.sip_port)
    trunk = await Softphone.open("trunk", tone=500, office_port=office.settings.sip_port, port=office.trunk_port)
    try:
        await phone.register()
        call = await trunk.call("+982188001122", shows=number)
        ringing = await phone.incoming(timeout=20)
        for size in SIZES:
            await take(browser, office, Picture("console", "/console", AGENT, size))
        await ringing.answer()
        await take(browser, office, Picture("talking", "/console", AGENT, "desktop"))
        for picture in (p for p in pictures if p.language == "en"):
            await take(browser, office, picture)
        office.speak("fa")
        for picture in (p for p in pictures if p.language == "fa"):
            await take(browser, office, picture)
        await call.hang_up()
    finally:
        await phone.close()
        await trunk.close()


async def main() -> None:
    """Make them all."""
    chromium = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("Chromium is missing: sudo apt install chromium fonts-noto-core")
    with tempfile.TemporaryDirectory(prefix="frontdesk-pictures-") as folder:
        office = await asyncio.to_thread(furnish, Path(folder) / "var")
        async with running(office), async_playwright() as play:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
            browser = await play.chromium.launch(executable_path=chromium, args=arguments)
            await pose(browser, office)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
