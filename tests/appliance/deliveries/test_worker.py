"""The worker against a real mail server and against servers that misbehave."""

import asyncio
import os
import signal
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock, config
from appliance.config import Settings
from appliance.deliveries import mail, rules, service, smtp, store, worker
from appliance.deliveries.errors import DeliveryNotFound, DeliveryUnderWay
from appliance.deliveries.worker import read_sound, web_address
from appliance.store import transaction
from tests.appliance.deliveries.post_office import (
    CERTIFICATE,
    Office,
    Sink,
    Talk,
    a_liar,
    a_server,
    authenticator,
    self_signed,
)

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def test_message_arrives_once_and_the_row_says_so(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port)
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="delivered")
                await asyncio.sleep(1.5)
        assert (row["attempts"], row["last_error"]) == (1, "")
        assert row["delivered_at"]

    asyncio.run(story())
    assert sink.envelopes == [("desk@nasim.example", ["ana@example.com"])]
    assert office.changes >= 2


def test_without_a_mail_server_it_waits_visibly_and_leaves_within_two_seconds_of_one(
    office: Office, sink: Sink
) -> None:
    async def story() -> None:
        delivery = office.a_message()
        async with office.at_work():
            row = await office.until(delivery, last_error="no-smtp")
            assert (row["state"], row["attempts"]) == ("waiting", 0)
            with a_server(sink) as port:
                office.smtp(port)  # nobody wakes the worker
                await office.until(delivery, seconds=2.0, state="delivered")

    asyncio.run(story())


def test_new_settings_do_not_sit_out_the_back_off_of_the_old_ones(office: Office, sink: Sink) -> None:
    async def story() -> None:
        delivery = office.a_message()
        with a_server(sink) as port:
            office.smtp(port, smtp_host="no-such-host.invalid")
            async with office.at_work():
                row = await office.until(delivery, state="waiting", attempts=1, seconds=15)
                assert row["last_error"].startswith("no-such-host")
                assert row["next_attempt_at"] > clock.stamp()
                office.smtp(port)
                await office.until(delivery, seconds=2.0, state="delivered")

    asyncio.run(story())


def test_no_sender_address_is_told_apart_from_no_server(office: Office) -> None:
    async def story() -> None:
        office.smtp(2525, smtp_from="", owner_email="")
        delivery = office.a_message()
        async with office.at_work():
            await office.until(delivery, last_error="no-sender")

    asyncio.run(story())


# --- servers that refuse ---


def test_refused_recipient_fails_at_once_while_the_other_arrives(office: Office, sink: Sink) -> None:
    async def story() -> None:
        sink.recipient_answers["gone@example.com"] = "550 5.1.1 No such user here"
        with a_server(sink) as port:
            office.smtp(port)
            gone, there = office.a_message("gone@example.com"), office.a_message("there@example.com")
            async with office.at_work():
                row = await office.until(gone, state="failed")
                await office.until(there, state="delivered")
        assert row["attempts"] == 1
        assert row["last_error"] == "recipient-refused: 550 5.1.1 No such user here"
        assert "does not accept the recipient's address" in service.get_delivery(office.db, gone).reason

    asyncio.run(story())


def test_full_mailbox_is_tried_again_and_then_arrives(
    office: Office, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FIRST_SECONDS", 0.2)

    async def story() -> None:
        sink.answers = ["452 4.2.2 Mailbox full", "451 later"]
        with a_server(sink) as port:
            office.smtp(port)
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="delivered")
        assert row["attempts"] == 3
        assert row["last_error"] == ""

    asyncio.run(story())


def test_refused_mail_fails_with_what_the_server_said(office: Office, sink: Sink) -> None:
    async def story() -> None:
        sink.answers = ["554 5.7.1 Looks like spam\u00e9".encode().decode("latin-1")]
        with a_server(sink) as port:
            office.smtp(port)
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="failed")
        assert row["last_error"].startswith("mail-refused: 554 5.7.1 Looks like spam")

    asyncio.run(story())


def test_after_two_days_of_attempts_it_fails_and_can_be_sent_again_by_hand(office: Office, sink: Sink) -> None:
    async def story() -> None:
        sink.answers = ["451 not now"]
        delivery = office.a_message()
        office.db.execute("UPDATE outbox SET attempts = ?", [rules.most_attempts() - 1])
        with a_server(sink) as port:
            office.smtp(port)
            async with office.at_work() as at_work:
                row = await office.until(delivery, state="failed")
                assert row["last_error"] == "mail-later: 451 not now"
                with transaction(office.db):
                    service.retry(office.db, delivery)
                at_work.wake()
                row = await office.until(delivery, state="delivered")
                assert row["attempts"] == 1

    asyncio.run(story())


