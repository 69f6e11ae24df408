"""Menus: list, keep, remove; their choices as written. Functions that write expect the caller's transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from sqlite_utils import Database

from appliance import fields, phone_numbers
from appliance.errors import Invalid
from appliance.fields import BadValue
from appliance.i18n import gettext as _
from appliance.menus import rules, store
from appliance.menus.errors import BadChoice, MenuInPlace, MenuInUse, MenuLoop, MenuTooDeep, NoSuchMenu
from appliance.menus.models import CHOICES, KEYS, LAST_CHOICES, PLAYS, WITH_TARGET, Choice, Menu
from appliance.store.config_version import bump

MOST_MENUS = 50  # of one business
MOST_TEXT = 1000
_PROMPT_KEYS = {"*": "star", "#": "hash"}


def list_menus(db: Database, business_id: str | None = None) -> list[Menu]:
    """The menus of a business, or of all, in their order."""
    return [_read(row) for row in store.menus(db, business_id)]


def get_menu(db: Database, business_id: str, menu_id: str) -> Menu:
    """One menu of a business. Raises NoSuchMenu."""
    found = next((m for m in list_menus(db, business_id) if m.menu_id == menu_id), None)
    if found is None:
        raise NoSuchMenu(menu_id)
    return found


def save_menu(db: Database, menu_id: str, business_id: str, **values: object) -> Menu:
    """Keep one menu, new or changed; what is not named stays. Raises Invalid, MenuInPlace."""
    known = {m.menu_id: m for m in list_menus(db)}
    before = known.get(fields.identifier(menu_id)) or Menu(
        menu_id, business_id, "", "", position=store.next_position(db)
    )
    if before.business_id != business_id:
        raise BadValue(menu_id, _("another id: this one is a menu of another business"))
    menu = replace(before, **{key: CHECKS[key](value) for key, value in values.items()})
    save_menus(db, business_id, [menu, *(m for m in known.values() if _other(m, menu))], changed=[menu])
    return get_menu(db, business_id, menu_id)


def _other(one: Menu, menu: Menu) -> bool:
    return one.business_id == menu.business_id and one.menu_id != menu.menu_id


def save_menus(db: Database, business_id: str, menus: Iterable[Menu], *, changed: Iterable[Menu]) -> None:
    """Keep the changed ones of all the menus a business is to have. Raises Invalid, MenuInPlace."""
    zone = store.timezone_of(db, business_id)
    region = fields.region_of(zone)
    by_id = {menu.menu_id: menu for menu in menus}
    if len(by_id) > MOST_MENUS:
        raise BadValue(len(by_id), _("up to %(most)s menus", most=MOST_MENUS))

    def settle(key: str, choice: Choice) -> Choice:
        return settled(key, choice, by_id, partial(store.has_extension, db), region)

    for menu in changed:
        fields.name(menu.name)
        fields.text(menu.text, most=MOST_TEXT, required=True, lines=True)
        read = {key: settle(key, choice) for key, choice in menu.keys.items()}
        by_id[menu.menu_id] = replace(menu, keys=read, otherwise=settle("", menu.otherwise))
    check_together(by_id)
    for menu in changed:
        store.write(db, _row(by_id[menu.menu_id]))
    bump(db)


def check_together(menus: Mapping[str, Menu]) -> None:
    """That all the menus of one business go together. Raises MenuLoop, MenuTooDeep, MenuInPlace."""
    if loop := rules.loop_in(menus):
        raise MenuLoop([menus[menu_id].name for menu_id in loop])
    if rules.depth_of(menus) > rules.MOST_DEPTH:
        raise MenuTooDeep(rules.MOST_DEPTH)
    for when in ("open", "closed"):
        played = [m for m in menus.values() if m.plays in (when, "always")]
        if len(played) > 1:
            raise MenuInPlace(played[1].name)


def delete_menu(db: Database, business_id: str, menu_id: str) -> None:
    """Remove a menu. Raises NoSuchMenu, MenuInUse."""
    menu = get_menu(db, business_id, menu_id)
    for other in list_menus(db, business_id):
        if other.menu_id != menu_id and Choice("menu", menu_id) in other.keys.values():
            raise MenuInUse(menu.name, other.name)
    drop_menu(db, menu_id)


def drop_menu(db: Database, menu_id: str) -> None:
    """Remove a menu of which the caller knows that nothing leads to it."""
    store.delete(db, menu_id)
    bump(db)


def read_choice(value: object, key: str = "") -> Choice:
    """A choice as it is written: ``queue``, ``person:101``, ``announcement:We are at …``. Raises BadChoice."""
    allowed = _(
        '"queue", "voicemail", "back", "person:101", "number:+98…", "menu:id of a menu", "announcement:what is said"'
    )
    if not isinstance(value, str):
        raise BadChoice(key, value, allowed)
    kind, _colon, target = (part.strip() for part in value.partition(":"))
    if kind not in CHOICES or (kind in WITH_TARGET) != bool(target):
        raise BadChoice(key, value, allowed)
    try:
        if kind == "announcement":
            target = fields.text(target, most=MOST_TEXT, required=True, lines=True)
        elif kind == "menu":
            target = fields.identifier(target)
        elif kind == "person":
            target = fields.extension(target)
    except BadValue as error:
        raise BadChoice(key, value, error.allowed) from error
    return Choice(kind, target)


def _keys(value: object) -> dict[str, Choice]:
    if not isinstance(value, Mapping):
        raise BadValue(value, _('a table of keys, such as { 1 = "queue", 2 = "voicemail" }'))
    for key in value:
        if key not in KEYS or len(str(key)) != 1:
            raise BadChoice(str(key), key, _("a key of a telephone: 0 to 9, * or #"))
    return {key: read_choice(value[key], key) for key in KEYS if key in value}


def _otherwise(value: object) -> Choice:
    choice = read_choice(value)
    if choice.kind not in LAST_CHOICES:
        raise BadChoice("", value, _("what ends the menu: queue, voicemail, a person or a number"))
    return choice


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise BadValue(value, _("true or false"))


CHECKS: Mapping[str, Callable[[object], Any]] = {
    "name": fields.name,
    "text": lambda v: fields.text(v, most=MOST_TEXT, required=True, lines=True),
    "plays": lambda v: fields.choice(v, PLAYS),
    "keys": _keys,
    "otherwise": _otherwise,
    "timeout_seconds": lambda v: fields.whole(v, 1, 30),
    "tries": lambda v: fields.whole(v, 1, 9),
    "direct_dial": _yes_or_no,
    "position": lambda v: fields.whole(v, 0, 10_000),
}


def written_keys(menu: Menu) -> dict[str, str]:
    """The keys as they are written."""
    return {key: str(choice) for key, choice in menu.keys.items()}


def as_words(menu: Menu) -> dict[str, Any]:
    """A menu as the office file and the API write it."""
    return {
        "id": menu.menu_id,
        "business": menu.business_id,
        "name": menu.name,
        "text": menu.text,
        "plays": menu.plays,
        "keys": written_keys(menu),
        "otherwise": str(menu.otherwise),
        "timeout_seconds": menu.timeout_seconds,
        "tries": menu.tries,
        "direct_dial": menu.direct_dial,
    }


def prompt_of(menu_id: str, key: str = "") -> str:
    """The name under which a sound of one's own is kept: of the menu, or of a key's announcement."""
    return f"menu-{menu_id}" + (f"_{_PROMPT_KEYS.get(key, key)}" if key else "")


def spoken_by(menus: Mapping[str, Menu]) -> Iterator[tuple[str, str]]:
    """What menus say: each prompt's name and its text."""
    for menu in menus.values():
        yield prompt_of(menu.menu_id), menu.text
        for key, choice in menu.keys.items():
            if choice.kind == "announcement":
                yield prompt_of(menu.menu_id, key), choice.target


def settled(
    key: str, choice: Choice, menus: Iterable[str], has_extension: Callable[[str], bool], region: str | None
) -> Choice:
    """A choice whose target is there, numbers in E.164. Raises BadChoice."""
    match choice.kind:
        case "menu" if choice.target not in (known := list(menus)):
            allowed = _("a menu of this business: %(known)s", known=", ".join(known))
            raise BadChoice(key, str(choice), allowed)
        case "person" if not has_extension(choice.target):
            raise BadChoice(key, str(choice), _("an extension of this office"))
        case "number":
            try:
                return Choice("number", phone_numbers.to_e164(choice.target, region))
            except Invalid as error:
                raise BadChoice(key, str(choice), error.hint) from error
    return choice


def _read(row: dict[str, Any]) -> Menu:
    keys = {key: read_choice(value, key) for key, value in row["keys"].items()}
    return Menu(**{**row, "keys": keys, "otherwise": read_choice(row["otherwise"])})


def _row(menu: Menu) -> dict[str, Any]:
    return {**asdict(menu), "keys": written_keys(menu), "otherwise": str(menu.otherwise)}
