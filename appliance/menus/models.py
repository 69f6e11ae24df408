"""What a menu is made of, and where a caller is on their way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from appliance.hours.models import Timetable

KEYS = "1234567890*#"
PLAYS = ("open", "closed", "always", "submenu")  # when it is played; submenu: only from another menu
WITH_TARGET = ("person", "number", "announcement", "menu")
CHOICES = ("queue", *WITH_TARGET, "voicemail", "back")
LAST_CHOICES = ("queue", "person", "number", "voicemail")  # what may follow when no key was any good


@dataclass(frozen=True)
class Choice:
    """Where a key leads: kept and written as ``queue`` or ``person:101``."""

    kind: str
    target: str = ""  # an extension, a number in E.164, a text, a menu's id

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind


@dataclass(frozen=True)
class Menu:
    """One menu of a business."""

    menu_id: str
    business_id: str
    name: str
    text: str  # what the box says, unless a sound of one's own replaces it
    plays: str = "open"
    keys: Mapping[str, Choice] = field(default_factory=dict)
    otherwise: Choice = Choice("queue")  # after so many tries without a usable key
    timeout_seconds: int = 5
    tries: int = 3
    direct_dial: bool = False
    position: int = 0


@dataclass(frozen=True)
class Answering:
    """How a business answers: when it is open, its menus, and whom a caller may dial directly."""

    timetable: Timetable
    menus: Mapping[str, Menu] = field(default_factory=dict)
    extensions: frozenset[str] = frozenset()


StepKind = Literal["refuse", "greet", "closed", "menu", "queue", "person", "number", "announcement", "voicemail"]
Outcome = Literal["done", "failed", "ended"]


@dataclass(frozen=True)
class Step:
    """One thing that happens to a caller."""

    kind: StepKind
    target: str = ""
    why: str = ""  # of closed: what decides; of voicemail: why nobody answers


@dataclass(frozen=True)
class Journey:
    """Where a caller is: the step, and the menus they came through, the outermost first."""

    step: Step
    path: tuple[str, ...] = ()
    misses: int = 0  # in a row, in this menu
    played: int = 0  # menus in all


@dataclass(frozen=True)
class Line:
    """One line of a dry run: what happens, how deep in the menus, after which key ("" for none)."""

    step: Step
    depth: int = 0
    key: str = ""
    is_otherwise: bool = False  # what follows when no key was any good
    is_return: bool = False  # a menu that has been told already
