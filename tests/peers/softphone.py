"""A scriptable SIP phone of our own: what SIPp and baresip cannot do, such as counting resent INVITEs or going deaf.

It serves as phone, as trunk and as stranger. Every message and packet is kept with its time. True peer: shares no code
with the product. Owns: registering, placing and taking calls. Leaves out: what happens within a call (softcall.py).
"""

import asyncio
import secrets
from collections.abc import Callable

from tests.peers import sip
from tests.peers.sip import Address, Message
from tests.peers.softcall import Call, Incoming, Outgoing
from tests.peers.wire import Wire


class Softphone:
    """One SIP user agent on 127.0.0.1."""

    def __init__(
        self, user: str, password: str = "", *, tone: int, transport: str = "udp", codec: str = "PCMU"
    ) -> None:
        self.user, self.password, self.tone, self.codec = user, password, tone, codec
        self.wire = Wire(transport, self._on_request)
        self.office: Address = ("127.0.0.1", 0)
        self.calls: dict[str, Call] = {}
        self.arrived: asyncio.Queue[Incoming] = asyncio.Queue()
        self.auto_answer = False
        self.host = "127.0.0.1"  # as it believes; behind NAT it is wrong
        self.answers_to: Callable[[Message], Message | None] = lambda _m: None  # a registrar, or an odd peer
        self.register_count = 0
        self._register_call_id = secrets.token_hex(8)

    @classmethod
    async def open(
        cls,
        user: str,
        password: str = "",
        *,
        tone: int,
        office_port: int = 0,
        transport: str = "udp",
        codec: str = "PCMU",
        port: int = 0,
    ) -> "Softphone":
        """A phone with its ports bound."""
        phone = cls(user, password, tone=tone, transport=transport, codec=codec)
        phone.office = ("127.0.0.1", office_port)
        await phone.wire.open(port)
        return phone

    @property
    def port(self) -> int:
        """Its SIP port."""
        return self.wire.port

    @property
    def contact(self) -> str:
        """Where it can be reached."""
        extra = ";transport=tcp" if self.wire.transport == "tcp" else ""
        return f"sip:{self.user}@{self.host}:{self.port}{extra}"

    @property
    def address_of_record(self) -> str:
        """Its name at the office."""
        return f"sip:{self.user}@127.0.0.1:{self.office[1]}"

    def unplug(self) -> None:
        """From now on nothing goes out and nothing comes in: SIP and RTP."""
        self.wire.deaf = True
        for call in self.calls.values():
            call.rtp.sending = False

    async def close(self) -> None:
        """Leave the wire, without a word to anyone."""
        for call in self.calls.values():
            await call.rtp.close()
        await self.wire.close()

    # --- requests outside a call ---
    def request(
        self, method: str, uri: str, *, to: str = "", call_id: str = "", cseq: int = 1, from_: str = ""
    ) -> Message:
        """A request with its usual headers."""
        return Message(
            f"{method} {uri} SIP/2.0",
            [
                ("Via", self.wire.via(sip.new_branch())),
                ("Max-Forwards", "70"),
                ("From", from_ or f"<{self.address_of_record}>;tag={secrets.token_hex(4)}"),
                ("To", to or f"<{uri}>"),
                ("Call-ID", call_id or secrets.token_hex(12)),
                ("CSeq", f"{cseq} {method}"),
                ("User-Agent", "Frontdesk test phone"),
            ],
        )

    def signed_again(self, request: Message, response: Message, *, password: str | None = None) -> Message:
        """The request again, with the answer to a 401 or 407."""
        name = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
        answer = "Authorization" if response.status == 401 else "Proxy-Authorization"
        value = sip.sign(
            response.get(name),
            method=request.method,
            uri=request.uri,
            user=self.user,
            password=self.password if password is None else password,
        )
        headers = [(n, v) for n, v in request.headers if n not in {"Authorization", "Proxy-Authorization"}]
        changed = {"Via": self.wire.via(sip.new_branch()), "CSeq": f"{request.cseq + 1} {request.method}"}
        return Message(request.first, [(n, changed.get(n, v)) for n, v in headers] + [(answer, value)], request.body)

    async def ask(self, request: Message, *, timeout: float = 5.0, sign: bool = True) -> Message:
        """Send a request and wait for its final response, answering one challenge. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            response = await self._final(await self.wire.request(request, self.office))
            if sign and response.status in (401, 407) and self.password:
                again = self.signed_again(request, response)
                response = await self._final(await self.wire.request(again, self.office))
            return response

    @staticmethod
    async def _final(responses: "asyncio.Queue[Message]") -> Message:
        while True:
            response = await responses.get()
            if response.status >= 200:
                return response

    async def register(self, *, expires: int = 300, sign: bool = True, timeout: float = 5.0) -> Message:
        """REGISTER; the final response."""
        self.register_count += 2
        request = self.request(
            "REGISTER",
            f"sip:127.0.0.1:{self.office[1]}",
            to=f"<{self.address_of_record}>",
            call_id=self._register_call_id,
            cseq=self.register_count,
        )
        request.headers += [("Contact", f"<{self.contact}>"), ("Expires", str(expires))]
        return await self.ask(request, sign=sign, timeout=timeout)

    async def options(self, *, timeout: float = 3.0) -> Message:
        """OPTIONS to the office; the final response."""
        return await self.ask(self.request("OPTIONS", f"sip:127.0.0.1:{self.office[1]}"), timeout=timeout, sign=False)

    # --- calls ---
    async def call(
        self,
        number: str,
        *,
        shows: str = "",
        name: str = "",
        codecs: list[str] | None = None,
        to: Address | None = None,
    ) -> Outgoing:
        """Send an INVITE; returns at once, while it goes its way."""
        call = await Outgoing.start(
            self, number, shows=shows or self.user, name=name, codecs=codecs, to=to or self.office
        )
        self.calls[call.call_id] = call
        return call

    async def incoming(self, timeout: float = 8.0) -> Incoming:
        """The next call that rings here. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self.arrived.get()

    def requests(self, method: str, call_id: str | None = None) -> list[Message]:
        """All requests of a method that came in, resent ones too."""
        return [
            m
            for m in self.wire.received
            if not m.status and m.method == method and (call_id is None or m.call_id == call_id)
        ]

    def _on_request(self, message: Message) -> None:
        odd = self.answers_to(message)
        if odd is not None:
            self.wire.spawn(self.wire.answer(message, odd))
        elif message.call_id in self.calls:
            self.wire.spawn(self.calls[message.call_id].take(message))
        elif message.method == "INVITE":
            self.wire.spawn(self._arrive(message))
        elif message.method == "OPTIONS":
            self.wire.spawn(self.wire.answer(message, sip.reply(message, 200, "OK", to_tag="o")))
        elif message.method != "ACK":
            self.wire.spawn(self.wire.answer(message, sip.reply(message, 481, "No Such Call", to_tag="x")))

    async def _arrive(self, message: Message) -> None:
        if message.call_id in self.calls:  # the same INVITE again, while we were opening our port
            return
        call = Incoming(self, message)
        self.calls[call.call_id] = call
        await call.open()
        if self.auto_answer:
            await call.answer()
        self.arrived.put_nowait(call)
