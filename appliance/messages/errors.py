"""The refusals of this slice."""

from appliance.errors import Invalid, NotFound
from appliance.i18n import gettext as _


class MessageNotFound(NotFound):
    """There is no such message, or it is behind the wall."""

    code = "message-not-found"

    def __init__(self) -> None:
        super().__init__(_("There is no such message."))


class BadMessage(Invalid):
    """A field of a message cannot be taken; ``field`` names it."""

    code = "bad-message"

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class MessageEmpty(BadMessage):
    """There is nothing in the message that anybody could act upon."""

    code = "message-empty"

    def __init__(self) -> None:
        super().__init__(
            "body",
            _("The message is empty."),
            hint=_("Write down what the caller wants, or at least the number to call back."),
        )


class DraftTooLong(Invalid):
    """More was typed than a draft holds."""

    code = "draft-too-long"

    def __init__(self, kilobytes: int) -> None:
        super().__init__(
            _("The draft is longer than %(kilobytes)s kB.", kilobytes=kilobytes), hint=_("Shorten it to go on.")
        )


class BadCursor(Invalid):
    """The cursor did not come from us."""

    code = "bad-cursor"

    def __init__(self) -> None:
        super().__init__(_("That page does not exist."))
