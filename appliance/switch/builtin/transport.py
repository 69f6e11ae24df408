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

from appliance.switch.builtin.addresses import is_address
from appliance.switch.builtin.port_holder import holder_of
from appliance.switch.builtin.stream import Connection
from appliance.switch.builtin.wire import Place
from appliance.switch.errors import PortTaken

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 400
MOST_CONNECTIONS_PER_HOST = 60
_RECEIVE_BUFFER = 1 << 20
_CONNECT_SECONDS = 5.0
_PACKETS_PER_TURN = 64  # then audio and timers have their turn


class _Datagrams:
    """The UDP socket. asyncio's own transport takes one packet a turn of the loop, which a flood outruns."""

    def __init__(self, bind: str, port: int, on_packet: Callable[[bytes, Place], None]) -> None:
        self._on_packet = on_packet
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((bind, port))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        for _ in range(_PACKETS_PER_TURN):
            try:
                data, source = self._socket.recvfrom(65_536)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # ICMP of a phone that is gone; its transaction times out
                log.debug("udp receive error=%s", error)
                continue
            self._on_packet(data, Place("udp", source[0], source[1]))

    def send(self, data: bytes, place: Place) -> bool:
        """Send one packet; a full send buffer loses it, as the network might."""
        try:
            self._socket.sendto(data, (place.host, place.port))
        except (BlockingIOError, InterruptedError):
            return True
        except OSError as error:
            log.debug("place=%s udp send error=%s", place, error)
            return error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EMSGSIZE, errno.EINVAL)
        return True

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()


class Sockets:
    """All SIP sockets of an engine."""

    def __init__(
        self,
        on_packet: Callable[[bytes, Place], None],
        on_lost: Callable[[Place], None],
        is_known_host: Callable[[str], bool],
    ) -> None:
        """``on_packet`` gets each datagram or framed message; ``on_lost`` each connection that closed.

        Hosts that are known may still connect when strangers hold all the connections they may have.
        """
        self._is_known_host = is_known_host
        self._on_packet = on_packet
        self._on_lost = on_lost
        self._udp: _Datagrams | None = None
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
        if not is_address(bind):
            found = await loop.getaddrinfo(bind, port, type=socket.SOCK_DGRAM)
            bind = str(found[0][4][0])
        self.bind, self.port = bind, port
        try:
            self._udp = _Datagrams(bind, port, self._on_packet)
        except OSError as error:
            raise self._taken(error, "udp") from error
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
            return self._udp is not None and self._udp.send(data, place)
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
        known = self._is_known_host(host)
        full = len(self._connections) >= (2 if known else 1) * MOST_CONNECTIONS
        many = self._per_host[host] >= (4 if known else 1) * MOST_CONNECTIONS_PER_HOST
        if connection.was_accepted and (full or many):
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
            self._udp = None
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