def test_wrong_password_is_named_and_the_right_one_delivers(office: Office, sink: Sink) -> None:
    async def story() -> None:
        options = {"authenticator": authenticator("desk", "right"), "auth_require_tls": False}
        with a_server(sink, **options) as port:
            office.smtp(port, smtp_username="desk", smtp_password="wrong")
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="waiting", attempts=1)
                assert row["last_error"].startswith("bad-login: 535")
                office.smtp(port, smtp_username="desk", smtp_password="right")
                await office.until(delivery, seconds=2.5, state="delivered")

    asyncio.run(story())


def test_server_without_sign_in_is_named(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port, smtp_username="desk", smtp_password="x")
            delivery = office.a_message()
            async with office.at_work():
                await office.until(delivery, state="waiting", attempts=1, last_error="no-login")

    asyncio.run(story())


# --- encryption ---


@pytest.mark.parametrize("security", ["auto", "starttls"])
def test_starttls_is_used_where_offered_and_a_known_certificate_is_trusted(
    office: Office, sink: Sink, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async def story() -> None:
        options: dict[str, Any] = {"tls_context": self_signed(), "require_starttls": True}
        with a_server(sink, **options) as port:
            office.smtp(port, smtp_security=security)
            async with office.at_work():
                await office.until(office.a_message(), state="delivered")

    asyncio.run(story())


def test_tls_from_the_first_byte_delivers(office: Office, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async def story() -> None:
        with a_server(sink, ssl_context=self_signed()) as port:
            office.smtp(port, smtp_security="tls")
            async with office.at_work():
                await office.until(office.a_message(), state="delivered")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("security", "options"),
    [
        ("auto", {"tls_context": True}),
        ("starttls", {"tls_context": True}),
        ("tls", {"ssl_context": True}),
    ],
)
def test_unknown_certificate_is_refused_and_named(
    office: Office, sink: Sink, security: str, options: dict[str, Any]
) -> None:
    async def story() -> None:
        with a_server(sink, **{name: self_signed() for name in options}) as port:
            office.smtp(port, smtp_security=security)
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="waiting", attempts=1)
        assert row["last_error"].startswith("bad-certificate")
        assert sink.raw == []

    asyncio.run(story())


def test_encryption_that_is_demanded_and_not_offered_is_named(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port, smtp_security="starttls")
            delivery = office.a_message()
            async with office.at_work():
                await office.until(delivery, state="waiting", attempts=1, last_error="no-starttls")
            office.smtp(port, smtp_security="tls")
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="waiting", attempts=1)
                assert row["last_error"].startswith("tls-failed")
        assert sink.raw == []

    asyncio.run(story())


def test_password_leaves_unencrypted_only_for_this_machine_or_by_choice() -> None:
    assert smtp.is_this_machine("localhost")
    assert smtp.is_this_machine("127.0.0.9")
    assert smtp.is_this_machine("::1")
    assert not smtp.is_this_machine("192.168.1.5")
    assert not smtp.is_this_machine("localhost.example.com")


# --- servers that are none ---


async def dies_at_once(_reader: Reader, _writer: Writer) -> None:
    return


async def dies_after_greeting(reader: Reader, writer: Writer) -> None:
    writer.write(b"220 hello\r\n")
    await reader.readline()


