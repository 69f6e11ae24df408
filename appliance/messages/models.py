"""What a message is."""

from dataclasses import dataclass
from typing import Literal

URGENCIES = ("normal", "urgent")
MOST_CHARACTERS = {"for_whom": 120, "from_name": 120, "callback_number": 64, "body": 10_000}


@dataclass(frozen=True)
class Message:
    """A note or voicemail for a person; the columns of ``messages`` with the names people know."""

    message_id: str
    business_id: str
    call_id: str | None
    kind: Literal["note", "voicemail"]
    for_whom: str
    from_name: str
    callback_number: str  # E.164 where it could be read as a number, else as typed
    body: str
    urgency: Literal["normal", "urgent"]
    taken_by: str | None  # agent_id; None: the box
    recording_id: str | None
    created_at: str
    done_at: str | None = None
    done_by: str | None = None  # user_id
    business_name: str = ""
    taken_by_name: str = ""
    done_by_name: str = ""
    seconds: float | None = None  # of the voicemail
    recording_state: str = ""  # recording, ready, empty, lost
    mails: int = 0  # how many mails it goes out in
    mails_delivered: int = 0
    mails_failed: int = 0

    @property
    def is_done(self) -> bool:
        """Whether somebody has dealt with it."""
        return self.done_at is not None

    @property
    def mails_waiting(self) -> int:
        """Mails that have not arrived yet but may."""
        return self.mails - self.mails_delivered - self.mails_failed


@dataclass(frozen=True)
class MessagePage:
    """Messages newest first, and the cursor of the next page."""

    items: list[Message]
    next: str | None


@dataclass(frozen=True)
class Draft:
    """What somebody is typing about a call."""

    user_id: str
    call_id: str
    fields: dict[str, str]
    updated_at: str
