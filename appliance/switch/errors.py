"""What an engine may refuse. Engines translate their library's errors into these at their edge."""

from typing import ClassVar

from appliance.errors import FrontdeskError, Kind
from appliance.i18n import gettext as _
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
        super().__init__(_("The call has ended (%(cause)s).", cause=cause.value))
        self.cause = cause


class CallRejected(SwitchError):
    """A call we placed was not answered: busy, declined, not registered, no answer, unreachable …"""

    code = "call-rejected"
    kind = "conflict"

    def __init__(self, cause: Cause, *, sip_status: int = 0) -> None:
        super().__init__(_("The call was not answered (%(cause)s).", cause=cause.value))
        self.cause = cause
        self.sip_status = sip_status


class CallsLost(SwitchError):
    """The switch has given calls of ours into other hands: the core must begin anew and take them up."""

    code = "calls-lost"

    def __init__(self) -> None:
        super().__init__("The switch carries calls without the core.")


class NotSupported(SwitchError):
    """This engine cannot do it."""

    code = "not-supported"

    def __init__(self, engine: str) -> None:
        super().__init__(
            _("The engine that runs (%(engine)s) cannot do this.", engine=engine),
            hint=_("FreeSWITCH can: docs/freeswitch.md tells how to get it."),
        )


class EngineMissing(SwitchError):
    """This version of Frontdesk has no such engine."""

    code = "engine-missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("The engine “%(name)s” is not part of this version.", name=name),
            hint=_("Leave FRONTDESK_ENGINE out, or set it to builtin."),
        )


class PortTaken(SwitchError):
    """Another program has the port."""

    code = "port-taken"

    def __init__(self, port: int, transport: str, holder: str = "") -> None:
        taken = f"{port}/{transport}"
        super().__init__(
            _("Port %(port)s is taken by %(holder)s.", port=taken, holder=holder)
            if holder
            else _("Port %(port)s is taken.", port=taken),
            hint=_("End it, or choose other ports: FRONTDESK_SIP_PORT, FRONTDESK_WEB_PORT, FRONTDESK_RTP_PORTS."),
        )
