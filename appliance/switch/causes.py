"""Why a leg ended: hang-up causes (Q.850) and their SIP statuses (RFC 3398 §8.2.6.1, §7.2.4.1).

The value is what the store, the API and the logs carry.
"""

from enum import StrEnum


class Cause(StrEnum):
    """The hang-up causes we tell apart."""

    NORMAL = "normal"  # 16: someone hung up
    BUSY = "busy"  # 17
    NO_ANSWER = "no-answer"  # 19
    REJECTED = "rejected"  # 21: the callee pressed decline
    UNKNOWN_NUMBER = "unknown-number"  # 1
    NOT_REGISTERED = "not-registered"  # 20: no phone there
    CANCELLED = "cancelled"  # the caller gave up before the answer
    ANSWERED_ELSEWHERE = "answered-elsewhere"  # 26
    FORBIDDEN = "forbidden"  # 57: no right to place this call
    INCOMPATIBLE = "incompatible"  # 88: no codec in common
    CONGESTION = "congestion"  # 42: more calls than we carry
    MEDIA_TIMEOUT = "media-timeout"  # the phone vanished: no packet for too long
    SESSION_EXPIRED = "session-expired"  # RFC 4028: no refresh in time
    TIMEOUT = "timeout"  # 102: no answer to signalling
    NETWORK = "network"  # 38: refused by, or lost to, the network
    SERVICE_UNAVAILABLE = "service-unavailable"  # 41
    INTERRUPTED = "interrupted"  # the switch or the core stopped under the call


_SIP_FROM_CAUSE = {
    Cause.NORMAL: 480,
    Cause.BUSY: 486,
    Cause.NO_ANSWER: 480,
    Cause.REJECTED: 603,
    Cause.UNKNOWN_NUMBER: 404,
    Cause.NOT_REGISTERED: 480,
    Cause.CANCELLED: 487,
    Cause.ANSWERED_ELSEWHERE: 487,
    Cause.FORBIDDEN: 403,
    Cause.INCOMPATIBLE: 488,
    Cause.CONGESTION: 503,
    Cause.TIMEOUT: 408,
    Cause.NETWORK: 502,
    Cause.SERVICE_UNAVAILABLE: 503,
}
_Q850 = {
    Cause.NORMAL: 16,
    Cause.BUSY: 17,
    Cause.NO_ANSWER: 19,
    Cause.REJECTED: 21,
    Cause.UNKNOWN_NUMBER: 1,
    Cause.NOT_REGISTERED: 20,
    Cause.CANCELLED: 16,
    Cause.ANSWERED_ELSEWHERE: 26,
    Cause.FORBIDDEN: 57,
    Cause.INCOMPATIBLE: 88,
    Cause.CONGESTION: 42,
    Cause.TIMEOUT: 102,
    Cause.NETWORK: 38,
    Cause.SERVICE_UNAVAILABLE: 41,
}


def to_sip_status(cause: Cause) -> int:
    """The final status with which an unanswered INVITE is refused for this cause."""
    return _SIP_FROM_CAUSE.get(cause, 480)


def to_q850(cause: Cause) -> int:
    """The Q.850 number for a Reason header (RFC 3326)."""
    return _Q850.get(cause, 31)


def from_sip_status(status: int) -> Cause:
    """What a final response of 300 or above means."""
    known = {
        401: Cause.FORBIDDEN,
        403: Cause.FORBIDDEN,
        407: Cause.FORBIDDEN,
        404: Cause.UNKNOWN_NUMBER,
        410: Cause.UNKNOWN_NUMBER,
        484: Cause.UNKNOWN_NUMBER,
        604: Cause.UNKNOWN_NUMBER,
        408: Cause.TIMEOUT,
        415: Cause.INCOMPATIBLE,
        488: Cause.INCOMPATIBLE,
        606: Cause.INCOMPATIBLE,
        480: Cause.NO_ANSWER,
        486: Cause.BUSY,
        600: Cause.BUSY,
        487: Cause.CANCELLED,
        603: Cause.REJECTED,
        503: Cause.SERVICE_UNAVAILABLE,
    }
    if status in known:
        return known[status]
    return Cause.NETWORK if status >= 500 else Cause.REJECTED
