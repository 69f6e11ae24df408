"""What extensions refuse."""

from appliance.errors import Conflict, NotFound
from appliance.i18n import gettext as _


class NoSuchExtension(NotFound):
    """No such extension."""

    code = "no-such-extension"

    def __init__(self, extension: str) -> None:
        super().__init__(_("There is no extension %(extension)s.", extension=extension))


class ExtensionExists(Conflict):
    """The extension is taken."""

    code = "extension-exists"

    def __init__(self, extension: str) -> None:
        super().__init__(
            _("Extension %(extension)s is taken.", extension=extension), hint=_("Choose another extension.")
        )


class ExtensionHasAgent(Conflict):
    """An agent's phone rings on it."""

    code = "extension-has-agent"

    def __init__(self, extension: str, agent: str) -> None:
        super().__init__(
            _("Extension %(extension)s is the phone of %(agent)s.", extension=extension, agent=agent),
            hint=_("Give the agent another extension first, or remove the agent."),
        )
