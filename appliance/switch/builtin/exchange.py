"""What every leg needs of the engine: ways to send, our own address, audio endpoints, the table of dialogs."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosipua.message import SipRequest

from appliance.config import Settings
from appliance.switch.builtin.addresses import Resolver
from appliance.switch.builtin.client_transaction import ClientTransaction, Failure
from appliance.switch.builtin.dialog import Dialog, DialogKey
from appliance.switch.builtin.sdp import LocalSide
from appliance.switch.builtin.transactions import Transactions
from appliance.switch.builtin.transport import Sockets
from appliance.switch.builtin.wire import Place, Response, new_branch

if TYPE_CHECKING:
    from appliance.switch.builtin.legs import BaseLeg
    from appliance.switch.builtin.media import RtpEndpoint


_MOST_PARTED = 512


class Exchange:
    """Shared by all legs of one engine."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sockets,
        transactions: Transactions,
        open_endpoint: Callable[[], Awaitable[RtpEndpoint]],
    ) -> None:
        self.settings = settings
        self.sockets = sockets
        self.transactions = transactions
        self.open_endpoint = open_endpoint
        self.resolver = Resolver()
        self.loop = asyncio.get_running_loop()
        self.legs: set[BaseLeg] = set()
        self.dialogs: dict[DialogKey, BaseLeg] = {}
        self.hold_music: Path | None = None
        self._parted: OrderedDict[DialogKey, str] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- our address ---
    def host_for(self, place: Place) -> str:
        """The address of ours to tell a party at that place."""
        address = self.settings.advertise or self.sockets.local_address(place.host)
        return f"[{address}]" if ":" in address else address

    def uri_for(self, user: str, place: Place) -> str:
        """A SIP URI of ours, as that place reaches it."""
        suffix = ";transport=tcp" if place.transport == "tcp" else ""
        at = f"{user}@" if user else ""
        return f"sip:{at}{self.host_for(place)}:{self.settings.sip_port}{suffix}"

    def local_side(self, place: Place, port: int) -> LocalSide:
        """Our side of an audio stream with a party at that place."""
        return LocalSide(self.host_for(place).strip("[]"), port, secrets.randbelow(2**31))

    # --- sending ---
    def _stamp(self, message: SipRequest, place: Place) -> None:
        via = (
            f"SIP/2.0/{place.transport.upper()} {self.host_for(place)}:{self.settings.sip_port}"
            f";branch={new_branch()};rport"
        )
        message.remove_header("via")
        rest = list(message.headers.items())
        message.headers = type(message.headers)()
        message.add_header("Via", via)
        for name, values in rest:
            for value in values:
                message.add_header(name, value)

    def send(
        self,
        message: SipRequest,
        place: Place,
        on_response: Callable[[Response], None] = lambda _: None,
        on_failure: Callable[[Failure], None] = lambda _: None,
    ) -> ClientTransaction:
        """Send a request under a new branch."""
        self._stamp(message, place)
        return self.transactions.request(message, place, on_response, on_failure)

    async def ask(self, message: SipRequest, place: Place) -> Response | Failure:
        """Send a request under a new branch, connecting first where that is needed; wait for its final response."""
        if not await self.sockets.connect(place):
            return "transport"
        self._stamp(message, place)
        return await self.transactions.ask(message, place)

    def send_ack(self, dialog: Dialog, cseq: int, body: str = "") -> bytes:
        """Confirm a 2xx; gives what was sent, to send it again when the 2xx comes again."""
        ack = dialog.next_request("ACK", cseq=cseq)
        place = dialog.place()
        self._stamp(ack, place)
        if body:
            ack.content_type = "application/sdp"
            ack.text = body
        data = bytes(ack)
        self.sockets.send(data, place)
        return data

    # --- what lives ---
    def forget(self, dialog: Dialog) -> None:
        """A dialog ended. For a while a BYE that crossed ours is still its party's right."""
        self.dialogs.pop(dialog.key, None)
        self._parted[dialog.key] = dialog.remote_tag
        while len(self._parted) > _MOST_PARTED:
            self._parted.popitem(last=False)

    def has_parted(self, key: DialogKey, remote_tag: str) -> bool:
        """Whether that dialog ended lately."""
        return self._parted.get(key) == remote_tag

    def keep(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run work that belongs to the engine and is awaited when it stops."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait until nothing kept runs any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def leg_of(self, call_id: str, one_tag: str, other_tag: str) -> BaseLeg | None:
        """The leg of a dialog named by a Replaces header (RFC 3891), whichever tag is ours."""
        for ours, theirs in ((one_tag, other_tag), (other_tag, one_tag)):
            leg = self.dialogs.get((call_id, ours))
            if leg is not None and leg.dialog is not None and leg.dialog.remote_tag == theirs:
                return leg
        return None