async def dies_after_data(reader: Reader, writer: Writer) -> None:
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"DATA"):
            writer.write(b"354 go\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            return
        writer.write(b"250 ok\r\n")


async def says_nothing(reader: Reader, _writer: Writer) -> None:
    await reader.read()


async def says_nothing_after_greeting(reader: Reader, writer: Writer) -> None:
    writer.write(b"220 hello\r\n")
    await reader.read()


async def speaks_http(reader: Reader, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await reader.read(100)


async def sends_garbage(reader: Reader, writer: Writer) -> None:
    writer.write(os.urandom(5000) + b"\r\n")
    await reader.read(100)


async def never_ends_its_greeting(_reader: Reader, writer: Writer) -> None:
    while True:
        writer.write(b"220-" + b"x" * 1000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.005)


async def greets_like_ssh(reader: Reader, writer: Writer) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await reader.read(100)


async def is_busy(reader: Reader, writer: Writer) -> None:
    writer.write(b"421 4.3.2 too many connections\r\n")
    await reader.read(100)


async def refuses_starttls(reader: Reader, writer: Writer) -> None:
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"EHLO"):
            writer.write(b"250-me\r\n250 STARTTLS\r\n")
        elif line.upper().startswith(b"STARTTLS"):
            writer.write(b"454 TLS not available\r\n")
        else:
            writer.write(b"250 ok\r\n")


async def garbles_tls(reader: Reader, writer: Writer) -> None:
    writer.write(b"220 hello\r\n")
    await reader.readline()
    writer.write(b"250-me\r\n250 STARTTLS\r\n")
    await reader.readline()
    writer.write(b"220 go\r\n")
    await reader.read(100)
    writer.write(b"this is no tls at all, really not, not even close\r\n" * 5)
    await reader.read(100)


@pytest.mark.parametrize(
    ("talk", "codes"),
    [
        (dies_at_once, {"connection-lost"}),
        (dies_after_greeting, {"connection-lost"}),
        (dies_after_data, {"connection-lost"}),
        (says_nothing, {"timed-out"}),
        (says_nothing_after_greeting, {"timed-out"}),
        (never_ends_its_greeting, {"timed-out", "not-smtp"}),
        (speaks_http, {"not-smtp"}),
        (greets_like_ssh, {"not-smtp"}),
        (sends_garbage, {"not-smtp", "connection-lost"}),
        (is_busy, {"busy"}),
        (refuses_starttls, {"tls-failed"}),
        (garbles_tls, {"tls-failed", "connection-lost"}),
    ],
)
def test_server_that_misbehaves_is_named_and_the_mail_waits(
    office: Office, monkeypatch: pytest.MonkeyPatch, talk: Talk, codes: set[str]
) -> None:
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.7)
    monkeypatch.setattr(smtp, "WHOLE_SECONDS", 1.5)

    async def story() -> None:
        async with a_liar(talk) as port:
            office.smtp(port)
            delivery = office.a_message()
            async with office.at_work():
                row = await office.until(delivery, state="waiting", attempts=1)
        stored = service.get_delivery(office.db, delivery)
        assert row["last_error"].partition(":")[0] in codes, row["last_error"]
        assert stored.reason != stored.last_error, "there is a sentence for it"

    asyncio.run(story())


def test_port_where_nobody_listens_is_named(office: Office) -> None:
    async def story() -> None:
        async with a_liar(dies_at_once) as port:
            pass
        office.smtp(port)
        delivery = office.a_message()
        async with office.at_work():
            row = await office.until(delivery, state="waiting", attempts=1)
        assert row["last_error"].startswith("no-connection: ")

    asyncio.run(story())


def test_hanging_server_holds_up_two_mails_at_most_and_stopping_is_quick(office: Office) -> None:
    async def story() -> None:
        connected = 0

        async def hangs(reader: Reader, _writer: Writer) -> None:
            nonlocal connected
            connected += 1
            await reader.read()

        async with a_liar(hangs) as port:
            office.smtp(port)
            for _n in range(6):
                office.a_message()
            async with office.at_work():
                await office.until("dlv_1", state="sending")
                await asyncio.sleep(1.5)
                assert connected == 2
            states = [row["state"] for row in office.db.query("SELECT state FROM outbox")]
            assert sorted(set(states)) == ["sending", "waiting"]

    asyncio.run(asyncio.wait_for(story(), 10))


# --- content that the server cannot take ---


