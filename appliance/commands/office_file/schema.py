"""The JSON schema of the office file (draft 2020-12), for editors."""

from typing import Any

from appliance.commands.office_file import keys as table_of_keys
from appliance.commands.office_file.keys import REQUIRED, SECTIONS, Key


def json_schema() -> dict[str, Any]:
    """The schema as a JSON document."""
    properties: dict[str, Any] = {"office": {**_object(table_of_keys.OFFICE), "description": "The office itself."}}
    for section in SECTIONS:
        items = _object(section.keys)
        if section.name == "trunk":
            items["if"] = {"properties": {"kind": {"const": "register"}}}
            items["then"] = {"required": ["username"]}
        properties[section.name] = {"type": "array", "description": section.meaning, "items": items}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frontdesk office file",
        "type": "object",
        "properties": properties,
        "required": ["office"],
        "additionalProperties": False,
    }


def _object(keys: tuple[Key, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "required": [key.name for key in keys if key.default is REQUIRED],
        "additionalProperties": False,
    }


def _property(key: Key) -> dict[str, Any]:
    form = _object(key.table) if key.table else dict(key.form)
    form["description"] = key.meaning
    if key.default is not REQUIRED and key.default is not None:
        form["default"] = list(key.default) if isinstance(key.default, tuple) else key.default
    return form
