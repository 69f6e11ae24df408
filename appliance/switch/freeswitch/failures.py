"""What may go wrong between us and FreeSWITCH, and how far a command got when it did.

Owns: the errors of the Event Socket. Leaves out: why a call failed (translate.py).
"""

from typing import Literal

from appliance.switch.errors import SwitchError

# not-sent: FreeSWITCH has seen nothing of it. unconfirmed: it may or may not have been done.
# accepted: it was begun, its outcome is unknown. refused: it was seen and turned down.
Reached = Literal["not-sent", "unconfirmed", "accepted", "refused"]


class EventSocketError(SwitchError):
    """A command that did not do what it should; ``reached`` says how far it got."""

    code = "event-socket"

    def __init__(self, message: str, *, reached: Reached, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reached: Reached = reached


class SocketAway(EventSocketError):
    """There is no connection to FreeSWITCH."""

    code = "event-socket-away"

    def __init__(self, message: str = "FreeSWITCH is not connected.", *, reached: Reached = "not-sent") -> None:
        super().__init__(message, reached=reached, hint="See whether FreeSWITCH runs; its log tells why it ended.")


class ConnectionRefused(SocketAway):
    """Nobody listens where FreeSWITCH's Event Socket should be."""

    code = "event-socket-refused"

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"FreeSWITCH's Event Socket at {place} cannot be reached ({reason}).")


class BadPassword(EventSocketError):
    """FreeSWITCH does not take our password."""

    code = "event-socket-password"

    def __init__(self) -> None:
        super().__init__(
            "FreeSWITCH refused Frontdesk's Event Socket password.",
            reached="refused",
            hint="Another FreeSWITCH, or one with another configuration, has that port.",
        )


class WrongVersion(EventSocketError):
    """This FreeSWITCH is too old, or is none."""

    code = "freeswitch-version"

    def __init__(self, found: str) -> None:
        super().__init__(
            f"This FreeSWITCH says it is {found[:60]!r}; Frontdesk needs 1.10 or newer.",
            reached="refused",
            hint="Install a newer FreeSWITCH, or set FRONTDESK_ENGINE=builtin.",
        )


class BadFrame(EventSocketError):
    """What came is not the Event Socket's protocol; the connection is of no use any more."""

    code = "event-socket-frame"

    def __init__(self, what: str) -> None:
        super().__init__(f"The Event Socket sent what cannot be read: {what}.", reached="unconfirmed")


class NoAnswer(EventSocketError):
    """FreeSWITCH did not answer a command in time."""

    code = "event-socket-timeout"

    def __init__(self, command: str, seconds: float, *, reached: Reached = "unconfirmed") -> None:
        super().__init__(f"FreeSWITCH did not answer “{command}” in {seconds:g} s.", reached=reached)


class Refused(EventSocketError):
    """FreeSWITCH turned a command down; ``reply`` is what it said, without "-ERR"."""

    code = "event-socket-refusal"

    def __init__(self, command: str, reply: str) -> None:
        super().__init__(f"FreeSWITCH refused “{command}”: {reply}.", reached="refused")
        self.reply = reply


class BadValue(EventSocketError):
    """A value that must not stand in a command: it could be read as a command of its own."""

    code = "event-socket-value"
    kind = "invalid"

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{what} {value[:40]!r} cannot be given to FreeSWITCH.", reached="not-sent")