def test_mail_too_large_for_the_server_goes_again_without_the_sound(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with a_server(sink, data_size_limit=20_000) as port:
            office.smtp(port)
            delivery = office.a_voicemail(seconds=10)
            async with office.at_work():
                row = await office.until(delivery, state="delivered")
        assert row["attempts"] == 2

    asyncio.run(story())
    (arrived,) = sink.mails
    assert list(arrived.iter_attachments()) == []
    plain = arrived.get_body(("plain",))
    assert plain is not None
    assert "not attached" in plain.get_content()


def test_address_of_any_script_arrives_or_is_refused_with_a_reason(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with a_server(sink, enable_SMTPUTF8=True) as port:
            office.smtp(port)
            async with office.at_work():
                await office.until(office.a_message("اوستا@نسیم.example"), state="delivered")
                await office.until(office.a_message("ana@пример.example"), state="delivered")
        assert sink.envelopes[1][1] == ["ana@xn--e1afmkfd.example"]
        assert sink.envelopes[0][1][0].startswith("اوستا@xn--")
        with a_server(Sink(), enable_SMTPUTF8=False) as port:
            office.smtp(port)
            async with office.at_work():
                row = await office.until(office.a_message("اوستا@example.com"), state="failed")
        assert row["last_error"].startswith("bad-recipient")

    asyncio.run(story())


@pytest.mark.parametrize("address", ["nobody", "@", "a@", "a b@c.de", "a@b.de\nBcc: c@d.ef", "a@" + "x" * 300 + ".de"])
def test_address_that_is_none_fails_at_once(office: Office, sink: Sink, address: str) -> None:
    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port)
            delivery = office.a_message(address)
            async with office.at_work():
                row = await office.until(delivery, state="failed")
        assert row["last_error"].partition(":")[0] in {"bad-recipient", "recipient-refused"}

    asyncio.run(story())
    assert sink.raw == []


def test_mail_that_cannot_be_written_stops_no_other(
    office: Office, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mail.compose

    def broken(letter: Any, *rest: Any) -> Any:
        if letter.delivery_id == "dlv_1":
            raise AttributeError("a fault of ours")
        return real(letter, *rest)

    monkeypatch.setattr(mail, "compose", broken)

    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port)
            bad, good = office.a_message(), office.a_message()
            async with office.at_work():
                await office.until(good, state="delivered")
                row = await office.until(bad, state="waiting", attempts=1)
        assert row["last_error"].startswith("unexpected: AttributeError")
        assert row["next_attempt_at"] > clock.stamp()

    asyncio.run(story())


# --- crashes, clocks, disks ---


def test_clock_that_was_put_back_does_not_keep_mail_waiting(office: Office, sink: Sink) -> None:
    async def story() -> None:
        delivery = office.a_message()
        office.db.execute("UPDATE outbox SET next_attempt_at = ?", [clock.stamp(clock.now() + timedelta(days=900))])
        with a_server(sink) as port:
            office.smtp(port)
            async with office.at_work():
                await office.until(delivery, state="delivered")

    asyncio.run(story())


def test_what_a_crash_left_under_way_is_sent_again_with_the_same_message_id(office: Office, sink: Sink) -> None:
    async def story() -> None:
        delivery = office.a_message()
        office.db.execute("UPDATE outbox SET state = 'sending', attempts = 1")
        with a_server(sink) as port:
            office.smtp(port)
            async with office.at_work():
                row = await office.until(delivery, state="delivered")
        assert row["attempts"] == 2
        assert sink.mails[0]["Message-ID"] == f"<{delivery}@nasim.example>"

    asyncio.run(story())


WORKER = """
import asyncio, sys
from pathlib import Path
from appliance.config import Settings
from appliance.deliveries.worker import DeliveryWorker
from appliance.store import Store

async def main():
    settings = Settings(home=Path(sys.argv[1]))
    await DeliveryWorker(Store(settings.database), settings).run()

asyncio.run(main())
"""


@pytest.mark.parametrize("round_", range(3))
def test_kill_9_in_the_middle_of_a_delivery_loses_nothing(office: Office, sink: Sink, round_: int) -> None:
    async def a_worker() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, str(office.settings.home))

    async def story() -> None:
        reached = asyncio.Event()

        async def stalls(reader: Reader, writer: Writer) -> None:
            writer.write(b"220 hello\r\n")
            while line := await reader.readline():
                if line.upper().startswith(b"DATA"):
                    writer.write(b"354 go\r\n")
                    if round_ == 1:
                        await reader.readuntil(b"\r\n.\r\n")
                    reached.set()
                    await reader.read()
                    return
                if round_ == 0 and line.upper().startswith(b"RCPT"):
                    reached.set()
                    await reader.read()
                    return
                writer.write(b"250 ok\r\n")

        deliveries = [office.a_message() for _n in range(4)]
        async with a_liar(stalls) as port:
            office.smtp(port)
            first = await a_worker()
            await asyncio.wait_for(reached.wait(), 20)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        assert "sending" in {row["state"] for row in office.db.query("SELECT state FROM outbox")}
        with a_server(sink) as port:
            office.smtp(port)
            second = await a_worker()
            for delivery in deliveries:
                await office.until(delivery, seconds=20, state="delivered")
            second.kill()
            await second.wait()
        ids = {mail["Message-ID"] for mail in sink.mails}
        assert ids == {f"<{delivery}@nasim.example>" for delivery in deliveries}

    asyncio.run(story())


