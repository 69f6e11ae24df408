"""What a check is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from appliance.config import Settings

Result = Literal["passed", "warning", "error"]


@dataclass(frozen=True)
class Check:
    """One thing looked at: a stable id, how it is, a sentence for people, and what to do ("" where nothing is)."""

    check_id: str
    result: Result
    sentence: str
    hint: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether nothing is to be done."""
        return self.result == "passed"


@dataclass(frozen=True)
class Patient:
    """What is looked at. ``core`` is the running core's answer to ``status``, None when it gave none."""

    settings: Settings
    db: Database
    core: Mapping[str, Any] | None
    thorough: bool = True


def ok(check_id: str, sentence: str) -> Check:
    """Nothing to do."""
    return Check(check_id, "passed", sentence)


def warning(check_id: str, sentence: str, hint: str) -> Check:
    """Something to see to."""
    return Check(check_id, "warning", sentence, hint)


def error(check_id: str, sentence: str, hint: str) -> Check:
    """Something that keeps the office from its work."""
    return Check(check_id, "error", sentence, hint)
