"""What an engine may refuse. Engines translate their library's errors into these at their edge."""

from typing import ClassVar

from appliance.errors import FrontdeskError, Kind
from appliance.switch.causes import Cause


class SwitchError(FrontdeskError):
    """Something the switch could not do."""

    code = "switch-error"
    kind: ClassVar[Kind] = "unavailable"


class LegGone(SwitchError):
    """The leg has ended: a normal result of any verb, since the other party may hang up at any moment."""

    code = "leg-gone"
    kind = "conflict"

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"The call has ended ({cause.value}).")
        self.cause = cause


class CallRejected(SwitchError):
    """A call we placed was not answered: busy, declined, not registered, no answer, unreachable …"""

    code = "call-rejected"
    kind = "conflict"

    def __init__(self, cause: Cause, *, sip_status: int = 0) -> None:
        super().__init__(f"The call was not answered ({cause.value}).")
        self.cause = cause
        self.sip_status = sip_status


class EngineMissing(SwitchError):
    """This version of Frontdesk has no such engine."""

    code = "engine-missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The engine “{name}” is not part of this version.",
            hint="Leave FRONTDESK_ENGINE out, or set it to builtin.",
        )


class PortTaken(SwitchError):
    """Another program has the port."""

    code = "port-taken"

    def __init__(self, port: int, transport: str, holder: str = "") -> None:
        who = f" by {holder}" if holder else ""
        super().__init__(
            f"Port {port}/{transport} is taken{who}.",
            hint="End it, or choose other ports: FRONTDESK_SIP_PORT, FRONTDESK_WEB_PORT, FRONTDESK_RTP_PORTS.",
        )
