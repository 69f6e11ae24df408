"""What a call is, and the words for what happens to one."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Everything that can happen to a call, in past tense; the value is kept in call_events."""

    ARRIVED = "arrived"  # direction, caller, dialled, trunk
    REFUSED = "refused"  # cause
    GREETED = "greeted"  # the greeting began
    CLOSED = "closed"  # told that nobody is there at this hour
    MENU = "menu"  # a menu is played: menu_id
    CHOSE = "chose"  # digits, what they lead to: choice, target
    WAITING = "waiting"  # hears music, waits for an agent
    OFFERED = "offered"  # an agent's phone was called
    RANG = "rang"  # that phone rings
    OFFER_ENDED = "offer_ended"  # not answered: cause
    ANSWERED = "answered"  # a person talks with the caller
    HELD = "held"  # by: caller, agent or callee
    RESUMED = "resumed"
    TRANSFER_ASKED = "transfer_asked"  # target
    TRANSFERRED = "transferred"  # target
    TRANSFER_FAILED = "transfer_failed"  # target, cause
    RECORDING_STARTED = "recording_started"  # recording_id
    RECORDING_ENDED = "recording_ended"  # recording_id, seconds
    VOICEMAIL_ASKED = "voicemail_asked"  # asked to leave a message after the tone
    VOICEMAIL_LEFT = "voicemail_left"  # recording_id, seconds
    MESSAGE_TAKEN = "message_taken"  # message_id, by an agent
    DIGIT = "digit"  # digit, by
    LINE_QUALITY = "line_quality"  # of one leg: leg (caller, agent, callee), codec, received, lost, jitter_ms, mos …
    STANDBY = "standby"  # no core was there: the switch answered by itself
    CORE_BACK = "core_back"  # the core was away meanwhile; it has taken the call up again
    ENDED = "ended"  # cause, by


LIVE_STATES = ("ringing", "waiting", "talking")
FINAL_STATES = ("answered", "missed", "voicemail", "refused")


@dataclass
class Call:
    """One call, as the lists and figures show it."""

    call_id: str
    direction: str
    state: str
    phase: str
    started_at: str
    business_id: str | None = None
    business_name: str = ""
    caller_number: str = ""
    caller_name: str = ""
    dialled: str = ""
    trunk_id: str | None = None
    agent_id: str | None = None
    agent_name: str = ""
    answered_at: str | None = None
    ended_at: str | None = None
    wait_seconds: float | None = None
    talk_seconds: float | None = None
    hangup_cause: str | None = None
    ended_by: str | None = None
    recording_id: str | None = None
    leg_id: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it still goes on."""
        return self.ended_at is None


@dataclass(frozen=True)
class CallEvent:
    """One line of a call's timeline. ``detail["t"]`` is seconds since the arrival on a clock that never jumps."""

    event_id: int
    call_id: str
    at: str
    kind: str
    agent_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CallPage:
    """Some calls, newest first; ``next`` is the cursor of the following page, None at the end."""

    items: list[Call]
    next: str | None
