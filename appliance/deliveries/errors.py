"""The refusals of this slice."""

from appliance.errors import Conflict, Invalid, NotFound
from appliance.i18n import gettext as _


class DeliveryNotFound(NotFound):
    """There is no such delivery, or it is behind the wall."""

    code = "delivery-not-found"

    def __init__(self) -> None:
        super().__init__(_("There is no such delivery."))


class DeliveryUnderWay(Conflict):
    """The delivery has arrived or is being sent: it can neither be sent again nor held back."""

    code = "delivery-under-way"

    def __init__(self) -> None:
        super().__init__(_("This mail has been sent, or is being sent right now."))


class BadCursor(Invalid):
    """The cursor did not come from us."""

    code = "bad-cursor"

    def __init__(self) -> None:
        super().__init__(_("That page does not exist."))


class NotSent(Exception):
    """A mail did not leave: the reason's code, what the other side said, and whether trying again is of no use."""

    def __init__(self, code: str, detail: str = "", *, permanent: bool = False) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.permanent = permanent
