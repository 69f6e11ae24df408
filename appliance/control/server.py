"""The core's side of the socket: dispatch to what the daemon offers, and a stream of events for every listener."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from appliance import clock
from appliance.control.client import short_path
from appliance.errors import FrontdeskError, NotFound

log = logging.getLogger(__name__)

Command = Callable[..., Awaitable[dict[str, Any]]]
BEAT_SECONDS = 4.0
_LONGEST_LINE = 64 * 1024
_MOST_WAITING_EVENTS = 500


class UnknownCommand(NotFound):
    """The core has no such command."""

    code = "unknown-command"


class ControlServer:
    """Listens on the socket; only processes of the same user (or root) are heard."""

    def __init__(self, path: Path, commands: dict[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take the socket over from whoever left it. The folder must exist."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._path) as name:
            listener.bind(name)
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=_LONGEST_LINE)

    async def stop(self) -> None:
        """Close every connection and the socket."""
        if self._server is None:
            return
        self._server.close()
        for listener in self._listeners:
            listener.put_nowait(None)
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def publish(self, event: dict[str, Any]) -> None:
        """Tell every listener; one that does not keep up is cut off and will connect again."""
        for listener in list(self._listeners):
            if listener.qsize() >= _MOST_WAITING_EVENTS:
                self._listeners.discard(listener)
                listener.put_nowait(None)
            else:
                listener.put_nowait(event)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if _is_ours(writer):
                await self._serve(reader, writer)
        except (ConnectionError, ValueError, TimeoutError):
            pass  # the other side went away, or spoke something else
        except asyncio.CancelledError:
            pass  # stop(): the socket is being closed
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            if not isinstance(request, dict):
                return
            if request.get("do") == "events":
                await self._stream(writer)
                return
            writer.write(json.dumps(await self._answer(request)).encode() + b"\n")
            await writer.drain()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            command = self._commands.get(str(request.get("do")))
            if command is None:
                raise UnknownCommand(f"The core knows no command {request.get('do')!r}.")
            return {"ok": await command(**request.get("with", {}))}
        except FrontdeskError as error:
            refusal = {"code": error.code, "kind": error.kind, "message": error.message, "hint": error.hint}
        except Exception as error:  # the loop boundary: one bad request must not end the office
            log.exception("command %s failed", request.get("do"))
            refusal = {"code": "fault", "kind": "unavailable", "message": f"Internal fault: {error}", "hint": ""}
        return {"refused": refusal}

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            event: dict[str, Any] | None = {"event": "beat", "at": clock.stamp()}
            while event is not None:
                writer.write(json.dumps(event).encode() + b"\n")
                await asyncio.wait_for(writer.drain(), 10)
                try:
                    event = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                except TimeoutError:
                    event = {"event": "beat", "at": clock.stamp()}
        finally:
            self._listeners.discard(queue)


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the peer runs as our user or as root (SO_PEERCRED, unix(7))."""
    connection = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return uid in (0, os.getuid())
