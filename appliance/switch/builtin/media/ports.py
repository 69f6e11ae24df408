"""The UDP ports legs speak RTP on: an even one for RTP, the next for RTCP (RFC 3550 §11)."""

import errno
import socket
from typing import ClassVar

from appliance.errors import Kind
from appliance.switch.builtin.media.sounds import SoundCache
from appliance.switch.builtin.media.ticker import Ticker
from appliance.switch.errors import SwitchError

_EXPEDITED = 0xB8  # DSCP EF, which routers that care treat as voice (RFC 4594)


class PortsExhausted(SwitchError):
    """Every RTP port is in use: one more call cannot be carried."""

    code = "rtp-ports-exhausted"
    kind: ClassVar[Kind] = "unavailable"

    def __init__(self, first: int, last: int) -> None:
        super().__init__(
            f"No free audio port is left between {first} and {last}.",
            hint="Give more ports: FRONTDESK_RTP_PORTS.",
        )


class PortPool:
    """Pairs of bound, non-blocking UDP sockets out of one range. One pool an engine; used on the loop alone.

    It also holds what all legs of an engine share: the beat they send by, and the sounds they play.
    """

    def __init__(self, bind: str, first: int, last: int) -> None:
        """``first`` and ``last`` are inclusive."""
        self.bind = bind
        self.first = first
        self.last = last
        self._lowest = first + first % 2
        self.size = max(0, (last - self._lowest + 1) // 2)
        self.in_use = 0
        self._next = 0
        self._taken: set[int] = set()
        self.ticker = Ticker()
        self.sounds = SoundCache()

    def take(self) -> tuple[int, socket.socket, socket.socket]:
        """The RTP port, its socket and the RTCP socket. Raises PortsExhausted, or OSError for an address not ours.

        The range is gone through in turn, so that a port rests before the next call gets it and late packets
        of the last call find nobody. Ports other programs hold are skipped.
        """
        for step in range(self.size):
            index = (self._next + step) % self.size
            port = self._lowest + 2 * index
            if port in self._taken:
                continue
            pair = self._bind_pair(port)
            if pair is None:
                continue
            self._next = (index + 1) % self.size
            self._taken.add(port)
            self.in_use += 1
            return port, *pair
        raise PortsExhausted(self.first, self.last)

    def give_back(self, port: int) -> None:
        """Return a port whose sockets are closed."""
        if port in self._taken:
            self._taken.remove(port)
            self.in_use -= 1

    def _bind_pair(self, port: int) -> tuple[socket.socket, socket.socket] | None:
        rtp = self._bind(port)
        if rtp is None:
            return None
        rtcp = self._bind(port + 1)
        if rtcp is None:
            rtp.close()
            return None
        return rtp, rtcp

    def _bind(self, port: int) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in self.bind else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
            sock.bind((self.bind, port))
        except OSError as error:
            sock.close()
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return None
            raise
        return sock
