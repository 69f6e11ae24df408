"""docs/office-file.md says what the program does.

To renew the tables of keys: ``RENEW_DOCS=1 pytest tests/appliance/commands/test_docs.py``.
"""

import os
import re
from pathlib import Path
from typing import Any

from appliance.commands.office_file.reading import read
from appliance.commands.office_file.schema import json_schema
from appliance.commands.office_file.tables import tables

PAGE = Path(__file__).parents[3] / "docs" / "office-file.md"
_KEYS = re.compile(r"(<!-- keys: [^\n]*-->\n)(.*?)(<!-- end of keys -->)", re.DOTALL)


def test_the_tables_of_keys_are_those_of_the_program() -> None:
    page = PAGE.read_text(encoding="utf-8")
    renewed = _KEYS.sub(lambda m: f"{m[1]}\n{tables()}\n{m[3]}", page)
    if os.environ.get("RENEW_DOCS"):
        PAGE.write_text(renewed, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == renewed


def test_every_key_of_the_schema_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")

    def keys(form: dict[str, Any], before: str = "") -> list[str]:
        found = []
        for name, inner in form.get("properties", {}).items():
            inner = inner.get("items", inner)
            nested = keys(inner, f"{name}." if before or name in ("owner", "smtp") else "")
            found += nested or [before + name]
        return found

    for key in keys(json_schema()):
        assert f"`{key}`" in page, key


def test_the_examples_of_the_page_are_accepted(example: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example in blocks
    for block in blocks:
        if "[office]" in block:
            read(block.encode(), "docs")
        else:
            read((example + '[[business]]\nid = "b"\nname = "B"\n' + block).encode(), "docs")
