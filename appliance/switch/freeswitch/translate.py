"""FreeSWITCH's words into ours and back, pure.

Owns: hang-up causes, how a leg ended, who calls, registrations, trunk states. Leaves out: state.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Literal

from appliance import clock
from appliance.switch.causes import Cause, from_sip_status
from appliance.switch.events import TrunkChanged
from appliance.switch.freeswitch.frames import Event
from appliance.switch.port import Binding, LegEnded, Origin, Party

_TO = {
    Cause.NORMAL: "NORMAL_CLEARING",
    Cause.BUSY: "USER_BUSY",
    Cause.NO_ANSWER: "NO_ANSWER",
    Cause.REJECTED: "CALL_REJECTED",
    Cause.UNKNOWN_NUMBER: "UNALLOCATED_NUMBER",
    Cause.NOT_REGISTERED: "SUBSCRIBER_ABSENT",
    Cause.CANCELLED: "ORIGINATOR_CANCEL",
    Cause.ANSWERED_ELSEWHERE: "LOSE_RACE",
    Cause.FORBIDDEN: "OUTGOING_CALL_BARRED",
    Cause.INCOMPATIBLE: "INCOMPATIBLE_DESTINATION",
    Cause.CONGESTION: "SWITCH_CONGESTION",
    Cause.MEDIA_TIMEOUT: "MEDIA_TIMEOUT",
    Cause.SESSION_EXPIRED: "RECOVERY_ON_TIMER_EXPIRE",
    Cause.TIMEOUT: "NO_USER_RESPONSE",
    Cause.NETWORK: "NETWORK_OUT_OF_ORDER",
    Cause.SERVICE_UNAVAILABLE: "NORMAL_TEMPORARY_FAILURE",
    Cause.INTERRUPTED: "NORMAL_TEMPORARY_FAILURE",
}
_FROM = {
    "NORMAL_CLEARING": Cause.NORMAL,
    "NORMAL_UNSPECIFIED": Cause.NORMAL,
    "NONE": Cause.NORMAL,
    "SUCCESS": Cause.NORMAL,
    "BLIND_TRANSFER": Cause.NORMAL,
    "ATTENDED_TRANSFER": Cause.NORMAL,
    "USER_BUSY": Cause.BUSY,
    "NO_ANSWER": Cause.NO_ANSWER,
    "ALLOTTED_TIMEOUT": Cause.NO_ANSWER,
    "PROGRESS_TIMEOUT": Cause.TIMEOUT,
    "CALL_REJECTED": Cause.REJECTED,
    "UNALLOCATED_NUMBER": Cause.UNKNOWN_NUMBER,
    "INVALID_NUMBER_FORMAT": Cause.UNKNOWN_NUMBER,
    "NO_ROUTE_DESTINATION": Cause.UNKNOWN_NUMBER,
    "USER_NOT_REGISTERED": Cause.NOT_REGISTERED,
    "SUBSCRIBER_ABSENT": Cause.NOT_REGISTERED,
    "ORIGINATOR_CANCEL": Cause.CANCELLED,
    "LOSE_RACE": Cause.ANSWERED_ELSEWHERE,
    "PICKED_OFF": Cause.ANSWERED_ELSEWHERE,
    "OUTGOING_CALL_BARRED": Cause.FORBIDDEN,
    "INCOMING_CALL_BARRED": Cause.FORBIDDEN,
    "BEARERCAPABILITY_NOTAUTH": Cause.FORBIDDEN,
    "INCOMPATIBLE_DESTINATION": Cause.INCOMPATIBLE,
    "BEARERCAPABILITY_NOTIMPL": Cause.INCOMPATIBLE,
    "SWITCH_CONGESTION": Cause.CONGESTION,
    "NORMAL_CIRCUIT_CONGESTION": Cause.CONGESTION,
    "MEDIA_TIMEOUT": Cause.MEDIA_TIMEOUT,
    "NO_USER_RESPONSE": Cause.TIMEOUT,
    "RECOVERY_ON_TIMER_EXPIRE": Cause.TIMEOUT,
    "NORMAL_TEMPORARY_FAILURE": Cause.SERVICE_UNAVAILABLE,
    "SERVICE_UNAVAILABLE": Cause.SERVICE_UNAVAILABLE,
    "GATEWAY_DOWN": Cause.SERVICE_UNAVAILABLE,
    "INVALID_GATEWAY": Cause.SERVICE_UNAVAILABLE,
    "MANAGER_REQUEST": Cause.INTERRUPTED,
    "SYSTEM_SHUTDOWN": Cause.INTERRUPTED,
}
_RECEIVED = ("recv_bye", "recv_cancel", "recv_refuse")


def to_hangup_cause(cause: Cause) -> str:
    """FreeSWITCH's name of a cause."""
    return _TO[cause]


def from_hangup_cause(name: str) -> Cause:
    """What FreeSWITCH's name of a cause means; NETWORK for one we do not tell apart."""
    return _FROM.get(name, Cause.NETWORK)


def sip_status(event: Event) -> int:
    """The final SIP status of a leg that was not answered; 0 when there was none."""
    for name in ("sip_invite_failure_status", "sip_term_status"):
        if (text := event.variable(name)).isdecimal():
            return int(text)
    return 0


