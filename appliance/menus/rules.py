"""The plan of a call, as pure functions: where it begins, and where it goes from each step.

The flow walks it with a caller; the dry run walks every way of it and tells. There is no second copy of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from appliance.hours import rules as hours
from appliance.menus.models import Answering, Choice, Journey, Line, Menu, Outcome, Step

MOST_PLAYED = 20  # a caller who goes round for ever is sent on
MOST_DEPTH = 5


def begin(answering: Answering, at: datetime, *, is_blocked: bool = False) -> Journey:
    """The first step for a caller who comes at that moment."""
    if is_blocked:
        return Journey(Step("refuse"))
    opening = hours.opening(answering.timetable, at)
    return Journey(Step("greet") if opening.is_open else Step("closed", opening.note, opening.reason))


def resume(answering: Answering, menu_id: str) -> Journey | None:
    """The journey of a caller who was in a menu; None when there is no such menu any more."""
    menu = answering.menus.get(menu_id)
    return Journey(Step("menu", menu_id), (menu_id,), played=1) if menu else None


def onward(answering: Answering, journey: Journey, outcome: Outcome = "done") -> Journey | None:
    """The step after one that is no menu; None at the end."""
    match journey.step.kind:
        case "greet":
            return _enter(answering, "open") or Journey(Step("queue"))
        case "closed":
            return _enter(answering, "closed") or Journey(Step("voicemail", why="closed"))
        case "announcement" if journey.path:
            return _again(answering, journey)
        case "person" | "number" if outcome == "failed":
            return replace(journey, step=Step("voicemail", why="not_available"))
    return None


def pressed(answering: Answering, journey: Journey, digits: str) -> Journey:
    """The step after a menu: by the digits pressed, "" for none in time."""
    menu = answering.menus[journey.step.target]
    choice = menu.keys.get(digits)
    if choice is not None:
        return chosen(answering, journey, choice)
    if menu.direct_dial and digits in answering.extensions:
        return chosen(answering, journey, Choice("person", digits))
    if journey.misses + 1 >= menu.tries:
        return chosen(answering, journey, menu.otherwise)
    return _again(answering, replace(journey, misses=journey.misses + 1))


def chosen(answering: Answering, journey: Journey, choice: Choice) -> Journey:
    """Where a choice leads."""
    match choice.kind:
        case "menu" if choice.target in answering.menus:
            return _again(answering, replace(journey, path=(*journey.path, choice.target), misses=0))
        case "back":
            return _again(answering, replace(journey, path=journey.path[:-1] or journey.path, misses=0))
        case "person" | "number" | "announcement":
            return replace(journey, step=Step(choice.kind, choice.target), misses=0)
        case "voicemail":
            return replace(journey, step=Step("voicemail", why="chosen"), misses=0)
    return replace(journey, step=Step("queue"), misses=0)


def wants_more(answering: Answering, menu: Menu, digits: str) -> bool:
    """Whether further digits may make an extension of these, so that it is worth waiting for them."""
    return menu.direct_dial and any(e.startswith(digits) and e != digits for e in answering.extensions)


def _enter(answering: Answering, when: str) -> Journey | None:
    first = next((m for m in answering.menus.values() if m.plays in (when, "always")), None)
    return Journey(Step("menu", first.menu_id), (first.menu_id,), played=1) if first else None


def _again(answering: Answering, journey: Journey) -> Journey:
    """The innermost menu once more; who has heard too many is sent on."""
    menu = answering.menus[journey.path[-1]]
    if journey.played >= MOST_PLAYED:
        return chosen(answering, journey, menu.otherwise)
    return replace(journey, step=Step("menu", menu.menu_id), played=journey.played + 1)


def rehearse(answering: Answering, at: datetime, *, is_blocked: bool = False) -> list[Line]:
    """Everything that may happen to a caller who comes at that moment, in order; menus key by key."""
    return list(_told(answering, begin(answering, at, is_blocked=is_blocked), 0, "", frozenset()))


def _told(
    answering: Answering, journey: Journey, depth: int, key: str, told: frozenset[str], *, is_otherwise: bool = False
) -> Iterator[Line]:
    step = journey.step
    is_return = step.kind == "menu" and step.target in told
    yield Line(step, depth, key, is_otherwise, is_return)
    if is_return:
        return
    if step.kind == "menu":
        menu = answering.menus[step.target]
        told = told | {menu.menu_id}
        for digit in sorted(menu.keys, key="1234567890*#".index):
            yield from _told(answering, pressed(answering, journey, digit), depth + 1, digit, told)
        last = replace(journey, misses=menu.tries)
        yield from _told(answering, pressed(answering, last, ""), depth + 1, "", told, is_otherwise=True)
        return
    outcome: Outcome = "failed" if step.kind in ("person", "number") else "done"
    following = onward(answering, journey, outcome)
    if following is not None:
        inner = depth + 1 if outcome == "failed" else depth
        yield from _told(answering, following, inner, "", told)


def loop_in(menus: Mapping[str, Menu]) -> tuple[str, ...]:
    """The ids of menus that lead round in a circle, the first one again at the end; () when none do."""
    done: set[str] = set()

    def visit(menu_id: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if menu_id in path:
            return (*path[path.index(menu_id) :], menu_id)
        if menu_id in done or menu_id not in menus:
            return ()
        for choice in menus[menu_id].keys.values():
            if choice.kind == "menu" and (found := visit(choice.target, (*path, menu_id))):
                return found
        done.add(menu_id)
        return ()

    return next((found for menu_id in menus if (found := visit(menu_id, ()))), ())


def depth_of(menus: Mapping[str, Menu]) -> int:
    """How many menus stand one within another; only for menus without a loop."""

    def below(menu_id: str) -> int:
        inner = [c.target for c in menus[menu_id].keys.values() if c.kind == "menu" and c.target in menus]
        return 1 + max((below(target) for target in inner), default=0)

    return max((below(menu_id) for menu_id in menus), default=0)
