"""What a message may hold, for any text at all."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.messages import rules
from appliance.messages.errors import BadMessage, MessageEmpty

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=300)


def a_note(**fields: object) -> dict[str, str]:
    given_ = {"for_whom": "", "from_name": "", "callback_number": "", "body": "", "urgency": "normal", "region": "IR"}
    return rules.note(**{**given_, **fields})  # type: ignore[arg-type]


@given(ANY_TEXT)
def test_one_line_never_holds_a_line_end_or_control_character_and_can_be_stored(text: str) -> None:
    line = rules.one_line(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in line)
    assert line == rules.one_line(line)
    line.encode()


@given(ANY_TEXT)
def test_many_lines_keeps_every_visible_character(text: str) -> None:
    kept = rules.many_lines(text)
    visible = unicodedata.normalize("NFC", "".join(c for c in text if unicodedata.category(c) != "Cs"))
    assert [c for c in kept if c.isalnum()] == [c for c in visible if c.isalnum()]
    kept.encode()


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_a_note_is_kept_or_refused_with_the_field_named(whom: str, name: str, number: str, body: str) -> None:
    try:
        kept = a_note(for_whom=whom, from_name=name, callback_number=number, body=body)
    except BadMessage as refusal:
        named = refusal.field
    else:
        named = "body" if kept["body"] else "callback_number" if kept["callback_number"] else "nothing"
    assert named in {"for_whom", "from_name", "callback_number", "body"}


def test_empty_note_is_refused_but_a_number_alone_is_enough() -> None:
    with pytest.raises(MessageEmpty):
        a_note(for_whom="Ali", from_name="Sara", body=" \n\t ")
    assert a_note(callback_number="0912 123 4567")["callback_number"] == "+989121234567"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("۰۹۱۲۱۲۳۴۵۶۷", "+989121234567"),
        ("+7 (495) 123-45-67", "+74951234567"),
        ("021 8800 1122 داخلی ۵", None),
        ("101", None),
        ("", ""),
        ("anonymous", ""),
    ],
)
def test_number_is_kept_in_one_form_or_as_typed(typed: str, kept: str | None) -> None:
    assert rules.callback(typed, "IR") == (typed if kept is None else kept)


def test_words_in_place_of_a_number_are_refused() -> None:
    with pytest.raises(BadMessage, match="tomorrow"):
        rules.callback("tomorrow", "IR")


def test_too_long_text_is_refused_and_never_cut() -> None:
    assert len(a_note(body="ی" * 10_000)["body"]) == 10_000
    with pytest.raises(BadMessage) as refusal:
        a_note(body="x" * 10_001)
    assert refusal.value.field == "body"
    assert "10001" in refusal.value.hint
    with pytest.raises(BadMessage) as refusal:
        a_note(from_name="x" * 121, body="x")
    assert refusal.value.field == "from_name"


def test_urgency_is_normal_or_urgent() -> None:
    assert a_note(body="x", urgency="")["urgency"] == "normal"
    with pytest.raises(BadMessage):
        a_note(body="x", urgency="soon")


def test_header_injection_in_a_name_becomes_a_plain_line() -> None:
    kept = a_note(from_name="Eve\r\nBcc: all@example.com\u2028X: y\u202e", body="x")
    assert kept["from_name"] == "Eve Bcc: all@example.com X: y"


@pytest.mark.parametrize(
    ("listed", "owner", "expected"),
    [
        (["a@x.org", "A@X.org", "b@x.org"], "o@x.org", ["a@x.org", "b@x.org"]),
        ([], "o@x.org", ["o@x.org"]),
        ([], "", []),
        (["", "nonsense"], "o@x.org", ["o@x.org"]),
        (["a@x.org\nBcc: c@x.org"], "", ["a@x.org Bcc: c@x.org"]),
    ],
)
def test_message_goes_to_each_address_once_else_to_the_owner(
    listed: list[str], owner: str, expected: list[str]
) -> None:
    assert rules.addresses(json.dumps(listed), owner) == expected


def test_unreadable_address_list_means_the_owner() -> None:
    assert rules.addresses("{broken", "o@x.org") == ["o@x.org"]
    assert rules.addresses('"a@x.org"', "o@x.org") == ["o@x.org"]