def test_full_disk_while_writing_the_outcome_sends_nothing_twice(
    office: Office, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.1)
    real, refusals = store.delivered, 3

    def full(*values: Any) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise sqlite3.OperationalError("database or disk is full")
        real(*values)

    monkeypatch.setattr(store, "delivered", full)

    async def story() -> None:
        with a_server(sink) as port:
            office.smtp(port)
            delivery = office.a_message()
            async with office.at_work():
                await office.until(delivery, state="delivered")

    asyncio.run(story())
    assert len(sink.raw) == 1


# --- the service beside it ---


def test_lists_counts_and_verbs_keep_to_the_wall(office: Office) -> None:
    ours, theirs = office.a_message(), office.a_message(language="fa")
    wall = {"bakery-en"}
    page = service.list_deliveries(office.db, businesses=wall)
    assert [d.delivery_id for d in page.items] == [ours]
    assert service.counts(office.db, wall)["waiting"] == 1
    assert service.counts(office.db) == {"waiting": 2, "sending": 0, "delivered": 0, "failed": 0, "cancelled": 0}
    for verb in (service.retry, service.cancel):
        with pytest.raises(DeliveryNotFound), transaction(office.db):
            verb(office.db, theirs, businesses=wall)


def test_cancelled_delivery_never_leaves_until_it_is_sent_again_by_hand(office: Office, sink: Sink) -> None:
    async def story() -> None:
        held, goes = office.a_message(), office.a_message()
        with transaction(office.db):
            service.cancel(office.db, held)
            service.cancel(office.db, held)
        with a_server(sink) as port:
            office.smtp(port)
            async with office.at_work() as at_work:
                await office.until(goes, state="delivered")
                assert office.row(held)["state"] == "cancelled"
                with transaction(office.db):
                    service.retry(office.db, held)
                at_work.wake()
                await office.until(held, state="delivered")
                with pytest.raises(DeliveryUnderWay), transaction(office.db):
                    service.cancel(office.db, held)
                with pytest.raises(DeliveryUnderWay), transaction(office.db):
                    service.retry(office.db, held)

    asyncio.run(story())


def test_test_mail_arrives_in_the_offices_language(office: Office, sink: Sink) -> None:
    async def story() -> None:
        with transaction(office.db):
            office.db.execute("UPDATE office SET language = 'fa'")
            delivery = service.send_test(office.db, " ana@example.com ").delivery_id
        with a_server(sink) as port:
            office.smtp(port)
            async with office.at_work():
                await office.until(delivery, state="delivered")

    asyncio.run(story())
    (arrived,) = sink.mails
    page = arrived.get_body(("html",))
    assert page is not None
    assert 'dir="rtl"' in page.get_content()
    assert arrived["Content-Language"] == "fa"


def test_deliveries_are_paged_newest_first(office: Office) -> None:
    made = [office.a_message() for _n in range(9)]
    seen: list[str] = []
    cursor: str | None = None
    for _page in range(5):
        page = service.list_deliveries(office.db, businesses=None, state="open", before=cursor, limit=4)
        seen += [d.delivery_id for d in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"web_url": "https://desk.example.com"}, "https://desk.example.com"),
        ({"advertise": "192.0.2.7", "web_port": 8090}, "http://192.0.2.7:8090"),
        ({"bind": "127.0.0.1"}, ""),
        ({"bind": "192.0.2.8"}, "http://192.0.2.8:8080"),
    ],
)
def test_links_in_mails_lead_where_others_can_open_them(tmp_path: Path, values: dict[str, Any], expected: str) -> None:
    assert web_address(Settings(home=tmp_path, **values)) == expected


def test_an_address_for_links_that_is_none_stops_the_start() -> None:
    assert config.load({"FRONTDESK_WEB_URL": "https://desk.example.com/"}).web_url == "https://desk.example.com"
    with pytest.raises(config.BadSetting):
        config.load({"FRONTDESK_WEB_URL": "javascript:alert(1)"})


def test_sound_that_is_missing_or_too_large_is_left_out(tmp_path: Path) -> None:
    assert read_sound(tmp_path / "gone.wav") is None
    assert read_sound(tmp_path) is None
    large = tmp_path / "large.wav"
    with large.open("wb") as out:
        out.truncate(mail.MOST_SOUND_BYTES + 1)
    assert read_sound(large) is None
