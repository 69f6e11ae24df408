"""One INVITE of an outgoing leg, to one phone or trunk (RFC 3261 §13.2).

Several run side by side for an extension with several phones. Owns: challenge, retry, provisional and
final responses, the ACK, and the goodbye to answers that came too late. Leaves out: who wins (outgoing.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiosipua.message import SipRequest

from appliance.switch.builtin.client_transaction import ClientTransaction, Failure
from appliance.switch.builtin.dialog import Dialog
from appliance.switch.builtin.session_timer import least_of

if TYPE_CHECKING:
    from appliance.switch.builtin.credentials import Credentials
    from appliance.switch.builtin.outgoing import OutgoingLeg
    from appliance.switch.builtin.wire import Response

log = logging.getLogger(__name__)

_MOST_TRIES = 4
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


class Fork:
    """An INVITE under way."""

    def __init__(
        self, leg: OutgoingLeg, dialog: Dialog, headers: dict[str, str], credentials: Credentials | None
    ) -> None:
        self.leg, self.dialog = leg, dialog
        self.credentials = credentials
        self.status = 0  # of the final response; 408 and 503 also stand for silence and no way there
        self.is_over = False
        self._headers = headers
        self._transaction: ClientTransaction | None = None
        self._least_interval = 0
        self._tries = 0
        self._acks: dict[str, bytes] = {}  # by the tag of who answered: to confirm a repeated 200 again
        self._is_cancelled = False
        self._message: SipRequest | None = None

    def start(self) -> None:
        """Send the INVITE; again after a challenge."""
        self._tries += 1
        previous = self._message
        request = self.dialog.next_request("INVITE")
        self.leg.describe(request, least_interval=self._least_interval)
        for name, value in self._headers.items():
            request.set_header(name, value)
        if previous is not None:
            for name in ("Authorization", "Proxy-Authorization"):
                if previous.get_header(name):
                    request.set_header(name, previous.get_header(name) or "")
        self._message = request
        cseq = self.dialog.local_cseq
        self._transaction = self.leg.exchange.send(
            request, self.dialog.place(), lambda response: self._responded(cseq, response), self._failed
        )

    def cancel(self, reason: str = "") -> None:
        """Take it back; a 200 that crosses the CANCEL is confirmed and hung up at once."""
        self._is_cancelled = True
        if self._transaction is not None:
            self._transaction.cancel(reason)

    def _failed(self, why: Failure) -> None:
        self._close(408 if why == "timeout" else 503)

    def _responded(self, cseq: int, response: Response) -> None:
        if response.status < 200:
            if not self._is_cancelled and response.status > 100:
                self.leg.progressed(self, response)
        elif response.status < 300:
            self._answered(cseq, response)
        elif not self._try_again(response):
            self._close(response.status)

    def _answered(self, cseq: int, response: Response) -> None:
        known = self._acks.get(response.to_tag)
        if known is not None:
            self.leg.exchange.sockets.send(known, self._ack_dialog(response).place())
            return
        dialog = self._ack_dialog(response)
        self._acks[response.to_tag] = self.leg.exchange.send_ack(dialog, cseq)
        if not self.is_over and not self._is_cancelled and self.leg.won(self, response):
            self.is_over = True
            self.status = response.status
            return
        log.info("leg=%s an answer came too late, hanging it up", self.leg.leg_id)
        bye = dialog.next_request("BYE")
        bye.set_header("Reason", ELSEWHERE)
        self.leg.exchange.send(bye, dialog.place())
        self._close(487)

    def _ack_dialog(self, response: Response) -> Dialog:
        """The dialog of whoever answered: downstream forking may give one INVITE several."""
        if response.to_tag == self.dialog.remote_tag:
            return self.dialog
        if not self.dialog.remote_tag and not self.is_over:
            self.dialog.confirmed_by(response)
            return self.dialog
        other = Dialog(
            call_id=self.dialog.call_id,
            local_tag=self.dialog.local_tag,
            remote_tag="",
            local_uri=self.dialog.local_uri,
            remote_uri=self.dialog.remote_uri,
            target=self.dialog.target,
            source=self.dialog.source,
            contact=self.dialog.contact,
            local_cseq=self.dialog.local_cseq,
            follows_contact=self.dialog.follows_contact,
        )
        other.confirmed_by(response)
        return other

    def _try_again(self, response: Response) -> bool:
        if self._is_cancelled or self._message is None or self._tries >= _MOST_TRIES:
            return False
        if response.status == 422 and least_of(response) > self._least_interval:
            self._least_interval = least_of(response)
        elif self.credentials is None or not self.credentials.answer(self._message, response):
            return False
        self.start()
        return True

    def _close(self, status: int) -> None:
        if not self.is_over:
            self.is_over = True
            self.status = status
            self.leg.lost(self)
