"""An Event Socket that does as a test says: enough of FreeSWITCH to see how our client behaves."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

VERSION = "FreeSWITCH Version 1.11.3-dev (git cc93a68 2026-08-21 14:10:14Z 64bit)"
Answer = Callable[[str], Awaitable[bytes | None] | bytes | None]


def reply(text: str) -> bytes:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def response(text: str) -> bytes:
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


def event(**values: Any) -> bytes:
    body = json.dumps({k.replace("_", "-"): v for k, v in values.items()}).replace("-body", "_body").encode()
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(body), body)


class FakeFreeSwitch:
    """Takes the password "right"; ``answers`` maps the beginning of a command to what is sent back."""

    def __init__(self, answers: dict[str, Any] | None = None, greeting: bytes = b"Content-Type: auth/request\n\n"):
        self.answers = answers or {}
        self.greeting = greeting
        self.commands: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self):
        await self.listen()
        return self

    async def __aexit__(self, *_exc):
        await self.close()

    async def listen(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self):
        assert self.server
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def send(self, data: bytes):
        for writer in self.writers:
            writer.write(data)

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        writer.write(self.greeting)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                self.commands.append(command)
                writer.write(self.answer(command))

    def answer(self, command: str) -> bytes:
        for start, given in self.answers.items():
            if command.startswith(start):
                return given(command) if callable(given) else given
        if command.startswith("auth "):
            return reply("+OK accepted" if command == "auth right" else "-ERR invalid")
        if command == "api version":
            return response(VERSION)
        return response("+OK") if command.startswith("api ") else reply("+OK")
