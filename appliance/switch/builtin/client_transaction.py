"""Client transactions (RFC 3261 §17.1, RFC 6026): ask, repeat the question over UDP, confirm refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from aiosipua.message import SipRequest

from appliance.switch.builtin.wire import PRODUCT, Place, Response

if TYPE_CHECKING:
    from appliance.switch.builtin.transactions import Transactions

State = Literal["calling", "proceeding", "accepted", "completed", "terminated"]
Failure = Literal["timeout", "transport"]


class ClientTransaction:
    """One request of ours. ``on_response`` gets every response but the repeats of refusals."""

    def __init__(
        self,
        layer: Transactions,
        message: SipRequest,
        place: Place,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> None:
        self.layer, self.message, self.place = layer, message, place
        self.is_invite = message.method == "INVITE"
        self.branch = message.via[0].branch or ""
        self.state: State = "calling"
        self._on_response, self._on_failure = on_response, on_failure
        self._data = bytes(message)
        self._ack = b""
        self._is_unreliable = place.transport == "udp"
        self._interval = layer.timers.t1
        self._repeat_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_cancelled = False
        self._reason = ""

    def start(self) -> None:
        """Send it. A place that cannot be reached is reported from the loop, never from within this call."""
        loop = self.layer.loop
        if not self.layer.send(self._data, self.place):
            loop.call_soon(self.fail, "transport")
            return
        if self._is_unreliable:
            self._repeat_timer = loop.call_later(self._interval, self._repeat)
        self._end_timer = loop.call_later(self.layer.timers.give_up, self.fail, "timeout")

    def _repeat(self) -> None:
        """Timers A and E."""
        self.layer.send(self._data, self.place)
        if self.is_invite:
            self._interval *= 2
        elif self.state == "proceeding":
            self._interval = self.layer.timers.t2
        else:
            self._interval = min(self._interval * 2, self.layer.timers.t2)
        self._repeat_timer = self.layer.loop.call_later(self._interval, self._repeat)

    def fail(self, why: Failure) -> None:
        """No response came, or none can come any more."""
        if self.state not in ("calling", "proceeding"):
            return
        self.terminate()
        self._on_failure(why)

    def take(self, response: Response) -> None:
        """A response with our branch."""
        if self.state == "terminated":
            return
        if self.is_invite:
            self._take_invite(response)
        elif self.state != "completed":
            self._take_other(response)

    def _take_other(self, response: Response) -> None:
        if response.status < 200:
            self.state = "proceeding"
            return
        self.state = "completed"
        self._stop_timers()
        linger = self.layer.timers.t4 if self._is_unreliable else 0.0
        self._end_timer = self.layer.loop.call_later(linger, self.terminate)
        self._on_response(response)

    def _take_invite(self, response: Response) -> None:
        if response.status < 200:
            if self.state not in ("calling", "proceeding"):
                return
            first, self.state = self.state == "calling", "proceeding"
            self._stop_timers()
            if self._is_cancelled:
                if first:
                    self._send_cancel()
                self._end_timer = self.layer.loop.call_later(self.layer.timers.give_up, self.fail, "timeout")
        elif response.status < 300:
            if self.state == "completed":
                return
            if self.state != "accepted":
                self.state = "accepted"
                self._stop_timers()
                self._end_timer = self.layer.loop.call_later(self.layer.timers.give_up, self.terminate)
        else:
            if self.state == "accepted":
                return
            repeated = self.state == "completed"
            self._confirm_refusal(response)
            if repeated:
                return
            self.state = "completed"
            self._stop_timers()
            linger = self.layer.timers.linger if self._is_unreliable else 0.0
            self._end_timer = self.layer.loop.call_later(linger, self.terminate)
        self._on_response(response)

    def _confirm_refusal(self, response: Response) -> None:
        if not self._ack:
            ack = self._like("ACK")
            ack.set_header("To", response.message.get_header("to") or "")
            self._ack = bytes(ack)
        self.layer.send(self._ack, self.place)

    def _like(self, method: str) -> SipRequest:
        """An ACK or CANCEL: same branch, route and Request-URI as the INVITE (§9.1, §17.1.1.3)."""
        made = SipRequest(method=method, uri=self.message.uri)
        made.set_header("Via", self.message.get_header_values("via")[0])
        for route in self.message.get_header_values("route"):
            made.add_header("Route", route)
        for name in ("From", "To", "Call-ID"):
            made.set_header(name, self.message.get_header(name) or "")
        made.set_header("CSeq", f"{(self.message.get_header('cseq') or '').split()[0]} {method}")
        made.set_header("Max-Forwards", "70")
        made.set_header("User-Agent", PRODUCT)
        return made

    def cancel(self, reason: str = "") -> None:
        """Take an INVITE back. The CANCEL waits for the first provisional response (§9.1)."""
        if self._is_cancelled or self.state not in ("calling", "proceeding"):
            return
        self._is_cancelled = True
        self._reason = reason
        if self.state == "proceeding":
            self._send_cancel()
            if self._end_timer is not None:
                self._end_timer.cancel()
            self._end_timer = self.layer.loop.call_later(self.layer.timers.give_up, self.fail, "timeout")

    def _send_cancel(self) -> None:
        cancel = self._like("CANCEL")
        if self._reason:
            cancel.set_header("Reason", self._reason)
        self.layer.request(cancel, self.place)

    def _stop_timers(self) -> None:
        for timer in (self._repeat_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        self._repeat_timer = self._end_timer = None

    def terminate(self) -> None:
        """Forget it."""
        self.state = "terminated"
        self._stop_timers()
        self.layer.forget_client(self)
