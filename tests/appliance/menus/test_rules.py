"""The plan of a call: it always ends, nothing in it is a surprise, and the dry run tells what callers live through."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.hours import service as hours
from appliance.menus import rules
from appliance.menus.models import KEYS, LAST_CHOICES, Answering, Choice, Menu, Step

NOON = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
WEEK = hours.timetable({"mon-sun": "09:00-18:00"}, "Asia/Tehran")


def menu(menu_id: str, keys: dict[str, Choice], **more) -> Menu:
    return Menu(menu_id, "bakery", menu_id.capitalize(), "Press a key.", keys=keys, **more)


def answering(*menus: Menu, extensions=()) -> Answering:
    return Answering(WEEK, {m.menu_id: m for m in menus}, frozenset(extensions))


def kinds(found) -> list[tuple[int, str, str]]:
    return [(line.depth, line.key, line.step.kind) for line in found]


def test_a_business_without_menus_greets_and_finds_an_agent():
    assert kinds(rules.rehearse(answering(), NOON)) == [(0, "", "greet"), (0, "", "queue")]


def test_a_closed_business_says_so_and_takes_a_message():
    told = rules.rehearse(answering(), NIGHT)
    assert [line.step for line in told] == [Step("closed", why="week"), Step("voicemail", why="closed")]


def test_a_blocked_caller_is_refused_whenever_they_call():
    for at in (NOON, NIGHT):
        assert kinds(rules.rehearse(answering(), at, is_blocked=True)) == [(0, "", "refuse")]


def test_a_menu_is_told_key_by_key_and_what_follows_without_one():
    main = menu("main", {"1": Choice("queue"), "2": Choice("person", "101"), "0": Choice("announcement", "Hello")})
    assert kinds(rules.rehearse(answering(main), NOON)) == [
        (0, "", "greet"), (0, "", "menu"),
        (1, "1", "queue"),
        (1, "2", "person"), (2, "", "voicemail"),
        (1, "0", "announcement"), (1, "", "menu"),
        (1, "", "queue"),
    ]  # fmt: skip


def test_menus_that_lead_round_are_found_with_the_way():
    one, two = menu("one", {"1": Choice("menu", "two")}), menu("two", {"3": Choice("menu", "one")})
    assert rules.loop_in({"one": one, "two": two}) == ("one", "two", "one")
    itself = menu("itself", {"1": Choice("menu", "itself")})
    assert rules.loop_in({"itself": itself}) == ("itself", "itself")
    back = menu("two", {"*": Choice("back")})
    assert rules.loop_in({"one": one, "two": back}) == ()


@pytest.mark.parametrize(("typed", "more"), [("1", True), ("10", True), ("101", False), ("9", False)])
def test_further_digits_are_waited_for_only_where_they_may_make_an_extension(typed, more):
    main = menu("main", {}, direct_dial=True)
    assert rules.wants_more(answering(main, extensions=["101", "102"]), main, typed) is more
    assert not rules.wants_more(answering(menu("main", {}), extensions=["101"]), menu("main", {}), typed)


targets = st.sampled_from(
    [Choice("queue"), Choice("voicemail"), Choice("back"), Choice("person", "101"), Choice("number", "+49301234567"),
     Choice("announcement", "Hello"), *(Choice("menu", f"m{n}") for n in range(5))]
)  # fmt: skip


@st.composite
def plans(draw: st.DrawFn) -> Answering:
    found = []
    for n in range(draw(st.integers(1, 5))):
        keys = draw(st.dictionaries(st.sampled_from(KEYS), targets, max_size=5))
        inner = {k: c for k, c in keys.items() if c.kind != "menu" or c.target > f"m{n}"}  # no loop
        otherwise = draw(targets.filter(lambda c: c.kind in LAST_CHOICES))
        found.append(
            menu(
                f"m{n}",
                inner,
                otherwise=otherwise,
                plays="always" if n == 0 else "submenu",
                tries=draw(st.integers(1, 4)),
                direct_dial=draw(st.booleans()),
            )
        )
    return answering(*found, extensions=["101", "102"])


@given(plans(), st.lists(st.sampled_from([*KEYS, "", "101", "999"]), max_size=200), st.sampled_from([NOON, NIGHT]))
def test_whatever_a_caller_presses_they_come_to_an_end(plan, presses, at):
    keys = iter(presses)
    journey = rules.begin(plan, at)
    steps = 0
    told = {line.step for line in rules.rehearse(plan, at)}
    while journey is not None:
        steps += 1
        assert steps < 150
        is_dialled = journey.step == Step("person", "101") or journey.step == Step("person", "102")
        assert journey.step in told or is_dialled or journey.step.why == "not_available"
        assert set(journey.path) <= set(plan.menus)
        if journey.step.kind == "menu":
            journey = rules.pressed(plan, journey, next(keys, ""))
        else:
            journey = rules.onward(plan, journey, "failed" if journey.step.kind in ("person", "number") else "done")
