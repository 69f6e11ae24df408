"""The connection: signing in, answers in order, jobs, and errors that say how far a command got."""

import asyncio

import pytest

from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import (
    BadPassword,
    ConnectionRefused,
    EventSocketError,
    NoAnswer,
    Refused,
    SocketAway,
    WrongVersion,
)
from appliance.switch.freeswitch.link import Link
from tests.appliance.switch.freeswitch.fake_freeswitch import FakeFreeSwitch, event, reply, response


def run(work):
    asyncio.run(asyncio.wait_for(work, 20))


async def connect(fake, on_event=lambda event: None, password="right"):
    return await EventSocket.connect("127.0.0.1", fake.port, password, on_event)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.01)


def test_answers_belong_to_their_commands_though_events_come_between():
    async def work():
        heard = []
        answers = {
            "api one": event(Event_Name="DTMF", DTMF_Digit="1") + response("1"),
            "api two": response("2") + event(Event_Name="DTMF", DTMF_Digit="2"),
        }
        async with FakeFreeSwitch(answers) as fake:
            socket = await connect(fake, heard.append)
            got = await asyncio.gather(socket.api("one"), socket.api("two"), socket.api("one"))
            await socket.close()
        assert got == ["1", "2", "1"]
        assert [e["DTMF-Digit"] for e in heard] == ["1", "2", "1"]

    run(work())


def test_bad_password_is_said():
    async def work():
        async with FakeFreeSwitch() as fake:
            with pytest.raises(BadPassword):
                await connect(fake, password="wrong")

    run(work())


def test_nobody_listening_is_said():
    async def work():
        async with FakeFreeSwitch() as fake:
            pass
        with pytest.raises(ConnectionRefused) as caught:
            await connect(fake)
        assert str(fake.port) in caught.value.message
        assert caught.value.reached == "not-sent"

    run(work())


@pytest.mark.parametrize("version", ["FreeSWITCH Version 1.8.7~64bit", "Asterisk 20.1", ""])
def test_another_version_is_said(version):
    async def work():
        async with FakeFreeSwitch({"api version": response(version)}) as fake:
            with pytest.raises(WrongVersion):
                await connect(fake)

    run(work())


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n\n\n", b"Content-Type: text/rude-rejection\n\n"])
def test_another_kind_of_server_is_an_error_and_no_wait_forever(greeting):
    async def work():
        async with FakeFreeSwitch(greeting=greeting) as fake:
            with pytest.raises(EventSocketError):
                await connect(fake)

    run(work())


def test_refusals_carry_what_freeswitch_said():
    async def work():
        answers = {"api uuid_kill": response("-ERR No such channel!\n"), "api sofia": response("-USAGE: sofia help")}
        async with FakeFreeSwitch(answers) as fake:
            socket = await connect(fake)
            with pytest.raises(Refused) as caught:
                await socket.api("uuid_kill x")
            assert (caught.value.reply, caught.value.reached) == ("No such channel!", "refused")
            with pytest.raises(Refused):
                await socket.api("sofia")
            await socket.close()

    run(work())


def test_late_answer_does_not_become_the_next_ones():
    async def work():
        answers = {"api slow": b"", "api quick": lambda c: response("slow's") + response("quick's")}
        async with FakeFreeSwitch(answers) as fake:
            socket = await connect(fake)
            with pytest.raises(NoAnswer) as caught:
                await socket.api("slow", timeout=0.05)
            assert caught.value.reached == "unconfirmed"
            assert await socket.api("quick") == "quick's"
            await socket.close()

    run(work())


def test_command_cut_off_by_the_end_is_unconfirmed_and_the_next_is_not_sent():
    async def work():
        async with FakeFreeSwitch({"api hang": b""}) as fake:
            socket = await connect(fake)
            asked = asyncio.create_task(socket.api("hang"))
            await until(lambda: "api hang" in fake.commands)
            await fake.close()
            with pytest.raises(SocketAway) as caught:
                await asked
            assert caught.value.reached == "unconfirmed"
            with pytest.raises(SocketAway) as caught:
                await socket.api("status")
            assert caught.value.reached == "not-sent"

    run(work())


def test_job_gives_its_result_and_one_cut_off_was_accepted():
    async def work():
        async with FakeFreeSwitch() as fake:
            socket = await connect(fake)
            first, second = await socket.bgapi("originate a"), await socket.bgapi("originate b")
            name = fake.commands[-2].rpartition("Job-UUID: ")[2]
            fake.send(event(Event_Name="BACKGROUND_JOB", Job_UUID=name, _body="-ERR USER_BUSY\n"))
            assert await first == "-ERR USER_BUSY"
            await fake.close()
            with pytest.raises(SocketAway) as caught:
                await second
            assert caught.value.reached == "accepted"

    run(work())


@pytest.mark.parametrize("text", ["uuid_kill x\n\napi shutdown", "a\rb", "a\0b"])
def test_command_with_a_line_break_is_never_sent(text):
    async def work():
        async with FakeFreeSwitch() as fake:
            socket = await connect(fake)
            before = list(fake.commands)
            for ask in (socket.api, socket.bgapi):
                with pytest.raises(EventSocketError):
                    await ask(text)
            assert fake.commands == before
            await socket.close()

    run(work())


def test_fault_over_one_event_does_not_end_the_connection():
    async def work():
        def trip(_event):
            raise ValueError

        async with FakeFreeSwitch({"api one": event(Event_Name="DTMF") + response("1")}) as fake:
            socket = await connect(fake, trip)
            assert await socket.api("one") == "1"
            assert await socket.api("one") == "1"
            await socket.close()

    run(work())


def make_link(fake, ups, downs):
    async def on_up(socket):
        ups.append(socket)

    return Link(
        "127.0.0.1", fake.port, "right", events=["DTMF"], subclasses=["sofia::register"],
        on_event=lambda event: None, on_up=on_up, on_down=downs.append,
    )  # fmt: skip


def test_link_comes_back_and_subscribes_anew():
    async def work():
        ups, downs = [], []
        async with FakeFreeSwitch() as fake:
            link = make_link(fake, ups, downs)
            await link.start(1)
            await fake.close()
            await until(lambda: downs)
            with pytest.raises(SocketAway):
                _ = link.socket
            fake.commands.clear()
            await fake.listen()
            await until(lambda: len(ups) == 2)
            assert any(c.startswith("event json DTMF") for c in fake.commands)
            assert "event json CUSTOM sofia::register" in fake.commands
            await link.stop()

    run(work())


def test_link_says_at_once_what_no_patience_will_mend():
    async def work():
        async with FakeFreeSwitch({"auth": reply("-ERR invalid")}) as fake:
            link = make_link(fake, [], [])
            with pytest.raises(BadPassword):
                await link.start(10)

    run(work())


def test_link_gives_up_a_freeswitch_that_hangs(monkeypatch):
    monkeypatch.setattr("appliance.switch.freeswitch.link.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("appliance.switch.freeswitch.link.BEAT_ANSWER_SECONDS", 0.1)

    async def work():
        downs = []
        async with FakeFreeSwitch({"api uptime": b""}) as fake:
            link = make_link(fake, [], downs)
            await link.start(1)
            await until(lambda: downs)
            assert "uptime" in downs[0]
            await link.stop()

    run(work())
