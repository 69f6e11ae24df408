"""An office as the text of an office file. Keys that have their default are left out."""

import json
import re
from typing import Any

from appliance.commands.office_file import keys as table_of_keys
from appliance.commands.office_file.keys import REQUIRED, SECTIONS, Key
from appliance.commands.office_file.reading import State, Thing

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def write(state: State, *, secrets: bool = True) -> str:
    """TOML that means this office; without ``secrets`` passwords are left out, which applied again keeps them."""
    parts = [_office(state["office"][""], secrets=secrets)]
    for section in SECTIONS:
        for thing in state[section.name].values():
            parts.append("\n".join([f"[[{section.name}]]", *_lines(thing, section.keys, secrets=secrets)]))
    return "\n\n".join(parts) + "\n"


def _office(office: Thing, *, secrets: bool) -> str:
    lines = ["[office]", *_lines(office, tuple(k for k in table_of_keys.OFFICE if not k.table), secrets=secrets)]
    for name, keys in (("owner", table_of_keys.OWNER), ("smtp", table_of_keys.SMTP)):
        table = {k.name: office[f"{name}.{k.name}"] for k in keys}
        if name == "smtp" and not table["host"]:
            continue
        pairs = _lines(table, keys, secrets=secrets)
        if pairs:
            lines.append(f"{name} = {{ {', '.join(p for p in pairs if not p.startswith('#'))} }}")
    return "\n".join(lines)


def _lines(thing: Thing, keys: tuple[Key, ...], *, secrets: bool) -> list[str]:
    lines = []
    for key in keys:
        value = thing[key.name]
        if key.secret and not secrets:
            if value:
                lines.append(f"# {key.name} is kept in the office")
        elif key.default is REQUIRED or (value is not None and value != key.default):
            lines.append(f"{key.name} = {_value(value)}")
    return lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(v) for v in value)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return _string(str(value))


def _string(text: str) -> str:
    # a JSON string is a TOML basic string, but for DEL
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE.match(key) else _string(key)
