"""The refusals of this slice."""

from datetime import datetime

from appliance import i18n
from appliance.errors import Conflict, Invalid, NotFound
from appliance.i18n import gettext as _


class AppointmentNotFound(NotFound):
    """There is no such appointment, or it is behind the wall."""

    code = "appointment-not-found"

    def __init__(self) -> None:
        super().__init__(_("There is no such appointment."))


class ServiceNotFound(NotFound):
    """The business offers no such service."""

    code = "service-not-found"

    def __init__(self) -> None:
        super().__init__(_("There is no such service."), hint=_("Somebody may have removed it: choose another one."))


class BadAppointment(Invalid):
    """A field cannot be taken; ``field`` names it."""

    code = "bad-appointment"

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class InThePast(BadAppointment):
    """That time is over."""

    code = "in-the-past"

    def __init__(self) -> None:
        super().__init__("slot", _("That time has passed."), hint=_("Choose a later one."))


class SlotTaken(Conflict):
    """Another appointment of the business is at that time; ``next_free`` is the first free moment after it."""

    code = "slot-taken"

    def __init__(self, next_free: datetime | None, timezone: str) -> None:
        self.next_free = next_free
        hint = _("Nothing is free in the next weeks.")
        if next_free:
            hint = _("The next free time is %(when)s.", when=i18n.format_datetime(next_free, timezone))
        super().__init__(_("That time is taken."), hint=hint)


class OutsideHours(Conflict):
    """The business is not open all that time; it can be booked anyway."""

    code = "outside-hours"

    def __init__(self) -> None:
        super().__init__(
            _("The business is not open at that time."), hint=_("Choose another time, or tick “Book anyway”.")
        )


class NotBooked(Conflict):
    """Only an appointment that stands can be moved."""

    code = "not-booked"

    def __init__(self) -> None:
        super().__init__(_("This appointment does not stand any more."), hint=_("Book it again first."))


class NotYetBegun(Conflict):
    """Nobody has missed what has not begun."""

    code = "not-yet-begun"

    def __init__(self) -> None:
        super().__init__(_("This appointment has not begun yet."), hint=_("You can cancel it."))
