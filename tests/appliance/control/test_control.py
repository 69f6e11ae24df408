"""The socket between web and core, with a real server and a real client."""

import asyncio
import json
import socket
import threading

import pytest

from appliance.control.client import CoreAway, CoreClient, Refused, short_path
from appliance.control.server import ControlServer
from appliance.errors import Conflict


async def add(left: int, right: int) -> dict:
    return {"sum": left + right}


async def refuse() -> dict:
    raise Conflict("Sara is on a call.", hint="Wait.")


async def break_down() -> dict:
    raise RuntimeError("boom")


@pytest.fixture(params=["short", "long"])
def core(request, tmp_path):
    """A control server in a thread of its own."""
    folder = tmp_path if request.param == "short" else tmp_path / ("x" * 100)
    folder.mkdir(exist_ok=True)
    path = folder / "core.sock"
    ready, loop = threading.Event(), asyncio.new_event_loop()
    server = ControlServer(path, {"add": add, "refuse": refuse, "break": break_down})

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(server.stop())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(5)
    yield server, CoreClient(path), loop, path
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    assert not thread.is_alive()


def test_a_question_is_answered(core):
    assert core[1].ask("add", left=2, right=3) == {"sum": 5}


def test_a_refusal_comes_across_with_its_code_kind_and_hint(core):
    with pytest.raises(Refused) as refusal:
        core[1].ask("refuse")
    assert (refusal.value.code, refusal.value.kind, refusal.value.hint) == ("conflict", "conflict", "Wait.")


@pytest.mark.parametrize("do", ["break", "nonsense"])
def test_a_fault_or_an_unknown_command_is_told_and_the_core_lives_on(core, do):
    with pytest.raises(Refused):
        core[1].ask(do)
    assert core[1].ask("add", left=1, right=1) == {"sum": 2}


@pytest.mark.parametrize("rubbish", [b"\n", b"{\n", b"[]\n", b"\x00\xff\n", b"x" * 200_000 + b"\n"])
def test_rubbish_ends_that_connection_only(core, rubbish):
    _server, client, _loop, path = core
    with socket.socket(socket.AF_UNIX) as raw, short_path(path) as name:
        raw.connect(name)
        try:
            raw.sendall(rubbish)
            raw.settimeout(5)
            raw.recv(1000)
        except OSError:
            pass
    assert client.ask("add", left=1, right=1) == {"sum": 2}


def test_events_reach_every_listener(core):
    server, client, loop, _path = core
    streams = [client.events(), client.events()]
    assert [next(s)["event"] for s in streams] == ["beat", "beat"]
    loop.call_soon_threadsafe(server.publish, {"event": "call", "call_id": "c1"})
    assert [next(s) for s in streams] == [{"event": "call", "call_id": "c1"}] * 2
    for stream in streams:
        stream.close()


def test_without_a_core_the_client_says_so(tmp_path):
    with pytest.raises(CoreAway):
        CoreClient(tmp_path / "core.sock").ask("ping")
    (tmp_path / "core.sock").write_text(json.dumps({}))
    with pytest.raises(CoreAway):
        CoreClient(tmp_path / "core.sock").ask("ping")


@pytest.mark.parametrize("said", [b"", b'{"ok": {"sum"', b'{"event": "be'])
def test_a_core_killed_as_it_speaks_is_away_and_nothing_worse(tmp_path, said):
    path = tmp_path / "core.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def speak_and_die() -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            connection.recv(1000)
            connection.sendall(said)
            connection.close()

    thread = threading.Thread(target=speak_and_die)
    thread.start()
    with pytest.raises(CoreAway):
        CoreClient(path).ask("add", left=1, right=1)
    assert list(CoreClient(path).events()) == []
    thread.join(5)
    listener.close()
