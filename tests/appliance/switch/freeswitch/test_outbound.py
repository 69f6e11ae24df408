"""The outbound socket: a call is taken over, and given back by closing."""

import asyncio
import contextlib

from appliance.switch.freeswitch.outbound import OutboundServer
from tests.appliance.switch.freeswitch import captures


async def offer(port, stream):
    """What FreeSWITCH does: connect, and answer each command with the next frame it once sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    commands = []
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        commands.append((await reader.readuntil(b"\n\n")).decode().strip())
        writer.write(stream)
        commands.append((await reader.readuntil(b"\n\n")).decode().strip())
        await reader.read()
    writer.close()
    return commands


def test_call_is_taken_over_and_its_end_closes_the_connection():
    async def work():
        calls = []
        server = OutboundServer(calls.append)
        await server.start("127.0.0.1", 0)
        stream = captures.sent_by_freeswitch("10_outbound_caller_hangup_linger")
        commands = await asyncio.wait_for(offer(server.port, stream), 10)
        await server.stop()

        assert commands == ["connect", "linger 2"]
        assert [c["Caller-Destination-Number"] for c in calls] == ["1001"]

    asyncio.run(work())


def test_connection_with_no_call_behind_it_offers_nothing():
    async def work():
        calls = []
        server = OutboundServer(calls.append)
        await server.start("127.0.0.1", 0)
        for stream in (
            b"Content-Type: command/reply\nReply-Text: +OK\n\n",
            b"GET / HTTP/1.1\n\n",
            b"\0" * 50 + b"\n\n",
        ):
            await asyncio.wait_for(offer(server.port, stream), 10)
        await server.stop()
        assert calls == []

    asyncio.run(work())
