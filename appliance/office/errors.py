"""What the office refuses."""

from typing import ClassVar

from appliance.errors import Conflict, Kind, NotFound
from appliance.i18n import gettext as _


class NoOffice(NotFound):
    """Nothing has been set up in this folder."""

    code = "no-office"
    kind: ClassVar[Kind] = "not_found"

    def __init__(self, folder: object = "") -> None:
        where = f" ({folder})" if folder else ""
        super().__init__(
            _("There is no office here yet%(where)s.", where=where),
            hint=_("Start one with: frontdesk up, or: frontdesk apply office.toml"),
        )


class AlreadySetUp(Conflict):
    """The office exists already."""

    code = "already-set-up"
