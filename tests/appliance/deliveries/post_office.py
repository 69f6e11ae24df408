"""An office with messages in its outbox, a real mail server, servers that misbehave, and a worker beside them."""

import asyncio
import contextlib
import email
import email.policy
import json
import ssl
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlite_utils import Database

from appliance.config import Settings
from appliance.deliveries.worker import DeliveryWorker
from appliance.store import Store, connect, migrate, transaction

CERTIFICATE = Path(__file__).parent / "self_signed.pem"  # for 127.0.0.1, with its key; known to nobody
AT = "2026-11-20T09:00:00.000Z"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sink:
    """A mail server that keeps what it takes; ``answer`` may refuse instead."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.answers: list[str] = []
        self.recipient_answers: dict[str, str] = {}

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.recipient_answers:
            return self.recipient_answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        return "250 OK"

    @property
    def mails(self) -> list[EmailMessage]:
        return [_parsed(raw) for raw in self.raw]


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


class _OnAnyPort(Controller):
    """aiosmtpd's controller asks its own port whether it is up: tell it which one the system gave."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def a_server(sink: Sink, port: int = 0, **options: Any) -> Iterator[int]:
    """Run a real SMTP server for the sink; its port."""
    controller = _OnAnyPort(sink, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def authenticator(username: str, password: str) -> Callable[..., AuthResult]:
    """Accepts exactly this sign-in."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (username.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    return check


@contextlib.asynccontextmanager
async def a_liar(talk: Talk) -> AsyncIterator[int]:
    """A server that says what ``talk`` says; its port."""
    talks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()


class Office:
    """An office for deliveries: its store, and short words for what tests do."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.settings = Settings(home=home, web_url="https://desk.example.com")
        self.db: Database = connect(self.settings.database)
        migrate(self.db)
        self.db.table("office").insert(
            {
                "only_row": 1,
                "name": "Nasim House",
                "timezone": "Asia/Tehran",
                "language": "en",
                "owner_email": "owner@example.com",
            }
        )
        for language in ("en", "fa", "ru", "ms"):
            name = {"fa": "نانوایی نسیم", "ru": "Пекарня «Насим»"}.get(language, "Nasim Bakery")
            self.db.table("businesses").insert(
                {"business_id": f"bakery-{language}", "name": name, "language": language}
            )
        self.changes = 0
        self._count = 0

    def smtp(self, port: int, **more: Any) -> None:
        """Set the mail server."""
        settings = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "desk@nasim.example", **more}
        with transaction(self.db):
            for name, value in settings.items():
                self.db.execute(f"UPDATE office SET {name} = ?", [value])

    def a_message(self, recipient: str = "ana@example.com", *, language: str = "en", **more: Any) -> str:
        """A message with one delivery; the delivery's id."""
        self._count += 1
        seconds = more.pop("seconds", None)
        row = {
            "message_id": f"msg_{self._count}",
            "business_id": f"bakery-{language}",
            "kind": "note",
            "for_whom": "Ali",
            "from_name": "Sara Karimi",
            "callback_number": "+982188001122",
            "body": "Please call back about the cake.",
            "created_at": AT,
            **more,
        }
        with transaction(self.db):
            self.db.table("messages").insert(row)
            self.db.table("outbox").insert(
                {
                    "delivery_id": f"dlv_{self._count}",
                    "kind": "mail",
                    "business_id": row["business_id"],
                    "message_id": row["message_id"],
                    "recipient": recipient,
                    "payload": json.dumps({"seconds": seconds} if seconds else {}),
                    "next_attempt_at": AT,
                    "created_at": AT,
                }
            )
        return f"dlv_{self._count}"

    def a_voicemail(self, *, seconds: float = 3.0, there: bool = True, **more: Any) -> str:
        """A voicemail with its sound (or without the file) and one delivery; the delivery's id."""
        n = self._count + 1
        path = self.settings.recordings / "2026" / f"rec_{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if there:
            with wave.open(str(path), "wb") as out:
                out.setparams((1, 2, 8000, 0, "NONE", ""))
                out.writeframes(b"\1\0" * int(8000 * seconds))
        with transaction(self.db):
            self.db.table("calls").insert(
                {
                    "call_id": f"call_{n}",
                    "business_id": "bakery-en",
                    "direction": "inbound",
                    "state": "voicemail",
                    "dialled": "+982188001122",
                    "started_at": AT,
                }
            )
            self.db.table("recordings").insert(
                {
                    "recording_id": f"rec_{n}",
                    "call_id": f"call_{n}",
                    "kind": "voicemail",
                    "path": f"2026/rec_{n}.wav",
                    "state": "ready",
                    "channels": 1,
                    "seconds": seconds,
                    "started_at": AT,
                }
            )
        own = {"kind": "voicemail", "call_id": f"call_{n}", "recording_id": f"rec_{n}", "body": "", "for_whom": ""}
        return self.a_message(**{**own, "from_name": "", **more})

    def row(self, delivery_id: str) -> dict[str, Any]:
        """The delivery as it stands."""
        return next(iter(self.db.query("SELECT * FROM outbox WHERE delivery_id = ?", [delivery_id])))

    def changed(self) -> None:
        """What the worker calls."""
        self.changes += 1

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[DeliveryWorker]:
        """A worker of this office, running."""
        store = Store(self.settings.database)
        worker = DeliveryWorker(store, self.settings, self.changed)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            assert not running.done(), "the worker must never end by itself"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            store.close()

    async def until(self, delivery_id: str, *, seconds: float = 10.0, **expected: Any) -> dict[str, Any]:
        """Wait until the delivery's row has these values; the row."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    row = await asyncio.to_thread(self.row, delivery_id)
                    if all(row[name] == value for name, value in expected.items()):
                        return row
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"expected {expected}, there is {self.row(delivery_id)}") from None


def self_signed() -> ssl.SSLContext:
    """A server's TLS context with a certificate nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
