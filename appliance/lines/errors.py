"""What lines refuse."""

from appliance.errors import Conflict, Invalid, NotFound
from appliance.i18n import gettext as _


class NoSuchTrunk(NotFound):
    """No trunk of that id."""

    code = "no-such-trunk"

    def __init__(self, trunk_id: str) -> None:
        super().__init__(_('There is no trunk "%(id)s".', id=trunk_id))


class TrunkExists(Conflict):
    """A trunk of that id is there already."""

    code = "trunk-exists"

    def __init__(self, trunk_id: str) -> None:
        super().__init__(_('There is a trunk "%(id)s" already.', id=trunk_id), hint=_("Choose another id."))


class TrunkNeedsAccount(Invalid):
    """A trunk that registers lacks its user name or password."""

    code = "trunk-needs-account"

    def __init__(self, trunk_id: str, missing: str) -> None:
        self.missing = missing
        super().__init__(
            _('Trunk "%(id)s" registers, but its %(missing)s is missing.', id=trunk_id, missing=missing),
            hint=_("Give username and password as the carrier wrote them, or choose kind peer."),
        )
