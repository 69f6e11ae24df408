"""All transactions of the engine: matching (RFC 3261 §17.1.3, §17.2.3), CANCEL (§9.2), merged requests (§8.2.2.2).

Owns: the two tables. Leaves out: what a request means; ``on_request`` and ``on_ack`` decide.
"""

import asyncio
import hashlib
from collections.abc import Callable

from aiosipua.message import SipRequest

from appliance.switch.builtin.client_transaction import ClientTransaction, Failure
from appliance.switch.builtin.server_transaction import ServerTransaction
from appliance.switch.builtin.timers import Timers
from appliance.switch.builtin.wire import COOKIE, Place, Request, Response, new_tag

MOST_SERVER_TRANSACTIONS = 20_000  # a flood answers itself with silence before it fills the memory


class Transactions:
    """The transaction layer between the sockets and the dialogs."""

    def __init__(
        self,
        send: Callable[[bytes, Place], bool],
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[Request], None],
        timers: Timers | None = None,
    ) -> None:
        """``on_request``: every new request but ACK; ``on_ack``: an ACK of a 2xx."""
        self.send = send
        self.timers = timers or Timers()
        self.loop = asyncio.get_running_loop()
        self._on_request, self._on_ack = on_request, on_ack
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._asked: dict[tuple[str, ...], ServerTransaction] = {}  # by what stays the same on every path
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._tag_key = new_tag()
        self.is_closed = False

    # --- what comes in ---
    def take_request(self, request: Request) -> None:
        """A request from the sockets: new, repeated, an ACK or a CANCEL."""
        known = self._servers.get(_server_key(request))
        if request.method == "ACK":
            if known is not None:
                known.acked()
            if known is None or known.status < 300:
                self._on_ack(request)
        elif known is not None:
            known.repeated()
        elif len(self._servers) < MOST_SERVER_TRANSACTIONS and not self.is_closed:
            self._new(request)

    def _new(self, request: Request) -> None:
        transaction = ServerTransaction(self, request, _server_key(request))
        self._servers[transaction.key] = transaction
        if request.method == "CANCEL":
            self._cancel(transaction)
            return
        if not request.to_tag:
            other = self._asked.get(_merge_key(request))
            if other is not None and not other.is_answered:
                transaction.refuse(482)
                return
            self._asked[_merge_key(request)] = transaction
        self._on_request(transaction)

    def _cancel(self, transaction: ServerTransaction) -> None:
        invite = self._servers.get(_server_key(transaction.request, "INVITE"))
        if invite is None:
            transaction.refuse(481)
            return
        transaction.refuse(200, to_tag=self.tag_for(invite))
        if not invite.is_answered and invite.on_cancel is not None:
            invite.on_cancel()

    def take_response(self, response: Response) -> None:
        """A response from the sockets; one nobody waits for is dropped."""
        client = self._clients.get((response.via.branch or "", response.method))
        if client is not None:
            client.take(response)

    def lost(self, place: Place) -> None:
        """A connection closed: what waited for a response over it fails."""
        for client in list(self._clients.values()):
            if client.place == place:
                client.fail("transport")

    # --- what goes out ---
    def request(
        self,
        message: SipRequest,
        place: Place,
        on_response: Callable[[Response], None] = lambda _: None,
        on_failure: Callable[[Failure], None] = lambda _: None,
    ) -> ClientTransaction:
        """Send a request, its top Via in place, and follow it."""
        client = ClientTransaction(self, message, place, on_response, on_failure)
        self._clients[client.branch, message.method] = client
        client.start()
        return client

    async def ask(self, message: SipRequest, place: Place) -> Response | Failure:
        """Send a request and wait for its final response."""
        answer: asyncio.Future[Response | Failure] = self.loop.create_future()

        def settle(result: Response | Failure) -> None:
            if not answer.done():
                answer.set_result(result)

        client = self.request(message, place, settle, settle)
        try:
            return await answer
        except asyncio.CancelledError:
            client.terminate()
            raise

    # --- bookkeeping ---
    def tag_for(self, transaction: ServerTransaction) -> str:
        """Our To tag in refusals of one request: the same each time, kept nowhere."""
        text = "\0".join((self._tag_key, *transaction.key[:2], transaction.request.call_id))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def forget_server(self, transaction: ServerTransaction) -> None:
        """The transaction ended."""
        if self._servers.get(transaction.key) is transaction:
            del self._servers[transaction.key]
        key = _merge_key(transaction.request)
        if self._asked.get(key) is transaction:
            del self._asked[key]

    def forget_client(self, transaction: ClientTransaction) -> None:
        """The transaction ended."""
        self._clients.pop((transaction.branch, transaction.message.method), None)

    @property
    def under_way(self) -> int:
        """How many transactions are kept, lingering ones included."""
        return len(self._servers) + len(self._clients)

    def waiting(self) -> int:
        """How many requests of ours still wait for a final response."""
        return sum(client.state in ("calling", "proceeding") for client in self._clients.values())

    def close(self) -> None:
        """Forget everything; no timer is left."""
        self.is_closed = True
        for server in list(self._servers.values()):
            server.terminate()
        for client in list(self._clients.values()):
            client.terminate()


def _server_key(request: Request, method: str = "") -> tuple[str, ...]:
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    sent_by = f"{via.host.lower()}:{via.port or 5060}"
    if (via.branch or "").startswith(COOKIE):
        return (via.branch or "", sent_by, method)
    # RFC 2543 clients have no unique branch
    message = request.message
    return (via.branch or "", sent_by, method, request.call_id, request.from_tag, str(request.cseq), message.uri)


def _merge_key(request: Request) -> tuple[str, ...]:
    return (request.call_id, request.from_tag, str(request.cseq), request.method)
