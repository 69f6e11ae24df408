"""Numbers with a fraction, as each language writes them."""

import pytest

from appliance import i18n


@pytest.mark.parametrize(("language", "written"), [("en", "3.5"), ("ms", "3.5"), ("ru", "3,5"), ("fa", "۳٫۵")])
def test_the_point_is_that_of_the_language(language, written):
    with i18n.speaking(language):
        assert i18n.decimal(3.5) == written


def test_a_number_without_places_has_no_point():
    with i18n.speaking("fa"):
        assert i18n.decimal(12.0, 0) == "۱۲"
