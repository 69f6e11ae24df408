"""Whether callers reach somebody now, and if not, what is wrong and what to do. Pure: judges what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.agents.models import Agent
from appliance.health.lines import hint_for
from appliance.i18n import gettext as _
from appliance.lines.models import TrunkState


@dataclass(frozen=True)
class Problem:
    """Something that keeps callers from reaching anybody, and what to do."""

    text: str
    hint: str = ""
    page: str = ""  # endpoint where it is mended


@dataclass(frozen=True)
class Reach:
    """The answer in one sentence, and the problems behind it."""

    tone: Literal["good", "warn", "bad"]
    sentence: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What is known at this moment."""

    core_up: bool
    trunks: Sequence[TrunkState]
    numbers: int
    agents: Sequence[Agent]
    registered: frozenset[str]  # extensions with a phone
    open_now: bool | None  # whether any business is open; None: there is no business


def judge(seen: Seen) -> Reach:
    """Can callers reach somebody now?"""
    if not seen.core_up:
        return Reach(
            "bad",
            _("Callers cannot reach you: the office is not running."),
            (
                Problem(
                    _("The part that takes calls does not answer."),
                    _("It restarts by itself within seconds. If not, run “frontdesk doctor” on the box."),
                ),
            ),
        )
    line, people = _line_problems(seen), _people_problems(seen)
    dead = bool(seen.trunks) and all(t.state == "down" for t in seen.trunks)
    if dead:
        return Reach("bad", _("Callers from outside cannot reach you: no line is up."), (*line, *people))
    if people and seen.open_now:
        return Reach("warn", _("Callers are answered by the box alone: they can leave a message."), (*line, *people))
    if seen.open_now is False:
        return Reach("good", _("You are closed now: callers are told so and can leave a message."), (*line,))
    if not seen.trunks or not seen.numbers:
        return Reach("warn", _("Only phones in this house reach you."), line)
    if line:
        return Reach("warn", _("You are reachable, but not over every line."), line)
    return Reach("good", _("You are reachable."))


def _line_problems(seen: Seen) -> tuple[Problem, ...]:
    found = []
    if seen.open_now is None:
        found.append(Problem(_("There is no business yet."), _("Add the first one."), "businesses.index"))
    if not seen.trunks:
        found.append(
            Problem(
                _("No line to the outside is set."),
                _("Only phones in this house can call until you add one."),
                "lines.index",
            )
        )
    elif not seen.numbers:
        found.append(
            Problem(_("No phone number is set."), _("Say which number belongs to which business."), "businesses.index")
        )
    for trunk in seen.trunks:
        if trunk.state == "down":
            found.append(
                Problem(
                    _(
                        "Line %(line)s is down: %(why)s",
                        line=trunk.trunk_id,
                        why=_(trunk.reason) if trunk.reason else "–",
                    ),
                    hint_for(trunk.reason),
                    "lines.index",
                )
            )
    return tuple(found)


def _people_problems(seen: Seen) -> tuple[Problem, ...]:
    if not seen.agents:
        return (Problem(_("Nobody answers calls yet."), _("Add the first agent."), "agents.index"),)
    ready = [a for a in seen.agents if a.status == "available"]
    if not ready:
        return (
            Problem(
                _("No agent is ready: all are on a break or signed off."),
                _("Somebody should set themselves ready."),
                "agents.index",
            ),
        )
    if not any(a.extension in seen.registered for a in ready):
        return (
            Problem(
                _("No phone of a ready agent is registered."),
                _("Switch the phone on, or scan its account again."),
                "agents.index",
            ),
        )
    return ()
