"""SIP over TCP: framing, keep-alives, connections reused, and connections that are gone."""

from __future__ import annotations

import asyncio
import re
import secrets
from pathlib import Path

import pytest

from appliance.switch.builtin import stream
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected
from appliance.switch.port import ExtensionTarget, LegEnded, Party, TrunkAccount, TrunkTarget
from tests.appliance.switch.builtin.peer import SDP, Seen, bench, credentials, free_port, tag_of


class Line:
    """A TCP connection that speaks SIP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.port: int = writer.get_extra_info("sockname")[1]

    @classmethod
    async def to(cls, port: int) -> Line:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def request(
        self,
        method: str,
        uri: str = "sip:127.0.0.1",
        *,
        cseq: int = 1,
        call_id: str,
        headers: tuple[str, ...] = (),
        body: str = "",
    ) -> bytes:
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/TCP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport",
            "From: <sip:101@127.0.0.1>;tag=a",
            "To: <sip:101@127.0.0.1>",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:101@127.0.0.1:{self.port};transport=tcp>",
            *headers,
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    async def next(self) -> Seen:
        async with asyncio.timeout(3):
            head = await self.reader.readuntil(b"\r\n\r\n")
            while head == b"\r\n\r\n":
                head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length
            return Seen.parse(head.lstrip(b"\r\n") + await self.reader.readexactly(int(length[1])))

    async def register(self) -> Seen:
        call_id = secrets.token_hex(6)
        self.writer.write(self.request("REGISTER", call_id=call_id))
        proof = credentials(await self.next(), "101", "secret-101", "REGISTER", "sip:127.0.0.1")
        self.writer.write(self.request("REGISTER", call_id=call_id, cseq=2, headers=(proof,)))
        return await self.next()

    def reply(self, request: Seen, status: int, body: str = "") -> None:
        lines = (
            f"SIP/2.0 {status} X",
            *(f"Via: {via}" for via in request.all("via")),
            f"From: {request['from']}",
            f"To: {request['to']};tag=peer",
            f"Call-ID: {request['call-id']}",
            f"CSeq: {request['cseq']}",
            f"Contact: <sip:101@127.0.0.1:{self.port};transport=tcp>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        )
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


async def test_messages_are_cut_out_of_a_stream_however_it_is_chopped(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        data = b"\r\n\r\n" + b"".join(line.request("OPTIONS", call_id=f"c{n}", body="x" * n) for n in range(5))
        for at in range(0, len(data), 7):
            line.writer.write(data[at : at + 7])
            await asyncio.sleep(0)
        assert [(await line.next())["call-id"] for _ in range(5)] == ["c0", "c1", "c2", "c3", "c4"]
        line.writer.close()


async def test_a_keep_alive_is_answered(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        line.writer.write(b"\r\n\r\n")
        assert await asyncio.wait_for(line.reader.readexactly(2), 3) == b"\r\n"
        line.writer.close()


@pytest.mark.parametrize(
    "data", [b"OPTIONS sip:x SIP/2.0\r\nX: " + b"a" * 20_000, b"OPTIONS sip:x SIP/2.0\r\nl: 9999999\r\n\r\n"]
)
async def test_a_stream_that_wants_too_much_memory_is_cut(tmp_path: Path, data: bytes) -> None:
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        line.writer.write(data)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(line.reader.readexactly(1), 3)
        line.writer.close()


async def test_a_connection_that_says_nothing_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PATIENCE_SECONDS", 0.1)
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(line.reader.readexactly(1), 3)
        line.writer.close()


async def test_a_phone_is_rung_over_the_connection_it_registered_on(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        assert (await line.register()).status == 200
        leg = await made.switch.call(ExtensionTarget("101"), show=Party("1"))
        invite = await line.next()
        assert "transport=tcp" in invite["contact"]
        assert "SIP/2.0/TCP" in invite["via"]
        line.reply(invite, 200, SDP)
        await leg.wait_answered()
        assert (await line.next()).method == "ACK"
        hanging_up = asyncio.create_task(leg.hang_up())
        line.reply(await line.next(), 200)
        await hanging_up
        line.writer.close()


async def test_a_phone_whose_connection_closed_is_registered_no_more(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        line = await Line.to(made.port)
        await line.register()
        assert made.switch.bindings("101")
        ringing = await made.switch.call(ExtensionTarget("101"), show=Party("1"))
        line.writer.close()
        with pytest.raises(CallRejected):
            await ringing.wait_answered()
        assert not made.switch.bindings("101")
        with pytest.raises(CallRejected) as caught:
            await made.switch.call(ExtensionTarget("101"), show=Party("1"))
        assert caught.value.cause == Cause.NOT_REGISTERED


async def test_a_trunk_over_tcp_calls_and_is_called(tmp_path: Path) -> None:
    port, lines = free_port(), asyncio.Queue[Line]()
    server = await asyncio.start_server(lambda r, w: lines.put_nowait(Line(r, w)), "127.0.0.1", port)
    account = TrunkAccount("t", "peer", f"127.0.0.1:{port}", transport="tcp")
    async with bench(tmp_path, trunks=(account,)) as made:
        line = await lines.get()
        line.reply(await line.next(), 200)  # the ping
        leg = await made.switch.call(TrunkTarget("t", "+4930"), show=Party("+982188001122"))
        invite = await line.next()
        assert invite.uri == f"sip:+4930@127.0.0.1:{port};transport=tcp"
        line.reply(invite, 200, SDP)
        await leg.wait_answered()
        assert (await line.next()).method == "ACK"
        caller = await Line.to(made.port)
        caller.port = port  # its Via names the port that makes it a known trunk
        caller.writer.write(
            caller.request(
                "INVITE", "sip:+98@127.0.0.1", call_id="in", headers=("Content-Type: application/sdp",), body=SDP
            )
        )
        incoming = await made.offered()
        assert incoming.origin is not None
        assert incoming.origin.name == "t"
        answering = asyncio.create_task(incoming.answer())
        while (ok := await caller.next()).status != 200:
            pass
        assert tag_of(ok["to"])
        caller.writer.write(
            caller.request("ACK", call_id="in").replace(
                b"To: <sip:101@127.0.0.1>", f"To: <sip:101@127.0.0.1>;tag={tag_of(ok['to'])}".encode()
            )
        )
        await answering
        caller.writer.close()
        line.writer.close()
    assert leg.ended == LegEnded(Cause.INTERRUPTED, False)
    server.close()


async def test_a_bye_finds_its_way_when_the_trunks_connection_is_gone(tmp_path: Path) -> None:
    port, lines = free_port(), asyncio.Queue[Line]()
    server = await asyncio.start_server(lambda r, w: lines.put_nowait(Line(r, w)), "127.0.0.1", port)
    account = TrunkAccount("t", "peer", f"127.0.0.1:{port}", transport="tcp")
    async with bench(tmp_path, trunks=(account,)) as made:
        first = await lines.get()
        first.reply(await first.next(), 200)
        first.port = port
        leg = await made.switch.call(TrunkTarget("t", "+4930"), show=Party("1"))
        first.reply(await first.next(), 200, SDP)
        await leg.wait_answered()
        await first.next()
        first.writer.close()
        await first.writer.wait_closed()
        await asyncio.sleep(0.05)
        await leg.hang_up()
        second = await asyncio.wait_for(lines.get(), 3)
        bye = await second.next()
        assert bye.method == "BYE"
        second.reply(bye, 200)
        await asyncio.sleep(0.05)
        second.writer.close()
    server.close()
