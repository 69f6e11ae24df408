"""The catalogues: everything people see is translated into every language, and says the same with the same blanks."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from appliance import i18n

ROOT = Path(__file__).parent.parent
TRANSLATED = [language for language in i18n.LANGUAGES if language != "en"]
Id = str | tuple[str, ...]


@cache
def in_use() -> frozenset[Id]:
    """Every text marked in the source."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)
    keywords = {**DEFAULT_KEYWORDS, "_": None}
    found: set[Id] = set()
    for folder in ("appliance", "web"):
        mapping = [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods]
        adapted = {pattern.removeprefix(f"{folder}/"): value for pattern, value in options.items()}
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, mapping, adapted, keywords):
            found.add(tuple(message) if isinstance(message, list | tuple) else message)
    return frozenset(found - {""})


@cache
def catalogue(language: str) -> Catalog:
    """The catalogue as it stands in the repository."""
    with (ROOT / f"appliance/locale/{language}/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(message: Message) -> list[str]:
    """The translation, or its plural forms."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def blanks(text: str) -> set[str]:
    """The named blanks in a text, with how they are written."""
    return set(re.findall(r"%\(\w+\)[a-z]", text))


def test_the_source_is_read() -> None:
    assert "Greeting" in in_use()
    assert any(isinstance(message, tuple) for message in in_use())
    assert len(in_use()) > 500


def test_no_text_is_marked_within_an_f_string_where_it_is_not_found() -> None:
    inside = re.compile(r"""f(["']).*\{_\((?!\))""")
    files = [file for folder in ("appliance", "web") for file in (ROOT / folder).rglob("*.py")]
    found = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        if inside.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_none_is_doubtful(language: str) -> None:
    known = {message.id: message for message in catalogue(language) if message.id}
    missing = sorted(str(text) for text in in_use() if text not in known or not all(texts(known[text])))
    assert missing == []
    assert [message.id for message in known.values() if message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_blanks_are_those_of_the_original(language: str) -> None:
    wrong = []
    for message in catalogue(language):
        if not message.id:
            continue
        if isinstance(message.id, tuple):
            allowed = blanks(message.id[0]) | blanks(message.id[1])
            wrong += [t for t in texts(message) if not blanks(message.id[0]) <= blanks(t) <= allowed]
        else:
            wrong += [t for t in texts(message) if t and blanks(t) != blanks(message.id)]
        if not message.python_format:
            continue
        stripped = [re.sub(r"%\(\w+\)[a-z]|%%", "", t) for t in texts(message)]
        wrong += [t for t in stripped if "%" in t]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_are_as_many_as_the_language_has(language: str) -> None:
    forms = catalogue(language).num_plurals
    assert forms == {"fa": 1, "ru": 3, "ms": 2}[language]
    plural = [message for message in catalogue(language) if isinstance(message.id, tuple)]
    assert plural
    assert all(len(texts(message)) == forms for message in plural)


@pytest.mark.parametrize("language", TRANSLATED)
def test_space_and_colon_at_the_ends_are_kept(language: str) -> None:
    wrong = []
    for message in catalogue(language):
        first = message.id[0] if isinstance(message.id, tuple) else message.id
        for text in texts(message) if first else []:
            same = (text[:1].isspace(), text[-1:].isspace()) == (first[:1].isspace(), first[-1:].isspace())
            # a comma before "or" stands in English alone
            same = same or (first.startswith(",") and text[:1] in ",، ")
            if text and not (same and text.endswith(":") == first.endswith(":")):
                wrong.append(text)
    assert wrong == []


def test_persian_is_written_with_persian_letters_and_marks() -> None:
    wrong = []
    for message in catalogue("fa"):
        for text in texts(message) if message.id else []:
            arabic = set(text) & set("يكة٠١٢٣٤٥٦٧٨٩")
            marks = re.search(r"[\u0600-\u06ff\u200c][,;?]", text)
            if arabic or marks:
                wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize(("language", "letters"), [("fa", "[\u0600-\u06ff]"), ("ru", "[\u0400-\u04ff]")])
def test_translations_are_in_the_script_of_their_language(language: str, letters: str) -> None:
    names = {"frontdesk token list", "%(number)s: %(why)s"}
    wrong = []
    for message in catalogue(language):
        first = message.id[0] if isinstance(message.id, tuple) else message.id
        if first and first not in names and re.search("[a-z]{4}", re.sub(r"%\(\w+\)[a-z]", "", first)):
            wrong += [t for t in texts(message) if t and not re.search(letters, t)]
    assert wrong == []


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogues as the office reads them."""
    for language in i18n.LANGUAGES:
        target = tmp_path / language / "LC_MESSAGES" / "messages.mo"
        target.parent.mkdir(parents=True)
        with target.open("wb") as out:
            write_mo(out, catalogue(language))
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    monkeypatch.setattr(i18n, "_catalogue", cache(i18n._catalogue.__wrapped__))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("language", "count", "expected"),
    [
        ("en", 1, "1 call"),
        ("en", 2, "2 calls"),
        ("ru", 1, "1 звонок"),
        ("ru", 3, "3 звонка"),
        ("ru", 11, "11 звонков"),
        ("ru", 21, "21 звонок"),
        ("fa", 1, "۱ تماس"),
        ("fa", 30, "۳۰ تماس"),
        ("ms", 5, "5 panggilan"),
    ],
)
def test_counts_read_as_people_say_them(language: str, count: int, expected: str) -> None:
    with i18n.speaking(language):
        assert i18n.ngettext("%(num)s call", "%(num)s calls", count) == expected


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("language", list(i18n.LANGUAGES))
def test_every_text_can_be_filled_in(language: str) -> None:
    with i18n.speaking(language):
        for text in in_use():
            first = text if isinstance(text, str) else text[1]
            values = dict.fromkeys(re.findall(r"%\((\w+)\)", first), 7)
            filled = i18n.ngettext(*text[:2], 7, **values) if isinstance(text, tuple) else i18n.gettext(text, **values)
            assert filled
            assert not values or "%(" not in filled