def how_ended(event: Event, *, was_answered: bool, asked: Cause | None) -> LegEnded:
    """How a leg ended, from its CHANNEL_HANGUP_COMPLETE; ``asked`` is the cause we ended it with, if we did."""
    by_party = event.variable("sip_hangup_disposition") in _RECEIVED
    if not by_party and asked is not None:
        return LegEnded(asked, False)
    cause = from_hangup_cause(event.get("Hangup-Cause", event.variable("hangup_cause")))
    if by_party and was_answered:
        cause = Cause.NORMAL
    elif by_party and event.variable("sip_hangup_disposition") == "recv_cancel":
        cause = Cause.CANCELLED
    elif by_party and (status := sip_status(event)) >= 300:
        cause = from_sip_status(status)
    return LegEnded(cause, by_party)


def how_it_ended(hangup_cause: str, disposition: str) -> LegEnded:
    """How an answered leg ended that nobody of us was with."""
    by_party = disposition in _RECEIVED
    cause = from_hangup_cause(hangup_cause)
    if by_party:
        cause = Cause.CANCELLED if disposition == "recv_cancel" else Cause.NORMAL
    return LegEnded(cause, by_party)


def from_job(result: str) -> tuple[str, Cause | None]:
    """The channel that answered, or why none did, from an originate's result."""
    mark, _, rest = result.strip().partition(" ")
    if mark == "+OK":
        return rest.strip(), None
    return "", from_hangup_cause(rest.strip())


def caller(data: Event) -> Party:
    """Who calls."""
    number = data.get("Caller-Caller-ID-Number", "")
    name = data.get("Caller-Caller-ID-Name", "")
    hidden = "true" in (data.get("Caller-Privacy-Hide-Number", ""), data.get("Caller-Privacy-Hide-Name", ""))
    if hidden or number.lower() in ("anonymous", "unknown", "restricted", "0000000000", "unavailable"):
        return Party("")
    return Party(number, "" if name == number else name)


def origin(data: Event) -> Origin | None:
    """Where a call comes from, as our dialplan found out; None for a call that did not come through it."""
    kind = data.variable("frontdesk_origin")
    if kind == "trunk":
        return Origin("trunk", data.variable("frontdesk_trunk"))
    if kind == "extension" and (name := data.variable("frontdesk_extension")):
        return Origin("extension", name)
    return None


def bridged_with(data: Event) -> str:
    """The channel that one talks with, from its dump; empty when with none."""
    return data.variable("bridge_to")  # bridge_uuid and Other-Leg-Unique-ID stay when the bridge ends


def bridged_at(data: Event) -> float:
    """When that began, in seconds since 1970; 0 when it has not."""
    return whole(data.get("Caller-Channel-Bridged-Time", "")) / 1e6


def speaks_into_a_message(data: Event) -> bool:
    """Whether the party is being recorded by itself, from its dump."""
    return data.variable("current_application") == "record"


def registration(event: Event) -> Binding:
    """The phone that a sofia::register, ::unregister or ::expire event is about."""
    _, bracket, rest = event.get("contact", "").partition("<")
    contact = rest.partition(">")[0] if bracket else event.get("contact", "")
    proto = "tcp" if "TCP" in event.get("status", "") else "tls" if "TLS" in event.get("status", "") else "udp"
    agent = event.get("user-agent", "")
    expires = event.get("expires", "")
    lasts = dt.timedelta(seconds=int(expires)) if expires.isdecimal() and len(expires) < 9 else dt.timedelta(0)
    return Binding(
        extension=event.get("username", "") or event.get("from-user", event.get("user", "")),
        contact=contact,
        source=f"{proto}:{event.get('network-ip', '')}:{event.get('network-port', '')}",
        user_agent="" if agent == "unknown" else agent,
        expires_at=clock.stamp(clock.now() + lasts),
    )


def registrations(text: str) -> list[Binding]:
    """The phones in ``show registrations as json``."""
    rows: list[dict[str, Any]] = json.loads(text).get("rows", [])
    found = []
    for row in rows:
        contact = str(row.get("url", "")).split("/", 2)[-1]
        found.append(
            Binding(
                extension=str(row.get("reg_user", "")),
                contact=contact,
                source=f"{row.get('network_proto', '')}:{row.get('network_ip', '')}:{row.get('network_port', '')}",
                expires_at=_stamp(str(row.get("expires", ""))),
            )
        )
    return found


_REASONS = {"401": "wrong password", "403": "wrong password", "407": "wrong password", "408": "no answer"}


def trunk_state(event: Mapping[str, str]) -> TrunkChanged | None:
    """What a sofia::gateway_state event, or the fields of an xmlstatus, tell of a trunk; None while it is trying.

    The reason is empty where FreeSWITCH gives none: while it waits to try again.
    """
    name, state = event.get("Gateway", ""), event.get("State", "")
    ping, status = event.get("Ping-Status", ""), event.get("Status", "")
    phrase = event.get("Phrase", "")
    unsaid = "" if state in ("FAILED", "FAIL_WAIT") else "no answer"
    reason = _REASONS.get(status, phrase or unsaid)
    up: Literal["up", "down", "unknown"]
    if state == "REGED":
        up = "down" if ping == "DOWN" else "up"
    elif state == "NOREG":
        up = "down" if ping == "DOWN" else "up" if ping == "UP" else "unknown"
    elif state in ("FAIL_WAIT", "FAILED", "EXPIRED", "TIMEOUT", "DOWN"):
        up = "down"
    else:
        return None
    return TrunkChanged(name, up, reason if up == "down" else "")


def whole(text: str) -> int:
    """A number that FreeSWITCH wrote; 0 where it is none."""
    return int(text) if text.isdecimal() else 0


def _stamp(epoch: str) -> str:
    if not epoch.isdecimal() or int(epoch) == 0:
        return ""
    return clock.stamp(dt.datetime.fromtimestamp(int(epoch), dt.UTC))
