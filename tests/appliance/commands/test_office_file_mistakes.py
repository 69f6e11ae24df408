"""A wrong office file changes nothing, and every mistake is named with its line and what is allowed."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.commands.office_file.problems import OfficeFileWrong
from appliance.commands.office_file.reading import MOST_BYTES, read

OFFICE = '[office]\nname = "A"\ntimezone = "Asia/Tehran"\n'


def mistakes(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(OfficeFileWrong) as refusal:
        read(data, "o.toml")
    return [p.written("o.toml") for p in refusal.value.problems]


def the_mistake(text: str | bytes) -> str:
    found = mistakes(text)
    assert len(found) == 1, found
    return found[0]


def test_all_mistakes_are_told_at_once_in_order_of_lines(example: str) -> None:
    wrong = (
        example.replace("ring_seconds = 20", "ring_seconds = 0")
        .replace('"Asia/Tehran"', '"Asia/Teheran"')
        .replace("greeting =", "greting =")
        .replace('kind = "peer"', 'kind = "pear"')
        .replace('thu = "09:00-13:00"', 'thu = "9-13"')
        .replace('bakery = "shared"', 'bakry = "shared"')
    )
    found = mistakes(wrong)
    assert [f.split(":")[1] for f in found] == ["3", "10", "18", "20", "21", "29"]
    assert 'Did you mean "Asia/Tehran"?' in found[0]
    assert found[1] == 'o.toml:10: trunk "primary", kind: found "pear". Allowed: one of peer, register.'
    assert 'unknown key "greting". Did you mean "greeting"?' in found[2]
    assert 'business "bakery", hours.thu: found "9"' in found[3] or 'hours.thu: found "9-13"' in found[3]
    assert found[4] == 'o.toml:21: business "bakery", ring_seconds: found 0. Allowed: a whole number from 1 to 300.'
    assert 'Did you mean "bakery"?' in found[5]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('name = "A"\n', 1, 'unknown key "name"'),
        ("[ofice]\n", 1, 'Did you mean "office"?'),
        (OFFICE + "language = 5\n", 4, "found 5. Allowed: one of en, fa, ru, ms"),
        (OFFICE + '[trunk]\nid = "a"\n', 4, "[[trunk]]"),
        (OFFICE + 'business = "x"\n', 4, 'unknown key "business"'),
        (OFFICE + '[[business]]\nid = "A b"\nname = "x"\n', 5, "a short id"),
        (OFFICE + '[[business]]\nid = "a"\n', 4, '"name" is missing. Allowed: text of 1 to 80 characters.'),
        (OFFICE + '[[business]]\nid = "a"\nname = ""\n', 6, "text of 1 to 80 characters"),
        (OFFICE + f'[[business]]\nid = "a"\nname = "{"x" * 81}"\n', 6, "text of 1 to 80 characters"),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\nnumbers = "+98"\n', 7, "a list in square brackets"),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\nnumbers = [\n  "+982188001122",\n  "12"\n]\n', 9, "numbers[2]"),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\nmessages_to = ["no"]\n', 7, "a mail address"),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\n[[business]]\nid = "a"\nname = "y"\n', 8, '"a" is there twice'),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\nhours = { mon = "9", tue = "09:00-10:00" }\n', 7, "hours.mon"),
        (OFFICE + '[[business]]\nid = "a"\nname = "x"\nhours = "9-5"\n', 7, "a table of days and times"),
        (OFFICE + '[[agent]]\nid = "a"\nname = "x"\nextension = 101\n', 7, '2 to 6 digits in quotes, such as "101"'),
        (OFFICE + '[[agent]]\nid = "a"\nname = "x"\nextension = "101"\nsip_password = "short"\n', 8, "8 to 128"),
        (
            OFFICE + '[[agent]]\nid = "a"\nname = "x"\nextension = "101"\nserves = { no = "shared" }\n',
            8,
            'no business "no"',
        ),
        (OFFICE + '[[trunk]]\nid = "a"\nkind = "register"\nhost = "h"\nusername = "u"\n', 4, '"password" is missing'),
        (OFFICE + '[[trunk]]\nid = "a"\nkind = "peer"\nhost = "300.1.1.1"\n', 7, "a host name or address"),
        (OFFICE + '[[trunk]]\nid = "a"\nkind = "peer"\nhost = "h:99999"\n', 7, "with or without :port"),
        (OFFICE + "smtp = { port = 25 }\n", 4, '"host" is missing'),
        (OFFICE + 'smtp = { host = "h", port = 0, from = "a@b" }\n', 4, "1 to 65535"),
        (OFFICE + 'owner = "me@example.com"\n', 4, "a table, such as { email"),
        (OFFICE + "name = 'again'\n", 4, "given twice"),
        (OFFICE + "language = \n", 4, "This is not TOML"),
        (OFFICE + 'owner = { email = "a@b.c"', 4, "is it whole?"),
    ],
)
def test_a_mistake_is_told_with_line_and_what_is_allowed(text: str, line: int, part: str) -> None:
    found = mistakes(text)
    assert any(f.startswith(f"o.toml:{line}: ") and part in f for f in found), found


def test_one_number_at_two_businesses_is_a_mistake_of_the_second() -> None:
    two = OFFICE + "".join(
        f'[[business]]\nid = "{i}"\nname = "x"\nnumbers = ["{n}"]\n'
        for i, n in [("a", "+982188001122"), ("b", "021 8800 1122")]
    )
    assert the_mistake(two).startswith('o.toml:11: business "b", numbers[1]: +982188001122 belongs to business "a"')


def test_one_extension_for_agent_and_phone_is_a_mistake() -> None:
    text = OFFICE + '[[agent]]\nid = "a"\nname = "x"\nextension = "101"\n[[phone]]\nextension = "101"\n'
    assert 'taken by agent "a"' in the_mistake(text)


MENU = OFFICE + '[[business]]\nid = "a"\nname = "A"\n[[menu]]\nid = "main"\nname = "Main"\ntext = "Press."\n'


@pytest.mark.parametrize(
    ("rest", "line", "part"),
    [
        ('business = "b"\n', 11, 'found "b". Allowed: a'),
        ('business = "a"\nkeys = { 1 = "fly" }\n', 12, "person:101"),
        ('business = "a"\nkeys = { 1 = "person:101" }\n', 12, "an extension of this office"),
        ('business = "a"\nkeys = { 12 = "queue" }\n', 12, "a key of a telephone"),
        ('business = "a"\nkeys = { 1 = "menu:main" }\n', 7, "lead round in a circle: Main → Main"),
        ('business = "a"\nkeys = { 1 = "menu:other" }\n', 12, "a menu of this business"),
        ('business = "a"\notherwise = "back"\n', 12, "what ends the menu"),
        ('business = "a"\nplays = "never"\n', 12, "one of open, closed, always, submenu"),
    ],
)
def test_a_menu_that_leads_nowhere_is_told_with_its_line(rest: str, line: int, part: str) -> None:
    found = the_mistake(MENU + rest)
    assert f"o.toml:{line}:" in found
    assert part in found


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"\x00\x01\x02", "no text file"),
        ("[office]".encode("utf-16"), "UTF-16"),
        (b'[office]\nname = "\xff"\n', "not UTF-8"),
        (b"#" * (MOST_BYTES + 1), "at most"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"\x7fELF" + bytes(range(1, 255)), "not UTF-8"),
    ],
)
def test_what_is_no_office_file_is_told_plainly(data: bytes, part: str) -> None:
    assert part in the_mistake(data)


def test_a_password_is_never_repeated_in_an_error() -> None:
    text = OFFICE + '[[agent]]\nid = "a"\nname = "x"\nextension = "101"\nsip_password = "s3cret "\n'
    assert "s3cret" not in "".join(mistakes(text))


def test_a_wrong_file_changes_nothing(run, home: Path, write, example: str) -> None:
    run("apply", write(example))
    before = run("export").stdout
    done = run("apply", write(example.replace("ring_seconds = 20", "ring_seconds = 25").replace('"101"', '"1"')))
    assert done.returncode == 1
    assert 'office.toml:27: agent "sara", extension' in done.stderr
    assert "nothing was changed" in done.stderr
    assert run("export").stdout == before


def test_a_wrong_file_makes_no_office(run, home: Path, write) -> None:
    assert run("apply", write("[office]\n")).returncode == 1
    assert not home.exists()


@pytest.mark.parametrize("file", ["/nowhere/office.toml", "/"])
def test_a_file_that_cannot_be_read_is_told(run, file: str) -> None:
    done = run("apply", file)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda v: st.lists(v, max_size=3),
    max_leaves=5,
)


@given(st.text(alphabet='[]{}="#.,\n abtrunkofficebusinessid019-', max_size=300))
def test_any_text_is_read_or_refused_never_a_fault(text: str) -> None:
    with contextlib.suppress(OfficeFileWrong):
        read((OFFICE + text).encode(), "o.toml")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_never_a_fault(data: bytes) -> None:
    with pytest.raises(OfficeFileWrong):
        read(data, "o.toml")


KEYS = [
    "id",
    "name",
    "kind",
    "host",
    "numbers",
    "hours",
    "extension",
    "serves",
    "messages_to",
    "smtp",
    "owner",
    "language",
]
toml_values = st.sampled_from(
    ['"x"', "1", "true", "1.5", "[]", '["a", 1]', "{}", "{ a = 1 }", "2026-01-01", "[[1]]", '"bakery"', '"101"']
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["trunk", "business", "agent", "phone"]),
            st.dictionaries(st.sampled_from(KEYS), toml_values),
        ),
        max_size=4,
    )
)
def test_values_of_any_type_at_any_key_are_refused_never_a_fault(tables: list[tuple[str, dict[str, str]]]) -> None:
    text = OFFICE + "".join(f"[[{n}]]\n" + "".join(f"{k} = {v}\n" for k, v in t.items()) for n, t in tables)
    with contextlib.suppress(OfficeFileWrong):
        read(text.encode(), "o.toml")
