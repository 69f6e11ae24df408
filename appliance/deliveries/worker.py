"""The worker that empties the outbox.

One attempt: claim the row (the attempt is written down before it is made), write the mail, send it, write down what
came of it. A row left in ``sending`` was under way when the core died: it is sent again, with the same Message-ID.
With no mail server set rows wait, and leave by themselves once there is one.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from sqlite_utils import Database

from appliance import clock
from appliance.addresses import local_address
from appliance.config import Settings
from appliance.deliveries import mail, reasons, rules, smtp, store
from appliance.deliveries.errors import NotSent
from appliance.deliveries.models import Letter, MailServer
from appliance.store import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
AT_ONCE = 2  # mails under way; a small box behind a small line
FINISH_SECONDS = 3.0  # for mails under way when the core stops
_LATER_SECONDS = 2 * rules.LONGEST_SECONDS


class DeliveryWorker:
    """Sends what waits. ``run()`` until cancelled; ``wake()`` after new rows or settings, from the same loop."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        on_change: Callable[[], object] = lambda: None,
        send: Callable[[MailServer, mail.Mail], Awaitable[None]] = smtp.send,
    ) -> None:
        self._send_mail = send
        self._store = store
        self._settings = settings
        self._on_change = on_change
        self._woken = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._server: MailServer | None = None

    def wake(self) -> None:
        """Look at the outbox now."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; whatever goes wrong with one mail or one look, the next goes on."""
        taken_up = False
        try:
            while True:
                try:
                    if not taken_up:
                        left = await self._store.write(store.take_up_again, clock.stamp())
                        taken_up = True
                        if left:
                            log.info("deliveries left under way by the last end of the core: %d", left)
                    await self._look()
                except sqlite3.Error as error:
                    log.error("outbox not readable: %s", error)
                await self._rest()
        finally:
            await self._finish()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()
        self._woken.clear()

    async def _finish(self) -> None:
        under_way = set(self._under_way.values())
        if under_way:
            _done, late = await asyncio.wait(under_way, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look(self) -> None:
        """One look at settings and outbox; begins what is due as far as there is room."""
        server = await self._store.read(store.mail_server)
        missing = "" if server.host and server.sender else "no-sender" if server.host else "no-smtp"
        if missing:
            self._server = None
            if await self._store.read(store.waits_for_another_reason, missing):
                await self._store.write(store.note_reason, missing)
                self._on_change()
            return
        if server != self._server:
            # new settings may mend what failed with the old ones: nobody should sit out a back-off
            await self._store.write(store.all_due, clock.stamp())
            self._server = server
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return
        now = clock.now()
        late = clock.stamp(now + timedelta(seconds=_LATER_SECONDS))
        for delivery_id in await self._store.read(store.due, clock.stamp(now), late, room):
            if delivery_id not in self._under_way:
                self._begin(delivery_id, server)

    def _begin(self, delivery_id: str, server: MailServer) -> None:
        task = asyncio.create_task(self._deliver(delivery_id, server))
        self._under_way[delivery_id] = task

        def ended(_task: asyncio.Task[None]) -> None:
            self._under_way.pop(delivery_id, None)
            self.wake()

        task.add_done_callback(ended)

    async def _deliver(self, delivery_id: str, server: MailServer) -> None:
        attempt = await self._claimed(delivery_id)
        if not attempt:
            return
        self._on_change()
        try:
            await self._send(delivery_id, server)
        except NotSent as refusal:
            await self._record_refusal(delivery_id, attempt, refusal)
        except Exception as error:  # the boundary: one mail that cannot be handled must not stop the others
            log.exception("delivery=%s attempt=%d", delivery_id, attempt)
            await self._record_refusal(delivery_id, attempt, NotSent("unexpected", f"{type(error).__name__}: {error}"))
        else:
            log.info("delivery=%s attempt=%d delivered", delivery_id, attempt)
            await self._record(lambda db: store.delivered(db, delivery_id, clock.stamp()))
        self._on_change()

    async def _claimed(self, delivery_id: str) -> int:
        try:
            return await self._store.write(store.claim, delivery_id)
        except sqlite3.Error as error:
            # what cannot be written down is not begun
            log.error("delivery=%s not begun: %s", delivery_id, error)
            await asyncio.sleep(LOOK_SECONDS)
            return 0

    async def _send(self, delivery_id: str, server: MailServer) -> None:
        letter = await self._store.read(store.letter, delivery_id, web_address(self._settings))
        if letter is None:
            raise NotSent("message-gone", permanent=True)
        sound = await asyncio.to_thread(self._sound_of, letter)
        try:
            written = await asyncio.to_thread(mail.compose, letter, server.sender, sound)
        except (ValueError, LookupError, TypeError) as error:
            log.exception("delivery=%s cannot be written", delivery_id)
            raise NotSent("not-written", str(error)) from error
        await self._send_mail(server, written)

    def _sound_of(self, letter: Letter) -> bytes | None:
        """The voicemail's sound where it goes along: at most 5 MB, and there."""
        if not letter.recording_path or not letter.with_sound:
            return None
        return read_sound(self._settings.recordings / letter.recording_path)

    async def _record_refusal(self, delivery_id: str, attempt: int, refusal: NotSent) -> None:
        error = reasons.text(refusal.code, refusal.detail)
        log.warning("delivery=%s attempt=%d not delivered: %s", delivery_id, attempt, error)
        next_at = clock.stamp(clock.now() + timedelta(seconds=rules.back_off_seconds(attempt)))
        if refusal.code == "too-large":
            letter = None
            with contextlib.suppress(sqlite3.Error):  # else it stayed in ``sending`` until the next start
                letter = await self._store.read(store.letter, delivery_id, "")
            if letter is not None and letter.recording_path and letter.with_sound:
                await self._record(lambda db: _again_without_sound(db, delivery_id, error))
                return
        if refusal.permanent or rules.gives_up(attempt):
            await self._record(lambda db: store.failed(db, delivery_id, error))
        else:
            await self._record(lambda db: store.put_off(db, delivery_id, error, next_at))

    async def _record(self, outcome: Callable[..., None]) -> None:
        """Write down what came of an attempt, however long the disk is full: else the mail would be sent twice."""
        while True:
            try:
                await self._store.write(outcome)
            except sqlite3.Error as error:
                log.error("outcome of a delivery not written: %s", error)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return


def _again_without_sound(db: Database, delivery_id: str, error: str) -> None:
    store.leave_out_sound(db, delivery_id)
    store.put_off(db, delivery_id, error, clock.stamp())


def read_sound(path: Path) -> bytes | None:
    """The file's bytes; None when it is missing, no file, or larger than goes into a mail. Blocks: not on the loop."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > mail.MOST_SOUND_BYTES:
                return None
            return file.read(mail.MOST_SOUND_BYTES + 1)[: mail.MOST_SOUND_BYTES]
    except OSError as error:
        log.warning("sound=%s not attached: %s", path.name, error)
        return None


def web_address(settings: Settings) -> str:
    """The admin's address for links in mails, "" where only this machine could open it."""
    if settings.web_url:
        return settings.web_url
    host = local_address(settings)
    return "" if smtp.is_this_machine(host) else f"http://{host}:{settings.web_port}"
