"""The phones of a benchmark: a process that sends real RTP every 20 ms and times what comes back.

Each packet carries the moment it was sent; the moment it came is the kernel's (SO_TIMESTAMPNS), so how late this
process looks does not count. Some flows go straight from socket to socket: the floor to compare with.

Talks JSON lines: prints its ports, reads those of the relay, prints the delays. Leaves out: the relay (relay.py).
"""

import heapq
import json
import random
import select
import socket
import statistics
import struct
import sys
import time

_RTP = struct.Struct(">BBHII")
_STAMP = struct.Struct(">Q")
_TIMESPEC = struct.Struct("@qq")
_SO_TIMESTAMPNS = 35
_FRAME_NS = 20_000_000
_DIRECT = 10


class Flow:
    """One direction: a socket that speaks to an address; what comes to ``ear`` is from this flow."""

    def __init__(self, mouth: socket.socket, to: tuple[str, int], ssrc: int) -> None:
        self.mouth, self.to, self.ssrc = mouth, to, ssrc
        self.seq = random.randrange(0x10000)
        self.timestamp = random.randrange(1 << 32)
        self.sent = 0
        self.noise = bytes(random.randrange(256) for _ in range(152))

    def send(self) -> None:
        """One packet, stamped."""
        head = _RTP.pack(0x80, 0, self.seq, self.timestamp, self.ssrc)
        self.seq, self.timestamp = (self.seq + 1) & 0xFFFF, (self.timestamp + 160) & 0xFFFFFFFF
        self.sent += 1
        self.mouth.sendto(head + _STAMP.pack(time.time_ns()) + self.noise, self.to)


class Ear:
    """A socket's received packets: how many, how old, in what order."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.got = self.unordered = 0
        self.last_seq: int | None = None
        self.delays: list[tuple[int, int]] = []  # the second it came in, and ns

    def listen(self, counting: bool) -> None:
        """Take all that waits."""
        while True:
            try:
                packet, ancillary, _, _ = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            if 72 <= packet[1] & 0x7F <= 76:
                continue  # RTCP of a leg whose phone has the port before this one
            self.got += 1
            seq = int.from_bytes(packet[2:4], "big")
            if self.last_seq is not None and seq != (self.last_seq + 1) & 0xFFFF:
                self.unordered += 1
            self.last_seq = seq
            if counting:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2][:16])
                delay = seconds * 1_000_000_000 + nanoseconds - _STAMP.unpack_from(packet, 12)[0]
                self.delays.append((seconds, delay))


def bound() -> socket.socket:
    """A UDP socket on loopback that stamps what it receives."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


def percentile(values: list[int], share: float) -> float:
    """In microseconds."""
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] / 1000 if values else float("nan")


def middle_second(ears: list[Ear]) -> float:
    """The 99th percentile of the median second: what others on the machine do in bursts touches few seconds."""
    seconds: dict[int, list[int]] = {}
    for ear in ears:
        for second, delay in ear.delays:
            seconds.setdefault(second, []).append(delay)
    return statistics.median(percentile(delays, 0.99) for delays in seconds.values())


def run(flows: list[Flow], ears: list[Ear], seconds: float, warm_seconds: float) -> None:
    """Send every flow on its own beat, listen in between."""
    poll = select.epoll()
    by_fd = {ear.socket.fileno(): ear for ear in ears}
    for descriptor in by_fd:
        poll.register(descriptor, select.EPOLLIN)
    start = time.monotonic_ns() + 50_000_000
    counts_from, end = start + int(warm_seconds * 1e9), start + int((warm_seconds + seconds) * 1e9)
    due = [(start + random.randrange(_FRAME_NS), index) for index in range(len(flows))]
    heapq.heapify(due)
    next_listen = start
    while due[0][0] < end:
        now = time.monotonic_ns()
        if due[0][0] <= now:
            at, index = due[0]
            flows[index].send()
            heapq.heapreplace(due, (at + _FRAME_NS, index))
        elif now >= next_listen:
            for descriptor, _ in poll.poll(0):
                by_fd[descriptor].listen(now > counts_from)
            next_listen = now + 4_000_000
        else:
            time.sleep(max(0, min(due[0][0], next_listen) - now) / 1e9)
    time.sleep(0.3)
    for ear in ears:
        ear.listen(True)


def main() -> None:
    """One run, as told on standard input."""
    order = json.loads(sys.stdin.readline())
    phones = [bound() for _ in range(2 * order["calls"])]
    print(json.dumps([sock.getsockname()[1] for sock in phones]), flush=True)
    legs = json.loads(sys.stdin.readline())
    flows = [
        Flow(sock, ("127.0.0.1", port), index + 1) for index, (sock, port) in enumerate(zip(phones, legs, strict=True))
    ]
    ears = [Ear(sock) for sock in phones]
    near, far = [bound() for _ in range(_DIRECT)], [bound() for _ in range(_DIRECT)]
    direct = [
        Flow(one, other.getsockname(), 9000 + index) for index, (one, other) in enumerate(zip(near, far, strict=True))
    ]
    direct_ears = [Ear(sock) for sock in far]
    run(flows + direct, ears + direct_ears, order["seconds"], order["warm_seconds"])
    relayed = [delay for ear in ears for _, delay in ear.delays]
    floor = [delay for ear in direct_ears for _, delay in ear.delays]
    result = {
        "sent": sum(flow.sent for flow in flows),
        "got": sum(ear.got for ear in ears),
        "unordered": sum(ear.unordered for ear in ears),
        "direct_p50": percentile(floor, 0.5),
        "direct_p99": percentile(floor, 0.99),
        "relay_p50": percentile(relayed, 0.5),
        "relay_p99": percentile(relayed, 0.99),
        "relay_p99_of_middle_second": middle_second(ears),
        "traffic_cpu": time.process_time(),
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
