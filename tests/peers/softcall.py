"""One call of a test phone: answer, refuse, hold, transfer, keys, hang up, and how it ended.

Owns: the dialog (RFC 3261 §12), the offer and answer, the media it starts. Leaves out: sockets (wire.py, rtp.py).
"""

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

from tests.peers import sip
from tests.peers.rtp import Rtp
from tests.peers.sip import Address, Message

if TYPE_CHECKING:
    from tests.peers.softphone import Softphone

BUSY, DECLINE, UNAVAILABLE = (486, "Busy Here"), (603, "Decline"), (480, "Temporarily Unavailable")


class Call:
    """A dialog with the office, made (Outgoing) or taken (Incoming)."""

    rtp: Rtp

    def __init__(self, phone: "Softphone", call_id: str) -> None:
        self.phone, self.call_id = phone, call_id
        self.local = self.remote = self.target = ""
        self.route: list[str] = []
        self.peer: Address = phone.office
        self.cseq = 100
        self.codecs = [phone.codec]
        self.sdp_version = 1
        self.answered_at = 0.0
        self.ended_at = 0.0
        self.cause = ""  # BYE, CANCEL, hung up, or the final status
        self.media: sip.Media | None = None
        self.notifies: list[Message] = []
        self.infos: list[Message] = []
        self.reinvites: list[Message] = []
        self._up = asyncio.Event()
        self._over = asyncio.Event()
        self._resending: asyncio.Task[None] | None = None
        self._final_answer: Message | None = None

    # --- what a test waits for ---
    async def wait_ended(self, timeout: float = 8.0) -> str:
        """Wait for the end; how it ended. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._over.wait()
        return self.cause

    @property
    def is_up(self) -> bool:
        """Answered and not ended."""
        return bool(self.answered_at) and not self.ended_at

    # --- what a test does ---
    async def hang_up(self) -> None:
        """BYE."""
        if self.ended_at:
            return
        self.end("hung up")
        await self.send("BYE")

    async def send(
        self, method: str, *, body: str = "", extra: list[tuple[str, str]] | None = None
    ) -> "asyncio.Queue[Message]":
        """A request within the dialog; its responses come in the queue."""
        self.cseq += 1
        uri = self.target
        message = Message(
            f"{method} {uri} SIP/2.0",
            [
                ("Via", self.phone.wire.via(sip.new_branch())),
                ("Max-Forwards", "70"),
                *(("Route", r) for r in self.route),
                ("From", self.local),
                ("To", self.remote),
                ("Call-ID", self.call_id),
                ("CSeq", f"{self.cseq} {method}"),
                ("Contact", f"<{self.phone.contact}>"),
                *(extra or []),
            ],
            body,
        )
        return await self.phone.wire.request(message, self.peer)

    async def ask(self, method: str, *, body: str = "", extra: list[tuple[str, str]] | None = None) -> Message:
        """A request within the dialog; its final response, after one challenge. Raises TimeoutError."""
        async with asyncio.timeout(5.0):
            while True:
                responses = await self.send(method, body=body, extra=extra)
                response = await self.phone._final(responses)
                if response.status not in (401, 407) or any("uthorization" in n for n, _v in extra or []):
                    return response
                name = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
                answer = sip.sign(
                    response.get(name),
                    method=method,
                    uri=self.target,
                    user=self.phone.user,
                    password=self.phone.password,
                )
                extra = [*(extra or []), ("Authorization" if response.status == 401 else "Proxy-Authorization", answer)]

    async def reinvite(self, direction: str) -> Message:
        """Offer again with another direction; ACKs a 2xx. The final response."""
        self.sdp_version += 1
        body = self.sdp(direction)
        response = await self.ask("INVITE", body=body, extra=[("Content-Type", "application/sdp")])
        if response.status < 300:
            await self.acknowledge(response)
            self.take_sdp(response.body)
        return response

    async def hold(self) -> Message:
        """Put the other on hold."""
        return await self.reinvite("sendonly")

    async def resume(self) -> Message:
        """Take the other back."""
        return await self.reinvite("sendrecv")

    async def press_by_info(self, digit: str) -> Message:
        """One key by SIP INFO."""
        body = f"Signal={digit}\r\nDuration=160\r\n"
        return await self.ask("INFO", body=body, extra=[("Content-Type", "application/dtmf-relay")])

    async def refer(self, number: str) -> Message:
        """Ask the office to send the other party to that number (blind transfer); the response to REFER."""
        uri = f"sip:{number}@127.0.0.1:{self.phone.office[1]}"
        return await self.ask("REFER", extra=[("Refer-To", f"<{uri}>"), ("Referred-By", f"<{self.phone.contact}>")])

    async def acknowledge(self, response: Message) -> None:
        """ACK a 2xx."""
        ack = Message(
            f"ACK {self.target} SIP/2.0",
            [
                ("Via", self.phone.wire.via(sip.new_branch())),
                ("Max-Forwards", "70"),
                *(("Route", r) for r in self.route),
                ("From", self.local),
                ("To", self.remote),
                ("Call-ID", self.call_id),
                ("CSeq", f"{response.cseq} ACK"),
            ],
        )
        await self.phone.wire.send(ack, self.peer)

    # --- what comes in ---
    async def take(self, message: Message) -> None:
        """A request within this call."""
        match message.method:
            case "ACK":
                if self._resending:
                    self._resending.cancel()
            case "BYE":
                self.end("BYE")
                await self._reply(message, 200, "OK")
            case "INVITE":
                await self._taken_invite(message)
            case "CANCEL":
                await self._reply(message, 200, "OK")
                await self.cancelled()
            case "NOTIFY":
                self.notifies.append(message)
                await self._reply(message, 200, "OK")
            case "INFO":
                self.infos.append(message)
                await self._reply(message, 200, "OK")
            case _:
                await self._reply(message, 200, "OK")

    async def cancelled(self) -> None:
        """The office sent CANCEL."""

    async def _taken_invite(self, message: Message) -> None:
        if not self.answered_at:
            return  # the first INVITE again
        self.reinvites.append(message)
        self.target = sip.uri_of(message.get("contact")) or self.target
        if message.body:
            self.take_sdp(message.body)
        offered = self.media.direction if self.media else "sendrecv"
        ours = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(offered, offered)
        self.sdp_version += 1
        response = sip.reply(message, 200, "OK", extra={"Contact": f"<{self.phone.contact}>"})
        response.headers.append(("Content-Type", "application/sdp"))
        response.body = self.sdp(ours)
        await self.phone.wire.answer(message, response)

    async def _reply(self, message: Message, status: int, reason: str) -> None:
        await self.phone.wire.answer(message, sip.reply(message, status, reason, to_tag=sip.tag(self.local)))

    def sdp(self, direction: str = "sendrecv") -> str:
        """Our offer or answer."""
        return sip.write_sdp(
            self.rtp.port, self.codecs, direction=direction, version=self.sdp_version, host=self.phone.host
        )

    def take_sdp(self, body: str) -> None:
        """Send where the office's SDP says, in the codec it chose."""
        self.media = sip.read_sdp(body)
        self.rtp.codec = self.media.codec or self.rtp.codec
        self.rtp.dtmf_type = self.media.dtmf_type or self.rtp.dtmf_type
        self.rtp.start(self.media.address)

    def end(self, cause: str) -> None:
        """It is over."""
        if not self.ended_at:
            self.cause, self.ended_at = cause, time.monotonic()
            self.rtp.sending = False
            if self._resending:
                self._resending.cancel()
        self._over.set()


