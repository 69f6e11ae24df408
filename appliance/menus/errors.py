"""What menus refuse."""

from appliance.errors import Conflict, Invalid, NotFound
from appliance.fields import BadValue
from appliance.i18n import gettext as _


class NoSuchMenu(NotFound):
    """No menu of that id."""

    code = "no-such-menu"

    def __init__(self, menu_id: str) -> None:
        super().__init__(_('There is no menu "%(id)s".', id=menu_id[:40]))


class BadChoice(BadValue):
    """A key's choice that cannot be used; ``key`` is the key, "" for what follows when none was any good."""

    code = "bad-choice"

    def __init__(self, key: str, found: object, allowed: str) -> None:
        super().__init__(found, allowed)
        self.key = key


class MenuLoop(Invalid):
    """Menus that lead round in a circle."""

    code = "menu-loop"

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            _("These menus lead round in a circle: %(names)s.", names=" → ".join(names)),
            hint=_("Only “back” may lead back. Let one of their keys lead elsewhere."),
        )


class MenuTooDeep(Invalid):
    """Menus within menus within menus."""

    code = "menu-too-deep"

    def __init__(self, most: int) -> None:
        super().__init__(
            _("More than %(most)s menus stand one within another.", most=most),
            hint=_("No caller remembers so many: put the choices into fewer menus."),
        )


class MenuInPlace(Conflict):
    """Another menu is played at those times."""

    code = "menu-in-place"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("The menu “%(name)s” is played at those times already.", name=name),
            hint=_("Let one of the two be played only from another menu."),
        )


class MenuInUse(Conflict):
    """Another menu leads to it."""

    code = "menu-in-use"

    def __init__(self, name: str, other: str) -> None:
        super().__init__(
            _("The menu “%(other)s” leads to “%(name)s”.", other=other, name=name),
            hint=_("Let its key lead elsewhere first."),
        )
