"""The scanner finds every key tomllib finds, on its line."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.commands.office_file.scanner import lines_of

TEXT = '''# a comment with = and [brackets]
top = "one"

[table]
"quoted key" = 1
dotted.key.here = """
several
lines"""
list = [
  1,  # one
  { a = 1, b = [2, 3] },
]
[[things]]
id = 'raw \\ string'
[things.inner]
x = 2026-01-01T00:00:00Z
[[things]]
after = "\\"]\\u0041"
'''


def paths(value: Any, at: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {at} if at else set()
    for key, child in children:
        found |= paths(child, (*at, key))
    return found


def test_every_path_has_its_line() -> None:
    lines = lines_of(TEXT)
    assert paths(tomllib.loads(TEXT)) == set(lines)
    assert lines[("top",)] == 2
    assert lines[("table", "quoted key")] == 5
    assert lines[("table", "dotted", "key", "here")] == 6
    assert lines[("table", "list", 1, "b", 1)] == 11
    assert lines[("things", 0)] == 13
    assert lines[("things", 0, "inner", "x")] == 16
    assert lines[("things", 1, "after")] == 18


def test_windows_line_ends_count_once() -> None:
    assert lines_of("a = 1\r\nb = 2\r\n")[("b",)] == 2


words = st.text(alphabet='ab"\\#]}=\n é', max_size=8)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(toml(v) for v in value) + "\n]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return str(value)


nested = st.recursive(
    st.integers() | words, lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v, max_size=3), max_leaves=8
)


@given(st.dictionaries(words, nested, max_size=4))
def test_scanner_and_tomllib_see_the_same_paths(document: dict[str, Any]) -> None:
    text = "\n".join(f"{toml(k)} = {toml(v)}" for k, v in document.items())
    assert tomllib.loads(text) == document
    assert set(lines_of(text)) == paths(document)
