"""What a delivery is, and what it needs to become a mail."""

from dataclasses import dataclass
from typing import Literal

from appliance.deliveries import reasons

State = Literal["waiting", "sending", "delivered", "failed", "cancelled"]
STATES = ("waiting", "sending", "delivered", "failed", "cancelled")


@dataclass(frozen=True)
class Delivery:
    """One row of the outbox: one mail to one address."""

    delivery_id: str
    kind: str
    business_id: str | None
    message_id: str | None
    recipient: str
    state: State
    attempts: int
    next_attempt_at: str
    last_error: str  # "code" or "code: what the other side said"; "" when nothing went wrong
    created_at: str
    delivered_at: str | None
    business_name: str = ""
    message_kind: str = ""
    from_name: str = ""

    @property
    def reason(self) -> str:
        """Why it has not arrived, as a sentence in the current language; "" when nothing went wrong."""
        return reasons.sentence(self.last_error)


@dataclass(frozen=True)
class DeliveryPage:
    """Deliveries newest first, and the cursor of the next page."""

    items: list[Delivery]
    next: str | None


@dataclass(frozen=True)
class MailServer:
    """How mail leaves the office."""

    host: str  # "": none is set
    port: int
    sender: str
    username: str
    password: str
    security: str  # auto, none, starttls, tls


@dataclass(frozen=True)
class Letter:
    """Everything a mail about a message says."""

    delivery_id: str
    recipient: str
    message_id: str | None  # None: a test mail
    call_id: str | None
    kind: str  # note, voicemail, test
    for_whom: str
    from_name: str
    callback_number: str
    body: str
    urgency: str
    created_at: str
    taken_by_name: str
    business_name: str
    office_name: str
    language: str
    timezone: str
    called_number: str
    recording_path: str  # relative to the recordings folder; "": no sound
    seconds: float | None
    with_sound: bool
    web_url: str  # the admin's address, "" when unknown
