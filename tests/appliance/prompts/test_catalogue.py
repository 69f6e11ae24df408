"""The standard prompts: complete in every language, readable by the voice of that language."""

import string

import pytest

from appliance.i18n import LANGUAGES
from appliance.prompts import catalogue
from appliance.prompts.errors import UnknownPrompt

SCRIPTS = {"fa": ("\u0600", "\u06ff"), "ru": ("\u0400", "\u04ff"), "en": ("a", "z"), "ms": ("a", "z")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", catalogue.PROMPTS)
def test_every_prompt_is_written_in_every_language_and_its_script(name: str, language: str) -> None:
    text = catalogue.standard_text(name, language, "")
    first, last = SCRIPTS[language]
    letters = [c.lower() for c in text if c.isalpha()]
    assert len(letters) > 10
    assert all(first <= c <= last for c in letters)
    assert not any(c in string.digits for c in text)
    assert text[-1] in ".!"


def test_texts_of_different_languages_differ() -> None:
    for prompt in catalogue.PROMPTS.values():
        assert len({prompt.en, prompt.fa, prompt.ru, prompt.ms}) == 4


def test_business_is_named_where_its_name_is_known() -> None:
    assert "Nasim Bakery" in catalogue.standard_text("greeting", "ms", "Nasim Bakery")
    assert "%" not in catalogue.standard_text("greeting", "fa", "")


def test_a_percent_sign_in_a_name_is_only_a_name() -> None:
    assert "100%s %(x)d" in catalogue.standard_text("closed", "en", "100%s %(x)d")


def test_unknown_prompt_is_refused_and_unknown_language_is_english() -> None:
    with pytest.raises(UnknownPrompt):
        catalogue.standard_text("nothing", "en")
    assert catalogue.standard_text("goodbye", "xx") == catalogue.standard_text("goodbye", "en")


def test_every_prompt_has_a_title() -> None:
    assert all(catalogue.title(name) for name in catalogue.PROMPTS)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Thank you", "en", "en"),
        ("Thank you", "ms", "ms"),
        ("Thank you for calling", "ru", "en"),
        ("Спасибо за звонок в Nasim Bakery", "ru", "ru"),
        ("سلام", "en", "fa"),
        ("با سپاس از تماس شما با Nasim", "fa", "fa"),
        ("Спасибо", "ms", "ru"),
        ("12345", "fa", "fa"),
        ("", "ms", "ms"),
        ("hello", "xx", "en"),
    ],
)
def test_text_is_read_by_the_voice_that_knows_its_script(text: str, language: str, expected: str) -> None:
    assert catalogue.language_of(text, language) == expected
