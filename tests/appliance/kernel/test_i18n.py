"""Dates, digits and durations as people write them."""

from datetime import UTC, datetime

import pytest

from appliance import i18n

NOON = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "date", "time"),
    [
        ("en", "Nov 24, 2026", "12:35"),
        ("fa", "۳ آذر ۱۴۰۵", "۱۲:۳۵"),
        ("ru", "24 нояб. 2026\u202fг.", "12:35"),
        ("ms", "24 Nov 2026", "12:35"),
    ],
)
def test_a_day_is_written_in_the_calendar_and_digits_of_the_language(language, date, time):
    with i18n.speaking(language):
        assert (i18n.format_date(NOON, "Asia/Tehran"), i18n.format_time(NOON, "Asia/Tehran")) == (date, time)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0, "0:00"), (7.4, "0:07"), (754, "12:34"), (3723, "1:02:03")]
)
def test_a_duration_is_hours_minutes_seconds(seconds, text):
    assert i18n.format_duration(seconds) == text


def test_an_unknown_language_is_english_and_leaving_restores_the_last():
    with i18n.speaking("fa"):
        with i18n.speaking("xx"):
            assert i18n.language() == "en"
        assert i18n.direction() == "rtl"
    assert i18n.direction() == "ltr"
