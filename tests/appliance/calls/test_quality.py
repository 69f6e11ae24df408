"""How good a call sounded, from loss and jitter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.quality import grade, mos

losses = st.floats(0, 1)
jitters = st.floats(0, 2000)


@given(losses, jitters)
def test_a_score_is_between_one_and_four_and_a_half(loss, jitter):
    assert 1.0 <= mos(loss, jitter) <= 4.5


@given(losses, losses, jitters)
def test_more_loss_never_sounds_better(one, other, jitter):
    less, more = sorted((one, other))
    assert mos(more, jitter) <= mos(less, jitter)


@given(losses, jitters, jitters)
def test_more_jitter_never_sounds_better(loss, one, other):
    less, more = sorted((one, other))
    assert mos(loss, more) <= mos(loss, less)


@pytest.mark.parametrize(
    ("loss", "jitter", "expected"), [(0.0, 0.0, "good"), (0.01, 5.0, "good"), (0.05, 10.0, "fair"), (0.2, 30.0, "bad")]
)
def test_what_is_heard_has_a_word(loss, jitter, expected):
    assert grade(mos(loss, jitter)) == expected


@pytest.mark.parametrize(("loss", "jitter"), [(-1.0, -5.0), (2.0, 1e9)])
def test_figures_that_cannot_be_stop_nothing(loss, jitter):
    assert 1.0 <= mos(loss, jitter) <= 4.5
