"""The table of keys as the tables of docs/office-file.md, so that page and program say the same."""

from typing import Any

from appliance.commands.office_file import keys as table_of_keys
from appliance.commands.office_file.keys import REQUIRED, SECTIONS, Key


def tables() -> str:
    """Markdown: a table for [office] and one a section."""
    parts = ["### `[office]`", "", *_table(_flat(table_of_keys.OFFICE)), ""]
    for section in SECTIONS:
        parts += [f"### `[[{section.name}]]`", "", section.meaning, "", *_table(_flat(section.keys)), ""]
    return "\n".join(parts).rstrip() + "\n"


def _flat(keys: tuple[Key, ...], before: str = "") -> list[tuple[str, Key]]:
    found = []
    for key in keys:
        found += _flat(key.table, f"{key.name}.") if key.table else [(before + key.name, key)]
    return found


def _table(keys: list[tuple[str, Key]]) -> list[str]:
    rows = ["| key | meaning | allowed | left out |", "|---|---|---|---|"]
    rows += [f"| `{name}` | {key.meaning} | {_allowed(key.form)} | {_default(key)} |" for name, key in keys]
    return rows


def _allowed(form: Any) -> str:
    if "enum" in form:
        return ", ".join(f"`{word}`" for word in form["enum"])
    if form.get("type") == "boolean":
        return "true, false"
    if form.get("type") == "integer":
        return f"{form['minimum']} to {form['maximum']}"
    if form.get("type") == "array":
        return "a list"
    if form.get("type") == "object":
        return "a table"
    if form.get("format") == "email":
        return "a mail address"
    if "pattern" in form:
        return f"`{form['pattern']}`"
    if "minLength" in form or "maxLength" in form:
        return f"{form.get('minLength', 0)} to {form['maxLength']} characters"
    return "text"


def _default(key: Key) -> str:
    if key.default is REQUIRED:
        return "**required**"
    if key.secret:
        return "kept, or generated" if key.name == "sip_password" else "kept"
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    return f"`{key.default}`" if key.default not in (None, "", (), {}) else "–"
