"""Waiting with a deadline, in place of sleeping.

Owns: wait_until and running children that are always ended by pid. Leaves out: what is waited for.
"""

import asyncio
import contextlib
import inspect
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def wait_until(question: Callable[[], T | Awaitable[T]], what: str, timeout: float = 8.0) -> T:
    """Ask again and again until the answer is true; that answer. Raises TimeoutError saying what did not come."""
    deadline = time.monotonic() + timeout
    while True:
        answer = question()
        value: T = await answer if inspect.isawaitable(answer) else answer  # type: ignore[assignment]
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s; last seen {value!r}")
        await asyncio.sleep(0.05)


async def end(
    process: asyncio.subprocess.Process, *, signals: tuple[int, ...] = (signal.SIGTERM,), grace: float = 8.0
) -> int:
    """End a child we started: politely, then not. Its exit status."""
    for number in (*signals, signal.SIGKILL):
        if process.returncode is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace)
    return process.returncode if process.returncode is not None else -1


def free_port() -> int:
    """A port free for both UDP and TCP on loopback just now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


def free_rtp_range(size: int = 200) -> tuple[int, int]:
    """A stretch of UDP ports below the ephemeral ones, so that nothing grabs them between now and their use."""
    start = 10000 + 2 * ((os.getpid() * 7919 + time.monotonic_ns() // 1000) % 10000)
    for first in list(range(start, 32000 - size, size)) + list(range(10000, start, size)):
        if _can_bind(first) and _can_bind(first + size - 1):
            return first, first + size - 1
    raise OSError("no free stretch of UDP ports")


def _can_bind(port: int) -> bool:
    with socket.socket(type=socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
