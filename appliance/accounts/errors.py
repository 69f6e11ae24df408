"""What accounts refuse."""

from typing import ClassVar

from appliance.errors import Conflict, Forbidden, Invalid, Kind, NotFound
from appliance.i18n import gettext as _
from appliance.i18n import ngettext


class WrongPassword(Invalid):
    """The name or the password is wrong; which of the two is not told."""

    code = "wrong-password"

    def __init__(self) -> None:
        super().__init__(
            _("The name or the password is not right."),
            hint=_("Forgotten? On the box, run: frontdesk reset-password NAME"),
        )


class TooManyAttempts(Forbidden):
    """Too many failed sign-ins; ``wait_seconds`` until the next may be tried."""

    code = "too-many-attempts"
    kind: ClassVar[Kind] = "forbidden"

    def __init__(self, wait_seconds: int) -> None:
        minutes = max(1, -(-wait_seconds // 60))
        super().__init__(
            ngettext(
                "Too many attempts. Please wait a minute, then try again.",
                "Too many attempts. Please wait %(num)s minutes, then try again.",
                minutes,
            )
        )
        self.wait_seconds = wait_seconds


class WeakPassword(Invalid):
    """A password that would be guessed."""

    code = "weak-password"


class LinkGone(NotFound):
    """A one-time link that was used, has expired or never was."""

    code = "link-gone"

    def __init__(self) -> None:
        super().__init__(
            _("This link can no longer be used: it was used already, or it is too old."),
            hint=_("Ask for a new one. On the box: frontdesk reset-password NAME"),
        )


class LoginTaken(Conflict):
    """Another person signs in with that name."""

    code = "login-taken"

    def __init__(self, login: str) -> None:
        super().__init__(_("Somebody else signs in as %(login)s already.", login=login))
        self.login = login


class LastOwner(Conflict):
    """Without this person nobody could run the office."""

    code = "last-owner"

    def __init__(self) -> None:
        super().__init__(_("This is the only owner who can sign in; the office needs one."))


class TokenNameTaken(Conflict):
    """A token of that name exists."""

    code = "token-name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is a token named %(name)s already.", name=name), hint=_("Choose another name."))
