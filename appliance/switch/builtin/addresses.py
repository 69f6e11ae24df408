"""Names of machines to addresses, without blocking and without asking twice."""

import asyncio
import ipaddress
import socket
import time

_KEEP_SECONDS = 300.0
_MOST = 500


def is_address(host: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def split_host(text: str, default_port: int = 5060) -> tuple[str, int]:
    """``host:port`` or ``host``. Raises ValueError."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, int(port[1:]) if port.startswith(":") else default_port
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host:
        return text, default_port
    return host, int(port)


class Resolver:
    """Resolved names, kept for five minutes; an older answer is better than none."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a host; empty when it has none or nobody knows it."""
        if is_address(host):
            return [host.strip("[]")]
        known = self._known.get(host)
        if known is not None and time.monotonic() - known[0] < _KEEP_SECONDS:
            return known[1]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return known[1] if known is not None else []
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in sorted(found, key=lambda e: e[0])))
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[host] = (time.monotonic(), addresses)
        return addresses

    def known(self, host: str) -> list[str]:
        """What is known of a host at this moment, without asking."""
        if is_address(host):
            return [host.strip("[]")]
        return self._known.get(host, (0.0, []))[1]
