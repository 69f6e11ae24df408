"""One trunk, watched: registered with its carrier, or pinged as a peer; up or down, with a reason for a person.

Owns: REGISTER with refresh and back-off (RFC 3261 §10.2), OPTIONS pings (§11). Leaves out: calls over the trunk.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Literal

from aiosipua.message import SipRequest

from appliance.i18n import gettext as _
from appliance.switch.builtin import uris, wire
from appliance.switch.builtin.addresses import split_host
from appliance.switch.builtin.client_transaction import Failure
from appliance.switch.builtin.credentials import Credentials
from appliance.switch.builtin.exchange import Exchange
from appliance.switch.builtin.targets import place_of
from appliance.switch.builtin.wire import Place, Response
from appliance.switch.port import TrunkAccount

log = logging.getLogger(__name__)

State = Literal["unknown", "up", "down"]

_ASKED_SECONDS = 3600
_ANSWER_SECONDS = 5.0  # longer without an answer means no answer: callers do not wait 32 s for a verdict
_PING_SECONDS = 30.0
_KEEP_OPEN_SECONDS = 25.0  # routers forget a UDP mapping after 30 s at the earliest (RFC 4787 §4.3 asks for 2 minutes)
_PING_DOWN_SECONDS = 8.0
_FIRST_RETRY_SECONDS = 4.0
_LONGEST_RETRY_SECONDS = 120.0
_WRONG_PASSWORD_SECONDS = 120.0  # carriers lock accounts that knock too often


class TrunkClient:
    """Keeps one trunk registered, or watches one peer."""

    def __init__(self, exchange: Exchange, account: TrunkAccount, on_change: Callable[[str, State, str], None]) -> None:
        """``on_change``: trunk, state, reason."""
        self.account = account
        self.state: State = "unknown"
        self.reason = ""
        self._exchange = exchange
        self._on_change = on_change
        self._credentials = Credentials(account.username, account.password)
        self._call_id, self._tag, self._cseq = wire.new_call_id(), wire.new_tag(), 0
        self._retry = _FIRST_RETRY_SECONDS
        self._task: asyncio.Task[None] | None = None
        self._registered_at: Place | None = None
        self._heard_at = 0.0

    def start(self) -> None:
        """Begin; a network of peers has nothing to watch."""
        if self.account.kind == "register":
            self._task = asyncio.create_task(self._stay_registered(), name=f"trunk {self.account.trunk_id}")
        elif "/" not in self.account.host:
            self._task = asyncio.create_task(self._keep_pinging(), name=f"trunk {self.account.trunk_id}")

    async def stop(self) -> None:
        """Unregister and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        if self._registered_at is not None:
            place, self._registered_at = self._registered_at, None
            try:
                async with asyncio.timeout(1.0):
                    await self._register(place, 0)
            except TimeoutError:
                log.info("trunk=%s no answer to unregistering", self.account.trunk_id)

    def heard(self) -> None:
        """A call came over this peer: it lives, no ping is needed to know."""
        self._heard_at = self._exchange.loop.time()
        if self.account.kind == "peer" and "/" not in self.account.host:
            self._tell("up", "")

    def _tell(self, state: State, reason: str) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        log.info("trunk=%s %s -> %s %s", self.account.trunk_id, self.state, state, reason)
        self.state, self.reason = state, reason
        self._on_change(self.account.trunk_id, state, reason)

    # --- a carrier ---
    async def _stay_registered(self) -> None:
        while True:
            granted = await self._register_once()
            if granted:
                self._retry = _FIRST_RETRY_SECONDS
                # early enough for two tries before the carrier forgets us
                await self._rest(max(5.0, granted - min(60.0, granted * 0.3)))
            else:
                await asyncio.sleep(self._retry * random.uniform(0.9, 1.1))  # noqa: S311
                self._retry = min(self._retry * 2, _LONGEST_RETRY_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Wait, and keep the way through a router open meanwhile (RFC 5626 §3.5.1): calls come in by it."""
        loop = self._exchange.loop
        until = loop.time() + seconds
        while (left := until - loop.time()) > _KEEP_OPEN_SECONDS:
            await asyncio.sleep(_KEEP_OPEN_SECONDS)
            if self._registered_at is not None:
                self._exchange.sockets.send(b"\r\n\r\n", self._registered_at)
        await asyncio.sleep(left)

    async def _register_once(self) -> int:
        """The seconds granted; 0 when it failed, for whatever reason: a carrier is never given up."""
        try:
            return await self._try_to_register()
        except Exception:
            log.exception("trunk=%s not registered", self.account.trunk_id)
            self._tell("down", _("no connection"))
            return 0

    async def _try_to_register(self) -> int:
        place = await place_of(self._exchange, self.account)
        if place is None:
            self._tell("down", _("The carrier's name is unknown to DNS"))
            return 0
        self._exchange.sockets.forget_routes()
        answer = await self._register(place, _ASKED_SECONDS)
        if not isinstance(answer, str) and answer.status == 200:
            self._registered_at = place
            self._tell("up", "")
            return self._granted(answer)
        self._tell("down", _why(answer))
        if not isinstance(answer, str) and answer.status in (401, 403, 407):
            self._retry = _WRONG_PASSWORD_SECONDS
        return 0

    async def _register(self, place: Place, seconds: int) -> Response | Failure:
        """One REGISTER with its challenges."""
        request = self._message("REGISTER", place)
        user = uris.uri_user(self.account.username or self.account.trunk_id)
        request.set_header("Contact", f"<{self._exchange.uri_for(user, place)}>;expires={seconds}")
        request.set_header("Expires", str(seconds))
        answer = await self._ask(request, place)
        for _attempt in range(2):
            if isinstance(answer, str):
                break
            if answer.status == 423 and answer.header("min-expires").isdecimal():
                request.set_header("Expires", answer.header("min-expires"))
            elif not self._credentials.answer(request, answer):
                break
            self._cseq += 1
            request.set_header("CSeq", f"{self._cseq} REGISTER")
            answer = await self._ask(request, place)
        return answer

    async def _ask(self, request: SipRequest, place: Place) -> Response | Failure:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._exchange.ask(request, place)
        except TimeoutError:
            return "timeout"

    def _message(self, method: str, place: Place) -> SipRequest:
        self._cseq += 1
        domain = self.account.host
        suffix = ";transport=tcp" if place.transport == "tcp" else ""
        request = SipRequest(method=method, uri=f"sip:{domain}{suffix}")
        if method == "REGISTER":
            us = f"sip:{uris.uri_user(self.account.username)}@{domain}"
        else:
            us = self._exchange.uri_for("frontdesk", place).partition(";")[0]
        request.set_header("Max-Forwards", "70")
        request.set_header("From", f"<{us}>;tag={self._tag}")
        request.set_header("To", f"<{us}>" if method == "REGISTER" else f"<sip:{domain}>")
        request.set_header("Call-ID", self._call_id)
        request.set_header("CSeq", f"{self._cseq} {method}")
        request.set_header("User-Agent", wire.PRODUCT)
        return request

    def _granted(self, response: Response) -> int:
        """The seconds our own Contact was granted."""
        seconds = response.header("expires")
        for value in response.message.get_header_values("contact"):
            try:
                contact = uris.address(value)
            except ValueError:
                continue
            if uris.user_of(contact.uri) == (self.account.username or self.account.trunk_id):
                seconds = contact.params.get("expires") or seconds
        try:
            return max(1, uris.number(seconds, 2**31)) if seconds else _ASKED_SECONDS
        except ValueError:
            return _ASKED_SECONDS

    # --- a peer ---
    async def _keep_pinging(self) -> None:
        while True:
            if self._exchange.loop.time() - self._heard_at > _PING_SECONDS or self.state != "up":
                try:
                    await self._ping()
                except Exception:  # the next ping may go well
                    log.exception("trunk=%s not pinged", self.account.trunk_id)
            await asyncio.sleep(_PING_SECONDS if self.state == "up" else _PING_DOWN_SECONDS)

    async def _ping(self) -> None:
        place = await place_of(self._exchange, self.account)
        if place is None:
            self._tell("down", _("The peer's name is unknown to DNS"))
            return
        self._exchange.sockets.forget_routes()
        self._call_id = wire.new_call_id()
        options = self._message("OPTIONS", place)
        options.set_header("Accept", "application/sdp")
        options.set_header("Contact", f"<{self._exchange.uri_for('frontdesk', place)}>")
        asked_at = self._exchange.loop.time()
        answer = await self._ask(options, place)
        if self._heard_at >= asked_at:
            return  # it has called meanwhile: it lives, whether it answers pings or not
        if isinstance(answer, str):
            self._tell("down", _why(answer))
        elif answer.status in (408, 503):
            self._tell("down", _("The peer answers that it is out of service"))
        else:
            self._tell("up", "")  # even a refusal comes from someone who lives


def _why(answer: Response | Failure) -> str:
    """A failed REGISTER or ping in words a person understands."""
    if answer == "timeout":
        return _("no answer")
    if isinstance(answer, str):
        return _("no connection")
    if answer.status in (401, 403, 407):
        return _("wrong password")
    if answer.status == 404:
        return _("unknown user name")
    if answer.status >= 500:
        return _("The carrier has a fault (SIP %(status)s)", status=answer.status)
    return _("refused (SIP %(status)s)", status=answer.status)


def concrete_host(account: TrunkAccount) -> str:
    """The host to resolve; "" for a network."""
    try:
        return "" if "/" in account.host else split_host(account.host)[0]
    except ValueError:
        return ""
