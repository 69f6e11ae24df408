"""The refusals of this slice."""

from appliance.errors import Invalid, NotFound, Unavailable
from appliance.i18n import gettext as _


class UnknownPrompt(NotFound):
    """There is no prompt of that name."""

    code = "unknown-prompt"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is no prompt called %(name)s.", name=name[:40]))


class UnusableSound(Invalid):
    """The file given is no sound we can play."""

    code = "unusable-sound"


class SoundNotMade(Unavailable):
    """The box could not make a sound just now; callers hear something simpler until it can."""

    code = "sound-not-made"