class Outgoing(Call):
    """A call this phone placed."""

    def __init__(self, phone: "Softphone", call_id: str) -> None:
        super().__init__(phone, call_id)
        self.statuses: list[int] = []
        self.responses: list[Message] = []
        self.invite: Message | None = None
        self._ringing = asyncio.Event()

    @classmethod
    async def start(
        cls, phone: "Softphone", number: str, *, shows: str, name: str, codecs: list[str] | None, to: Address
    ) -> "Outgoing":
        """Send the INVITE."""
        call = cls(phone, secrets.token_hex(12))
        call.rtp = await Rtp.open(phone.tone, phone.codec)
        call.codecs, call.peer = codecs or [phone.codec], to
        call.target = f"sip:{number}@{to[0]}:{to[1]}"
        display = f'"{name}" ' if name else ""
        call.local = f"{display}<sip:{shows}@127.0.0.1:{phone.port}>;tag={secrets.token_hex(4)}"
        if phone.password:
            call.local = f"{display}<{phone.address_of_record}>;tag={secrets.token_hex(4)}"
        call.remote = f"<{call.target}>"
        invite = phone.request("INVITE", call.target, to=call.remote, call_id=call.call_id, from_=call.local)
        invite.headers += [("Contact", f"<{phone.contact}>"), ("Content-Type", "application/sdp")]
        invite.body = call.sdp()
        phone.wire.spawn(call._go(invite))
        return call

    async def _go(self, invite: Message) -> None:
        signed = False
        while True:
            self.invite, self.cseq = invite, invite.cseq
            responses = await self.phone.wire.request(invite, self.peer)
            response = await self._progress(responses)
            if response.status in (401, 407) and self.phone.password and not signed:
                await self._ack_refusal(invite, response)
                invite, signed = self.phone.signed_again(invite, response), True
                continue
            break
        if response.status >= 300:
            await self._ack_refusal(invite, response)
            self.end(str(response.status))
            return
        await self._answered(response)
        while True:  # a resent 200 wants its ACK again
            again = await responses.get()
            if 200 <= again.status < 300:
                await self.acknowledge(again)

    async def _progress(self, responses: "asyncio.Queue[Message]") -> Message:
        while True:
            response = await responses.get()
            self.statuses.append(response.status)
            self.responses.append(response)
            if response.status >= 200:
                return response
            if response.status > 100:
                self._ringing.set()
                if response.body:
                    self.take_sdp(response.body)

    async def _answered(self, response: Message) -> None:
        self.remote = response.get("to")
        self.target = sip.uri_of(response.get("contact")) or self.target
        self.route = list(reversed(response.all("record-route")))
        await self.acknowledge(response)
        self.take_sdp(response.body)
        self.answered_at = time.monotonic()
        self._ringing.set()
        self._up.set()

    async def _ack_refusal(self, invite: Message, response: Message) -> None:
        headers = [(n, v) for n, v in invite.headers if n in {"Via", "Max-Forwards", "From", "Call-ID"}]
        headers += [("To", response.get("to")), ("CSeq", f"{invite.cseq} ACK")]
        await self.phone.wire.send(Message(f"ACK {invite.uri} SIP/2.0", headers), self.peer)

    async def wait_ringing(self, timeout: float = 5.0) -> None:
        """Wait for 180 or 183 (or the answer)."""
        async with asyncio.timeout(timeout):
            await self._ringing.wait()

    async def wait_answered(self, timeout: float = 8.0) -> "Outgoing":
        """Wait for the answer. Raises TimeoutError, or ConnectionRefusedError when it was refused."""
        up, over = asyncio.create_task(self._up.wait()), asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({up, over}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel(), over.cancel()
        if self._up.is_set():
            return self
        if self._over.is_set():
            raise ConnectionRefusedError(self.cause)
        raise TimeoutError(f"not answered in {timeout} s, had {self.statuses}")

    async def cancel(self) -> None:
        """Give up before the answer."""
        if self.invite is None:
            raise RuntimeError("not sent yet")
        headers = [(n, v) for n, v in self.invite.headers if n in {"Via", "Max-Forwards", "From", "To", "Call-ID"}]
        cancel = Message(f"CANCEL {self.invite.uri} SIP/2.0", [*headers, ("CSeq", f"{self.invite.cseq} CANCEL")])
        await self.phone.wire.request(cancel, self.peer)


class Incoming(Call):
    """A call that came to this phone."""

    def __init__(self, phone: "Softphone", invite: Message) -> None:
        super().__init__(phone, invite.call_id)
        self.invite, self.arrived_at = invite, invite.at
        self.local = f"{invite.get('to')};tag={secrets.token_hex(4)}"
        self.remote = invite.get("from")
        self.target = sip.uri_of(invite.get("contact"))
        self.route = invite.all("record-route")
        self.peer = invite.peer

    async def open(self) -> None:
        """Bind the port for its sound and say 100."""
        self.rtp = await Rtp.open(self.phone.tone, self.phone.codec)

    @property
    def caller(self) -> str:
        """The number shown."""
        return sip.user_of(self.invite.get("from"))

    async def ring(self) -> None:
        """180."""
        await self._reply(self.invite, 180, "Ringing")

    async def answer(self) -> "Incoming":
        """200 with our answer, resent until the ACK comes."""
        self.take_sdp(self.invite.body)
        self.rtp.codec = self.phone.codec  # an offer holds both; we are a phone that knows one
        self.codecs = [self.rtp.codec]
        response = sip.reply(self.invite, 200, "OK", to_tag=sip.tag(self.local))
        response.headers += [("Contact", f"<{self.phone.contact}>"), ("Content-Type", "application/sdp")]
        response.body = self.sdp()
        self.answered_at = time.monotonic()
        self._up.set()
        await self.phone.wire.answer(self.invite, response)
        self._resending = self.phone.wire.spawn(self._resend(response))
        return self

    async def _resend(self, response: Message) -> None:
        for pause in (0.5, 1.0, 2.0, 4.0):
            await asyncio.sleep(pause)
            await self.phone.wire.answer(self.invite, response)

    async def progress(self) -> None:
        """183 with our answer: what is heard before anybody picks up."""
        self.take_sdp(self.invite.body)
        self.codecs = [self.rtp.codec]
        response = sip.reply(self.invite, 183, "Session Progress", to_tag=sip.tag(self.local))
        response.headers += [("Contact", f"<{self.phone.contact}>"), ("Content-Type", "application/sdp")]
        response.body = self.sdp()
        await self.phone.wire.answer(self.invite, response)

    async def reject(self, status: tuple[int, str]) -> None:
        """A final refusal."""
        await self._reply(self.invite, *status)
        self.end(f"refused {status[0]}")

    async def cancelled(self) -> None:
        """The office sent CANCEL: 487."""
        if not self.answered_at:
            await self._reply(self.invite, 487, "Request Terminated")
            self.end("CANCEL")
