"""The wire of one leg: its two sockets, who is at the other end, and the packets in and out.

Owns: symmetric RTP (whom we listen and answer to), counting, dropping what is not ours, sending, RTCP.
Leaves out: what is heard and said (endpoint.py).

Whom we listen to. The SDP's address may be a private one behind NAT, so the party is learnt from its packets: at
once when they come from the address its SDP named, after three in a row of one stream when they come from
elsewhere. Then packets from any other source are counted and dropped, until the latched one has been silent for
3 s, or a re-INVITE has come since and the new one sends three in a row. The very address and port of the SDP
always win. A new SSRC from the latched source is taken up at once if the old one paused, after three packets in a
row otherwise.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import socket
import time
from typing import TYPE_CHECKING

from appliance.switch.builtin.media import packets
from appliance.switch.builtin.media.g711 import SAMPLES_PER_SECOND, Codec
from appliance.switch.builtin.media.packets import COMFORT_NOISE, MARKER, MOST_BYTES, PLAIN, RTP_HEADER
from appliance.switch.builtin.media.streams import Incoming, Outgoing

if TYPE_CHECKING:
    from appliance.switch.builtin.media.ports import PortPool

RELATCH_SECONDS = 3.0
REPORT_SECONDS = 5.0
_PROBATION = 3  # packets in a row from a source the SDP did not name
_SWITCH_SECONDS = 0.1  # a pause after which a new SSRC of the same source needs no probation

_log = logging.getLogger(__name__)
_header = RTP_HEADER.unpack_from
_pack = RTP_HEADER.pack
_monotonic = time.monotonic

Address = tuple[str, int]


def plain_address(source: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    """Address and port, without the flow and scope of IPv6."""
    return source[0], source[1]


class RtpLink:
    """Sockets and packets of one leg. Subclassed by RtpEndpoint, which gives the packets a meaning."""

    def __init__(self, pool: PortPool) -> None:
        """Take a pair of ports and listen. Raises PortsExhausted or OSError."""
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self.port, self._rtp, self._rtcp = pool.take()
        self._closed = False
        self._named: Address | None = None  # by the SDP
        self._source: Address | None = None  # latched
        self._left: Address | None = None  # latched before the re-INVITE: its last packets may still be under way
        self._target: Address | None = None
        self._ssrc = -1
        self._codecs: dict[int, Codec] = {}
        self._codec: Codec = "PCMU"
        self._payload_type = 0
        self._event_type: int | None = None
        self._may_send = False
        self._expects = False
        self._suspect: tuple[Address, int, int] | None = None
        self._suspicion = 0
        self._may_move = False  # a re-INVITE came: the party may speak from elsewhere without a pause
        self._stream: Incoming | None = None
        self._past = Incoming(0, 0)  # what earlier streams of this party came to
        self._out = Outgoing()
        self._last_rtp = 0.0
        self._last_sign = _monotonic()  # RTP or RTCP
        self._malformed = 0
        self._foreign = 0
        self._unsent = 0
        self._sender_report = (0, 0.0)
        self._far_loss = ""
        self._name = b"leg-" + secrets.token_hex(6).encode()
        self._recvfrom = self._rtp.recvfrom
        self._sendto = self._rtp.sendto
        self._loop.add_reader(self._rtp.fileno(), self._readable)
        self._loop.add_reader(self._rtcp.fileno(), self._rtcp_readable)
        self._report_timer = self._loop.call_later(REPORT_SECONDS, self._report)

    # --- where the party is ---
    def _point(self, address: str, port: int) -> None:
        """Take the address of an SDP. A changed one ends the latch; what cannot be sent to waits for the latch."""
        named: Address | None = None
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            _log.warning("port=%d the SDP names %r, no address: waiting for packets", self.port, address)
        else:
            six = self._rtp.family == socket.AF_INET6
            text = f"::ffff:{ip}" if six and ip.version == 4 else str(ip)  # as the kernel spells it
            usable = (six or ip.version == 4) and not ip.is_unspecified and not ip.is_multicast
            if usable and 0 < port < 65536:
                named = (text, port)
        self._may_move = True
        if named != self._named:
            self._named = named
            if self._source is not None:
                self._left = self._source
            self._source = None
            self._suspect = None
            self._target = named
        self._last_sign = _monotonic()

    def _recognise(self, source: Address, ssrc: int, seq: int, now: float) -> bool:
        """Whether a packet not of the latched stream is to be heard; latches when it is."""
        if source == self._source:
            if now - self._last_rtp < _SWITCH_SECONDS and self._stream is not None:
                return self._has_passed(source, ssrc, seq) and self._latch(source, ssrc, seq)
            return self._latch(source, ssrc, seq)
        if self._source is not None and source != self._named:
            if now - self._last_rtp < RELATCH_SECONDS and not self._may_move:
                return False
        elif source == self._named:
            return self._latch(source, ssrc, seq)
        is_near = self._named is not None and source[0] == self._named[0]
        if is_near and self._source is None and source != self._left:
            return self._latch(source, ssrc, seq)
        return self._has_passed(source, ssrc, seq) and self._latch(source, ssrc, seq)

    def _has_passed(self, source: Address, ssrc: int, seq: int) -> bool:
        if self._suspect == (source, ssrc, (seq - 1) & 0xFFFF):
            self._suspicion += 1
        else:
            self._suspicion = 1
        self._suspect = (source, ssrc, seq)
        return self._suspicion >= _PROBATION

    def _latch(self, source: Address, ssrc: int, seq: int) -> bool:
        if source != self._source:
            _log.info("port=%d hears %s:%d", self.port, *source)
        self._source = self._target = source
        self._suspect = None
        self._may_move = False
        if self._stream is not None:
            self._past.received += self._stream.received
            self._past.expected += self._stream.received + self._stream.lost
        self._ssrc = ssrc
        self._stream = Incoming(ssrc, seq)
        return True

    # --- packets in ---
    def _readable(self) -> None:
        try:
            packet, source = self._recvfrom(2048)
        except OSError:  # nothing there after all, or an ICMP error of an earlier packet
            return
        now = _monotonic()
        length = len(packet)
        if length < 12 or length > MOST_BYTES or packet[0] & 0xC0 != PLAIN:
            self._malformed += 1
            return
        first, kind, seq, timestamp, ssrc = _header(packet)
        payload = packet[12:] if first == PLAIN else packets.payload_of(packet)
        payload_type = kind & 0x7F
        codec = self._codecs.get(payload_type)
        if payload is None or (codec is None and payload_type != self._event_type and payload_type != COMFORT_NOISE):
            self._malformed += 1
            return
        if len(source) != 2:
            source = plain_address(source)
        if (source != self._source or ssrc != self._ssrc) and (
            not self._codecs or not self._recognise(source, ssrc, seq, now)
        ):
            self._foreign += 1
            return
        if self._suspect is not None:
            self._suspect = None  # "in a row" means: while the latched one says nothing
        stream = self._stream
        assert stream is not None
        stream.count(seq, timestamp, now)
        self._last_rtp = self._last_sign = now
        if codec is not None:
            if payload:
                self._audio_came(stream, kind >= MARKER, seq, timestamp, codec, payload, now)
        elif payload_type == self._event_type:
            self._event_came(stream, kind >= MARKER, seq, timestamp, payload, now)

    def _audio_came(
        self, stream: Incoming, marker: bool, seq: int, timestamp: int, codec: Codec, payload: bytes, now: float
    ) -> None:
        raise NotImplementedError

    def _event_came(self, stream: Incoming, marker: bool, seq: int, timestamp: int, payload: bytes, now: float) -> None:
        raise NotImplementedError

    # --- packets out ---
    def _send(self, payload_type: int, marker: bool, seq: int, timestamp: int, payload: bytes) -> None:
        """Put one packet on the wire; a full or broken wire loses it, as a wire does."""
        out, target = self._out, self._target
        if target is None:
            return
        kind = payload_type | MARKER if marker else payload_type
        try:
            self._sendto(_pack(PLAIN, kind, seq, timestamp, out.ssrc) + payload, target)
        except OSError:
            self._unsent += 1
        out.packets += 1
        out.octets += len(payload)

    # --- RTCP ---
    def _rtcp_readable(self) -> None:
        try:
            packet, source = self._rtcp.recvfrom(2048)
        except OSError:
            return
        partner = self._source or self._named
        if partner is None or source[0] != partner[0]:
            self._foreign += 1
            return
        read = packets.read_reports(packet) if len(packet) <= MOST_BYTES else None
        if read is None:
            self._malformed += 1
            return
        now = _monotonic()
        self._last_sign = now
        if read.sender_ntp_middle:
            self._sender_report = (read.sender_ntp_middle, now)
        for block in read.blocks:
            if block.ssrc == self._out.ssrc:
                self._far_loss = f"{block.lost}"

    def _report(self) -> None:
        self._report_timer = self._loop.call_later(REPORT_SECONDS, self._report)
        if self._target is None or not self._may_send:
            return
        now, out, stream, block = _monotonic(), self._out, self._stream, None
        if stream is not None and stream.received:
            middle, at = self._sender_report
            since = int((now - at) * 65536) if middle else 0
            fraction = stream.fraction_lost()
            highest, jitter = stream.extended_highest, int(stream.jitter)
            block = packets.ReportBlock(stream.ssrc, fraction, stream.lost, highest, jitter, middle, since)
        sent = None
        if out.packets:
            elapsed = int(max(0.0, now - out.at) * SAMPLES_PER_SECOND)
            sent = (out.timestamp + elapsed, out.packets, out.octets)
        report = packets.report(out.ssrc, sent, time.time(), block, self._name)
        host, port = self._target
        if port < 65535:
            try:
                self._rtcp.sendto(report, (host, port + 1))
            except OSError:
                self._unsent += 1

    def _close_link(self) -> None:
        self._closed = True
        self._report_timer.cancel()
        for sock in (self._rtp, self._rtcp):
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._pool.give_back(self.port)
