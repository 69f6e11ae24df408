"""From the text of an office file to the office it describes, or to every mistake in it.

Pure: the store is asked nothing. The result uses the file's own words, one flat table a thing, defaults filled in:
``{"office": {"": {...}}, "trunk": {"primary": {...}}, ...}``; a secret that was left out is None.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from appliance import fields
from appliance.agents.models import MODES
from appliance.businesses import service as businesses
from appliance.commands.office_file import keys as table_of_keys
from appliance.commands.office_file.keys import REQUIRED, SECTIONS, Key
from appliance.commands.office_file.menus import check_menus
from appliance.commands.office_file.problems import OfficeFileWrong, Problem
from appliance.commands.office_file.scanner import Path, lines_of
from appliance.errors import Invalid
from appliance.hours.errors import BadHours
from appliance.i18n import gettext as _
from appliance.menus.errors import BadChoice

Thing = dict[str, Any]
State = dict[str, dict[str, Thing]]

MOST_BYTES = 1_000_000
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read(data: bytes, file: str, *, known_secrets: frozenset[tuple[str, str]] = frozenset()) -> State:
    """The office a file describes. Raises OfficeFileWrong with every mistake.

    ``known_secrets``: the things whose secret the store has, such as ``("trunk", "primary")``, and which may omit it.
    """
    text = _decoded(data, file)
    document = _parsed(text, file)
    try:
        lines = lines_of(text)
    except (IndexError, ValueError, RecursionError):  # a line number is a help, not a condition
        lines = {}
    reader = _Reader(document, lines, known_secrets)
    state = reader.whole()
    if reader.problems:
        raise OfficeFileWrong(file, reader.problems)
    return state


def _decoded(data: bytes, file: str) -> str:
    def wrong(found: str, line: int = 0) -> OfficeFileWrong:
        return OfficeFileWrong(file, [Problem(line, "", found)])

    if len(data) > MOST_BYTES:
        raise wrong(
            _("The file has %(size)s bytes; an office file has at most %(most)s.", size=len(data), most=MOST_BYTES)
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise wrong(_("The file is written in UTF-16. Save it as UTF-8."))
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        raise wrong(_("This is no text file."))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise wrong(_("The text is not UTF-8. Save it as UTF-8."), data.count(b"\n", 0, error.start) + 1) from error
    if not text.strip():
        raise wrong(_("The file is empty. The example in docs/office-file.md is a start."))
    return text


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        problem = Problem(0, "", _("Tables and lists are nested too deeply."))
    except ValueError as error:  # TOMLDecodeError, and numbers beyond any measure
        where = _POSITION.search(str(error))
        said = _POSITION.sub("", str(error))
        line = int(where[1]) if where and where[1] else text.count("\n", 0, len(text.rstrip())) + 1 if where else 0
        place = _(" (column %(column)s)", column=where[2]) if where and where[2] else ""
        if where and not where[1]:
            place = _(" (at the end of the file: is it whole?)")
        if said.startswith("Cannot overwrite a value") or "twice" in said:
            said = _("a key or table is given twice")
        problem = Problem(line, "", _("This is not TOML: %(said)s%(place)s.", said=said, place=place))
    raise OfficeFileWrong(file, [problem])


class _Reader:
    def __init__(
        self, document: Mapping[str, Any], lines: Mapping[Path, int], known: frozenset[tuple[str, str]]
    ) -> None:
        self.document, self.lines, self.known = document, lines, known
        self.problems: list[Problem] = []

    def _wrong(self, path: Path, found: str, allowed: str = "") -> None:
        self.problems.append(Problem(self._line(path), self._label(path), found, allowed))

    def _refused(self, path: Path, error: Invalid) -> None:
        if isinstance(error, fields.BadValue) and not isinstance(error, fields.BadSecret):
            self._wrong(path, _("found %(found)s.", found=fields.shown(error.found)), error.allowed)
        else:
            self._wrong(path, error.message, error.hint)

    def _line(self, path: Path) -> int:
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def _label(self, path: Path) -> str:
        """``business "bakery", hours.thu``: the thing by its id where it has one, then the key."""
        parts = list(path)
        if len(parts) > 1 and isinstance(parts[1], int):
            thing = self.document[str(parts[0])][parts[1]]
            identity = next((s.identity for s in SECTIONS if s.name == parts[0]), "id")
            name = thing.get(identity) if isinstance(thing, dict) else None
            head = f'{parts[0]} "{name}"' if isinstance(name, str) else f"{parts[0]} {parts[1] + 1}"
            parts = parts[2:]
        else:
            head, parts = str(parts[0]) if parts else "", parts[1:]
        tail = ""
        for part in parts:
            tail += f"[{part + 1}]" if isinstance(part, int) else ("." if tail else "") + part
        return f"{head}, {tail}" if tail else head

    def whole(self) -> State:
        state: State = {"office": {}}
        for name in self.document:
            self._known(name, ["office", *(s.name for s in SECTIONS)], (name,))
        if isinstance(self.document.get("office"), dict):
            state["office"][""] = self._table(self.document["office"], table_of_keys.OFFICE, ("office",))
        else:
            found = self.document.get("office")
            said = (
                _("The table [office] is missing.")
                if found is None
                else _("found %(found)s.", found=fields.shown(found))
            )
            self._wrong(("office",), said, _("a table [office] with name and timezone"))
        for section in SECTIONS:
            state[section.name] = self._things(section)
        _flatten(state["office"].get("", {}))
        for business in state["business"].values():
            if business.get("language", "?") is None:
                business["language"] = state["office"].get("", {}).get("language", "en")
        self._check_numbers(state)
        self._check_extensions(state)
        self._check_serves(state)
        self._check_trunks(state)
        check_menus(state, self._refused)
        return state

    def _known(self, name: str, allowed: list[str], path: Path) -> bool:
        if name in allowed:
            return True
        near = fields.did_you_mean(name, allowed)
        said = _('unknown key "%(name)s".', name=name) + (f" {near}" if near else "")
        self.problems.append(Problem(self._line(path), self._label(path[:-1]), said, ", ".join(allowed)))
        return False

    def _things(self, section: table_of_keys.Section) -> dict[str, Thing]:
        found = self.document.get(section.name, [])
        if not isinstance(found, list) or not all(isinstance(t, dict) for t in found):
            self.problems.append(
                Problem(
                    self._line((section.name,)),
                    section.name,
                    _("found %(found)s.", found=fields.shown(found)),
                    _("tables headed [[%(name)s]], in two pairs of brackets", name=section.name),
                )
            )
            return {}
        things: dict[str, Thing] = {}
        for index, table in enumerate(found):
            path: Path = (section.name, index)
            thing = self._table(table, section.keys, path)
            name = thing.get(section.identity)
            if name in things:
                self._wrong(
                    (*path, section.identity), _("%(name)s is there twice.", name=fields.shown(name)), _("each once")
                )
            elif name is not None:
                things[name] = thing | {"#": index}
        return things

    def _table(self, table: Mapping[str, Any], keys: tuple[Key, ...], path: Path) -> Thing:
        for name in table:
            self._known(name, [k.name for k in keys], (*path, name))
        read: Thing = {}
        for key in keys:
            if key.name in table:
                value = self._value(key, table[key.name], (*path, key.name))
                if value is not REQUIRED:
                    read[key.name] = value
            elif key.default is REQUIRED:
                self._wrong(path, _('"%(key)s" is missing.', key=key.name), _allowed(key))
            else:
                read[key.name] = None if key.secret else key.default
        return read

    def _value(self, key: Key, value: object, path: Path) -> Any:
        """The value in its kept form; REQUIRED where it was refused (and noted)."""
        try:
            if key.table:
                if not isinstance(value, dict):
                    raise fields.BadValue(value, _("a table, such as { %(key)s = … }", key=key.table[0].name))
                return self._table(value, key.table, path)
            checked = key.check(value)
        except (BadHours, BadChoice) as error:
            self._refused((*path, error.key if isinstance(error, BadChoice) else error.day_key), error)
            return REQUIRED
        except Invalid as error:
            self._refused(path, error)
            return REQUIRED
        if key.items is None:
            return checked
        items = []
        for index, item in enumerate(checked):
            try:
                items.append(key.items(item))
            except Invalid as error:
                self._refused((*path, index), error)
        return tuple(dict.fromkeys(items)) if key.name != "numbers" else tuple(items)

    def _check_numbers(self, state: State) -> None:
        holders: dict[str, str] = {}
        office_zone = state["office"].get("", {}).get("timezone", "UTC")
        for name, business in state["business"].items():
            zone = business.get("timezone") or office_zone
            read: list[str] = []
            for index, number in enumerate(business.get("numbers", ())):
                path = ("business", business["#"], "numbers", index)
                try:
                    written = businesses.read_number(number, zone)
                except Invalid as error:
                    self._refused(path, error)
                    continue
                if holders.setdefault(written, name) != name:
                    said = _(
                        '%(number)s belongs to business "%(name)s" already.', number=written, name=holders[written]
                    )
                    self._wrong(path, said, _("each number at one business"))
                read.append(written)
            business["numbers"] = tuple(dict.fromkeys(read))

    def _check_extensions(self, state: State) -> None:
        holders: dict[str, str] = {}
        for kind in ("agent", "phone"):
            for name, thing in state[kind].items():
                holder = f'{kind} "{name}"'
                extension = thing.get("extension")
                if extension and holders.setdefault(extension, holder) != holder:
                    said = _(
                        "extension %(extension)s is taken by %(holder)s.",
                        extension=extension,
                        holder=holders[extension],
                    )
                    self._wrong((kind, thing["#"], "extension"), said, _("each extension once"))

    def _check_serves(self, state: State) -> None:
        written = self.document.get("business", [])
        known = (
            [b["id"] for b in written if isinstance(b, dict) and isinstance(b.get("id"), str)]
            if isinstance(written, list)
            else []
        )
        for agent in state["agent"].values():
            for business, mode in agent.get("serves", {}).items():
                path = ("agent", agent["#"], "serves", business)
                if business not in known:
                    near = fields.did_you_mean(business, known)
                    said = _('there is no business "%(name)s" in this file.', name=business) + (
                        f" {near}" if near else ""
                    )
                    self._wrong(path, said, ", ".join(known))
                try:
                    fields.choice(mode, sorted(MODES))
                except Invalid as error:
                    self._refused(path, error)

    def _check_trunks(self, state: State) -> None:
        for name, trunk in state["trunk"].items():
            path: Path = ("trunk", trunk["#"])
            if trunk.get("kind") == "register":
                if not trunk.get("username", "?"):
                    self._wrong(path, _('"%(key)s" is missing.', key="username"), _("kind register needs it"))
                stored = ("trunk", name) in self.known
                if trunk.get("password", "?") == "" or (trunk.get("password", "?") is None and not stored):
                    self._wrong(path, _('"%(key)s" is missing.', key="password"), _("kind register needs it"))
                if "/" in str(trunk.get("host", "")):
                    said = _("found %(found)s.", found=fields.shown(trunk["host"]))
                    self._wrong((*path, "host"), said, _("one host: a network cannot be registered at"))


def _allowed(key: Key) -> str:
    """What a key takes, as its own check says it."""
    try:
        key.check(REQUIRED)
    except Invalid as error:
        return error.hint
    return key.meaning


def _flatten(office: Thing) -> None:
    """``owner = {email}`` becomes ``owner.email``, so that every thing is one flat table."""
    for name, keys in (("owner", table_of_keys.OWNER), ("smtp", table_of_keys.SMTP)):
        table = office.pop(name, None)
        for key in keys:
            absent = "" if key.default is REQUIRED else None if key.secret and table else key.default
            office[f"{name}.{key.name}"] = absent if table is None else table.get(key.name, absent)
