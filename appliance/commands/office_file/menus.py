"""The menus of an office file: that they lead somewhere and go together. Pure."""

from collections.abc import Callable
from typing import Any

from appliance import fields
from appliance.errors import FrontdeskError, Invalid
from appliance.i18n import gettext as _
from appliance.menus import service as menus
from appliance.menus.errors import BadChoice
from appliance.menus.models import Menu

Thing = dict[str, Any]
Refused = Callable[[tuple[str | int, ...], Invalid], None]


def menu_of(thing: Thing) -> Menu:
    """The menu that a table of the file describes."""
    return Menu(
        thing["id"],
        thing["business"],
        thing["name"],
        thing["text"],
        thing["plays"],
        {key: menus.read_choice(value, key) for key, value in thing["keys"].items()},
        menus.read_choice(thing["otherwise"]),
        thing["timeout_seconds"],
        thing["tries"],
        thing["direct_dial"],
        thing.get("place", 0),
    )


def check_menus(state: dict[str, dict[str, Thing]], refused: Refused) -> None:
    """Tell every choice that leads nowhere, and menus that do not go together; numbers become E.164."""
    whole = {name: thing for name, thing in state["menu"].items() if _is_whole(thing)}
    extensions = {t.get("extension") for kind in ("agent", "phone") for t in state[kind].values()}
    by_business: dict[str, dict[str, Menu]] = {}
    for name, thing in whole.items():
        path = ("menu", thing["#"])
        if thing["business"] not in state["business"]:
            known = ", ".join(state["business"]) or _("none")
            refused((*path, "business"), fields.BadValue(thing["business"], known))
            continue
        zone = state["business"][thing["business"]].get("timezone") or state["office"].get("", {}).get(
            "timezone", "UTC"
        )
        region = fields.region_of(zone)
        ours = [n for n, t in whole.items() if t["business"] == thing["business"]]
        for key, value in {**thing["keys"], "": thing["otherwise"]}.items():
            try:
                written = str(menus.settled(key, menus.read_choice(value, key), ours, extensions.__contains__, region))
            except BadChoice as error:
                refused((*path, "keys", key) if key else (*path, "otherwise"), error)
                continue
            if key:
                thing["keys"][key] = written
            else:
                thing["otherwise"] = written
        by_business.setdefault(thing["business"], {})[name] = menu_of(thing)
    for found in by_business.values():
        try:
            menus.check_together(found)
        except FrontdeskError as error:
            first = next(iter(found))
            refused(("menu", whole[first]["#"]), Invalid(error.message, hint=error.hint))


def _is_whole(thing: Thing) -> bool:
    return all(key in thing for key in ("id", "business", "name", "text", "plays", "keys", "otherwise"))
