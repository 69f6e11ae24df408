"""What is exported and applied again means the same, whatever the office is."""

import json
import tomllib
from datetime import date

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from appliance import ids
from appliance.commands.office_file import applying, current, plan, writing
from appliance.commands.office_file.reading import State, read
from appliance.commands.office_file.schema import json_schema
from appliance.store import connect, migrate, transaction

identifiers = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20) | st.sampled_from(
    ["نانوایی نسیم", "Пекарня «Насим»", 'Quote " and \\ back', "O'Neil & Söhne"]
)
passwords = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=20)
mails = st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True)
hours = st.sampled_from(
    [{}, {"sat-wed": "09:00-18:00", "thu": "09:00-13:00"}, {"fri": "22:00-02:00"}, {"sun": "closed"}]
)

exceptions = st.dictionaries(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)).map(str),
    st.sampled_from(["closed", "closed; Inventory", "09:00-13:00; نوروز", "10:00-12:00, 13:00-14:00"]),
    max_size=3,
)


@st.composite
def offices(draw: st.DrawFn) -> str:
    numbers = iter(f"+9821880{n:05d}" for n in range(100))
    extensions = iter(str(n) for n in range(100, 200))
    businesses = draw(st.lists(identifiers, unique=True, max_size=3))
    parts = [
        f"[office]\nname = {q(draw(names))}\ntimezone = {q(draw(st.sampled_from(['Asia/Tehran', 'Europe/Moscow'])))}"
    ]
    if draw(st.booleans()):
        parts.append(
            f'smtp = {{ host = "mail.example.org", from = {q(draw(mails))}, password = {q(draw(passwords))} }}'
        )
    for trunk in draw(st.lists(identifiers, unique=True, max_size=2)):
        secret = q(draw(passwords))
        parts.append(
            f'[[trunk]]\nid = "{trunk}"\nkind = "register"\nhost = "h:5070"\nusername = "u"\npassword = {secret}'
        )
    for business in businesses:
        table = ", ".join(f'{k} = "{v}"' for k, v in draw(hours).items())
        greeting = draw(st.text(st.characters(exclude_categories=["C"]), max_size=30) | st.just("two\nlines"))
        parts.append(
            f"[[business]]\nid = {q(business)}\nname = {q(draw(names))}\nnumbers = [{q(next(numbers))}]\n"
            f"exceptions = {{ {', '.join(f'{d} = {q(w)}' for d, w in draw(exceptions).items())} }}\n"
            f"holidays = {q(draw(st.sampled_from(['', 'none', 'IR', 'DE-BY'])))}\n"
            f"greeting = {q(greeting)}\nhours = {{ {table} }}\nring_seconds = {draw(st.integers(1, 300))}\n"
            f"messages_to = [{', '.join(q(m) for m in draw(st.lists(mails, max_size=2)))}]"
        )
    for agent in draw(st.lists(identifiers, unique=True, max_size=3)):
        serves = ", ".join(f'{b} = "{draw(st.sampled_from(["shared", "dedicated", "semi"]))}"' for b in businesses)
        password = f"sip_password = {q(draw(passwords))}\n" if draw(st.booleans()) else ""
        parts.append(
            f"[[agent]]\nid = {q(agent)}\nname = {q(draw(names))}\nextension = {q(next(extensions))}\n{password}"
            f"serves = {{ {serves} }}"
        )
    for n, business in enumerate(businesses):
        if draw(st.booleans()):
            parts.append(
                f'[[menu]]\nid = "menu{n}"\nbusiness = {q(business)}\nname = {q(draw(names))}\n'
                f"text = {q(draw(names))}\n"
                f'keys = {{ 1 = "queue", 2 = "announcement: closed", "*" = "menu:inner{n}", 3 = "number:+49301234" }}\n'
                f'otherwise = "voicemail"\ntries = {draw(st.integers(1, 9))}\n'
                f'[[menu]]\nid = "inner{n}"\nbusiness = {q(business)}\nname = "Inner"\ntext = "Press star."\n'
                f'plays = "submenu"\nkeys = {{ "*" = "back" }}\ndirect_dial = true'
            )
    for _phone in range(draw(st.integers(0, 2))):
        parts.append(f"[[phone]]\nextension = {q(next(extensions))}")
    return "\n".join(parts) + "\n"


def q(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def fresh() -> Database:
    db = connect(":memory:")
    migrate(db)
    return db


def apply(db: Database, text: str) -> plan.Plan:
    with transaction(db):
        there = current.read(db)
        wanted = read(text.encode(), "o.toml", known_secrets=current.stored_secrets(there))
        todo = plan.make(wanted, there, ids.new_secret)
        applying.check_removals(db, todo, remove=False)
        applying.apply(db, todo)
    return todo


def state(db: Database) -> State:
    return current.read(db)


@settings(max_examples=60, deadline=None)
@given(offices())
def test_an_exported_office_is_the_same_office(text: str) -> None:
    first, second = fresh(), fresh()
    apply(first, text)
    assert apply(first, text).changes == ()
    exported = writing.write(state(first))
    assert apply(first, exported).changes == ()
    apply(second, exported)
    assert state(second) == state(first)
    assert apply(first, writing.write(state(first), secrets=False)).changes == ()
    jsonschema.validate(tomllib.loads(exported), json_schema())


@settings(max_examples=60, deadline=None)
@given(offices(), offices())
def test_from_any_office_the_file_leads_to_what_it_says(before: str, after: str) -> None:
    walked, direct = fresh(), fresh()
    apply(walked, before)
    apply(walked, after)
    apply(direct, after)
    assert apply(walked, after).changes == ()
    for kind in ("office", "trunk", "business"):
        assert without_secrets(state(walked)[kind]) == without_secrets(state(direct)[kind])
    assert {a: v["extension"] for a, v in state(walked)["agent"].items()} == {
        a: v["extension"] for a, v in state(direct)["agent"].items()
    }
    assert set(state(walked)["phone"]) == set(state(direct)["phone"])


def without_secrets(things: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {n: {k: v for k, v in t.items() if not k.endswith("password")} for n, t in things.items()}


def test_the_example_meets_the_schema(example: str) -> None:
    jsonschema.validate(tomllib.loads(example), json_schema())
    jsonschema.Draft202012Validator.check_schema(json_schema())
