"""What businesses refuse."""

from appliance.errors import Conflict, NotFound
from appliance.i18n import gettext as _


class NoSuchBusiness(NotFound):
    """No business of that id."""

    code = "no-such-business"

    def __init__(self, business_id: str) -> None:
        super().__init__(_('There is no business "%(id)s".', id=business_id))


class BusinessExists(Conflict):
    """A business of that id is there already."""

    code = "business-exists"

    def __init__(self, business_id: str) -> None:
        super().__init__(_('There is a business "%(id)s" already.', id=business_id), hint=_("Choose another id."))


class NumberTaken(Conflict):
    """The number belongs to another business."""

    code = "number-taken"

    def __init__(self, number: str, business: str) -> None:
        super().__init__(
            _("%(number)s belongs to %(business)s.", number=number, business=business),
            hint=_("A number belongs to one business: take it from there first."),
        )


class BusinessHasHistory(Conflict):
    """Calls or messages of the business would lose their place."""

    code = "business-has-history"

    def __init__(self, name: str, calls: int, messages: int) -> None:
        self.calls, self.messages = calls, messages
        super().__init__(
            _(
                "%(name)s has %(calls)s calls and %(messages)s messages on record.",
                name=name,
                calls=calls,
                messages=messages,
            ),
            hint=_("Keep it without numbers: it then answers no call, and its history stays."),
        )


class BusinessHasAppointments(Conflict):
    """Appointments with the business would lose their place."""

    code = "business-has-appointments"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("%(name)s has appointments on record.", name=name),
            hint=_("Keep it without numbers: it then answers no call, and its history stays."),
        )
