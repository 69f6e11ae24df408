"""The SIP sockets: one UDP port, and TCP connections on the same port number (RFC 3261 §18).

Owns: binding, framing, caps on size and number. Leaves out: what is in a packet (wire.py) and
who may send one (shield.py).
"""

import asyncio
import errno
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable

from appliance.switch.builtin.port_holder import holder_of
from appliance.switch.builtin.stream import Connection
from appliance.switch.builtin.wire import Place
from appliance.switch.errors import PortTaken

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 400
MOST_CONNECTIONS_PER_HOST = 60
_RECEIVE_BUFFER = 1 << 20
_CONNECT_SECONDS = 5.0


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, on_packet: Callable[[bytes, Place], None]) -> None:
        self._on_packet = on_packet

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._on_packet(data, Place("udp", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        log.debug("udp error=%s", exc)  # ICMP of a phone that is gone; its transaction times out


class Sockets:
    """All SIP sockets of an engine."""

    def __init__(self, on_packet: Callable[[bytes, Place], None], on_lost: Callable[[Place], None]) -> None:
        """``on_packet`` gets each datagram or framed message; ``on_lost`` each connection that closed."""
        self._on_packet = on_packet
        self._on_lost = on_lost
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[Place, Connection] = {}
        self._per_host: Counter[str] = Counter()
        self._connecting: dict[Place, asyncio.Task[bool]] = {}
        self.refused_connections = 0
        self._local: dict[str, str] = {}
        self.bind = ""
        self.port = 0

    async def open(self, bind: str, port: int) -> None:
        """Listen on UDP and TCP. Raises PortTaken."""
        loop = asyncio.get_running_loop()
        self.bind, self.port = bind, port
        try:
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._on_packet), local_addr=(bind, port)
            )
        except OSError as error:
            raise self._taken(error, "udp") from error
        sock = self._udp.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            self._server = await loop.create_server(self._accept, bind, port, reuse_address=True)
        except OSError as error:
            self._udp.close()
            self._udp = None
            raise self._taken(error, "tcp") from error

    def _taken(self, error: OSError, transport: str) -> Exception:
        if error.errno != errno.EADDRINUSE:
            return error
        return PortTaken(self.port, transport, holder_of(self.port, transport))

    # --- sending ---
    def send(self, data: bytes, place: Place) -> bool:
        """Send to a place; False when there is no way there (a TCP connection that is gone)."""
        if place.transport == "udp":
            if self._udp is None or self._udp.is_closing():
                return False
            self._udp.sendto(data, (place.host, place.port))
            return True
        connection = self._connections.get(place)
        return connection is not None and connection.send(data)

    def reaches(self, place: Place) -> bool:
        """Whether a packet could be sent there at this moment."""
        return place.transport == "udp" or place in self._connections

    async def connect(self, place: Place) -> bool:
        """Make sure there is a connection to a TCP place. False when it cannot be made."""
        if self.reaches(place):
            return True
        task = self._connecting.get(place)
        if task is None:
            task = asyncio.create_task(self._connect(place), name=f"sip-connect {place}")
            self._connecting[place] = task
            task.add_done_callback(lambda _: self._connecting.pop(place, None))
        return await asyncio.shield(task)

    async def _connect(self, place: Place) -> bool:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.create_connection(self._connection, place.host, place.port)
        except (OSError, TimeoutError) as error:
            log.info("place=%s connect failed: %s", place, error or "timeout")
            return False
        return place in self._connections

    # --- connections ---
    def _connection(self) -> Connection:
        return Connection(self._on_packet, self._opened, self._closed)

    def _accept(self) -> Connection:
        connection = self._connection()
        connection.was_accepted = True
        return connection

    def _opened(self, connection: Connection) -> bool:
        host = connection.place.host
        full = len(self._connections) >= MOST_CONNECTIONS or self._per_host[host] >= MOST_CONNECTIONS_PER_HOST
        if full and connection.was_accepted:
            self.refused_connections += 1
            return False
        self._connections[connection.place] = connection
        self._per_host[host] += 1
        return True

    def _closed(self, connection: Connection) -> None:
        if self._connections.get(connection.place) is not connection:
            return
        del self._connections[connection.place]
        self._per_host[connection.place.host] -= 1
        if self._per_host[connection.place.host] <= 0:
            del self._per_host[connection.place.host]
        self._on_lost(connection.place)

    # --- our own address ---
    def local_address(self, host: str) -> str:
        """The address of ours that packets to ``host`` leave from."""
        if not ipaddress.ip_address(self.bind).is_unspecified:
            return self.bind
        known = self._local.get(host)
        if known is None:
            if len(self._local) > 1000:
                self._local.clear()
            known = self._local[host] = _route_to(host)
        return known

    def forget_routes(self) -> None:
        """Look up our addresses anew: networks come and go under a box."""
        self._local.clear()

    async def close(self) -> None:
        """Close every socket."""
        for task in list(self._connecting.values()):
            task.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.close()
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            await self._server.wait_closed()
        await asyncio.sleep(0)  # lets the transports tell their protocols


def _route_to(host: str) -> str:
    """Our address on the way to a host: a connected UDP socket sends nothing, the kernel only picks the route."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((host, 9))
            return str(sock.getsockname()[0])
        except OSError:
            return "127.0.0.1"
