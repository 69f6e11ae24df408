"""Numbers as people, carriers and phones write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import phone_numbers


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("+98 21 8800 1122", None),
        ("0098 (21) 8800-1122", None),
        ("021 8800 1122", "IR"),
        ("۰۲۱ ۸۸۰۰ ۱۱۲۲", "IR"),
        ("+982188001122", "MY"),
        ("\u200e+98\u00a021\u00a08800\u20111122", None),
    ],
)
def test_every_way_of_writing_it_is_one_number(typed, region):
    assert phone_numbers.to_e164(typed, region) == "+982188001122"


@pytest.mark.parametrize("typed", ["", "+", "hello", "12", "+0123456789", "+98 21 8800 1122 ext. x", "9" * 40])
def test_what_is_no_number_is_refused_with_a_hint(typed):
    with pytest.raises(phone_numbers.BadNumber) as refusal:
        phone_numbers.to_e164(typed)
    assert refusal.value.hint


@given(st.text())
def test_a_callers_number_never_breaks_anything(text):
    assert len(phone_numbers.normalise_caller(text, "IR")) <= 64


@pytest.mark.parametrize("text", ["anonymous", "Anonymous", "", "unavailable", "Restricted"])
def test_a_withheld_number_is_empty(text):
    assert phone_numbers.normalise_caller(text) == ""


def test_numbers_are_the_same_when_their_last_digits_are():
    assert phone_numbers.same("+982188001122", "02188001122")
    assert not phone_numbers.same("+982188001122", "+982188001123")
    assert not phone_numbers.same("122", "+982188001122")
