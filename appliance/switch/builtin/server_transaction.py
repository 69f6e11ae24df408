"""Server transactions (RFC 3261 §17.2, RFC 6026): answer once, repeat the answer, absorb repeats of the question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from aiosipua.message import SipResponse

from appliance.switch.builtin.replies import reply, reply_place
from appliance.switch.builtin.wire import Place, Request

if TYPE_CHECKING:
    from appliance.switch.builtin.transactions import Transactions

State = Literal["proceeding", "accepted", "completed", "confirmed", "terminated"]


class ServerTransaction:
    """One request and our answer to it."""

    def __init__(self, layer: Transactions, request: Request, key: tuple[str, ...]) -> None:
        self.layer = layer
        self.request = request
        self.key = key
        self.is_invite = request.method == "INVITE"
        self.place: Place = reply_place(request.via, request.source)
        self.state: State = "proceeding"
        self.status = 0
        self.on_cancel: Callable[[], None] | None = None  # the caller gave up; respond 487
        self.on_no_ack: Callable[[], None] | None = None  # a 2xx nobody confirmed
        self._last = b""
        self._timer: asyncio.TimerHandle | None = None
        self._interval = 0.0
        self._deadline = 0.0

    @property
    def is_answered(self) -> bool:
        """Whether the final response is out."""
        return self.status >= 200

    def refuse(self, status: int, *, to_tag: str = "", **headers: str) -> None:
        """Send a response with nothing but headers (underscores in their names stand for dashes)."""
        response = reply(self.request.message, status, self.request.source, to_tag=to_tag or self.layer.tag_for(self))
        for name, value in headers.items():
            response.set_header(name.replace("_", "-"), value)
        self.respond(response)

    def refuse_and_forget(self, response: SipResponse) -> None:
        """Send a final refusal and keep nothing (RFC 3261 §8.2.7): strangers cost no memory and get no repeats."""
        self.layer.send(bytes(response), self.place)
        self.status = response.status_code
        self.terminate()

    def respond(self, response: SipResponse) -> None:
        """Send a response; after the final one nothing more is sent but its repeats."""
        if self.is_answered or self.state == "terminated":
            return
        self.status = response.status_code
        self._last = bytes(response)
        self.layer.send(self._last, self.place)
        if self.status < 200:
            return
        if not self.is_invite:
            self.state = "completed"
            self._in(self.layer.timers.give_up if self._is_unreliable else 0.0, self.terminate)
            return
        self.state = "accepted" if self.status < 300 else "completed"
        self._interval = self.layer.timers.t1
        self._deadline = self.layer.loop.time() + self.layer.timers.give_up
        self._in(self._interval, self._repeat)

    @property
    def _is_unreliable(self) -> bool:
        return self.place.transport == "udp"

    def _in(self, seconds: float, what: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.layer.loop.call_later(seconds, what)

    def _repeat(self) -> None:
        """Timer G, and for a 2xx the UAS's own resending (§13.3.1.4), until the ACK or timer H."""
        if self.layer.loop.time() >= self._deadline:
            missed = self.state == "accepted"
            self.terminate()
            if missed and self.on_no_ack is not None:
                self.on_no_ack()
            return
        if self._is_unreliable or self.state == "accepted":  # a 2xx is end to end: TCP on our hop proves little
            self.layer.send(self._last, self.place)
        self._interval = min(self._interval * 2, self.layer.timers.t2)
        self._in(min(self._interval, max(0.0, self._deadline - self.layer.loop.time())), self._repeat)

    def repeated(self) -> None:
        """The request came again."""
        if self._last and self.state in ("proceeding", "accepted", "completed"):
            self.layer.send(self._last, self.place)

    def acked(self) -> None:
        """The ACK is here."""
        if self.state == "completed":
            self.state = "confirmed"
            self._in(self.layer.timers.t4 if self._is_unreliable else 0.0, self.terminate)
        elif self.state == "accepted":
            self.state = "confirmed"
            self._in(self.layer.timers.give_up, self.terminate)  # timer L: repeats of the INVITE are still ours

    def terminate(self) -> None:
        """Forget it."""
        self.state = "terminated"
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.layer.forget_server(self)
        self.on_cancel = None
