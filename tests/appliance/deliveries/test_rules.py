"""When deliveries are tried again."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.deliveries import reasons, rules


def test_waits_begin_at_ten_seconds_double_and_stop_at_half_an_hour() -> None:
    waits = [rules.back_off_seconds(n) for n in range(1, 12)]
    assert waits[:4] == [10, 20, 40, 80]
    assert waits == sorted(waits)
    assert waits[-1] == 1800


def test_attempts_fill_two_days_and_then_end() -> None:
    tried = 1
    waited = 0.0
    while not rules.gives_up(tried):
        waited += rules.back_off_seconds(tried)
        tried += 1
    assert 48 * 3600 <= waited < 49 * 3600


@given(st.integers(-5, 10**9))
def test_any_count_of_attempts_has_a_sane_wait(attempts: int) -> None:
    assert 10 <= rules.back_off_seconds(attempts) <= 1800


@given(st.text(max_size=2000))
def test_what_a_server_said_is_kept_on_one_short_line(said: str) -> None:
    stored = reasons.text("bad-login", said)
    assert len(stored) < 400
    assert stored.isprintable()
    assert reasons.code_of(stored) == "bad-login"
    assert reasons.sentence(stored).startswith("The mail server does not accept the user name or password.")


def test_unknown_reason_is_shown_as_it_is_and_no_reason_is_nothing() -> None:
    assert reasons.sentence("from-a-later-version: x") == "from-a-later-version: x"
    assert reasons.sentence("") == ""
