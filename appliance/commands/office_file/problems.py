"""What is wrong with an office file: all of it at once, each with its line."""

from dataclasses import dataclass

from appliance.errors import Invalid
from appliance.i18n import gettext as _
from appliance.i18n import ngettext


@dataclass(frozen=True)
class Problem:
    """One mistake: the line (0 if it has none), the key, what was found, what is allowed."""

    line: int
    key: str
    found: str
    allowed: str = ""

    def written(self, file: str) -> str:
        """``office.toml:12: business "bakery", ring_seconds: …``"""
        place = f"{file}:{self.line}: " if self.line else f"{file}: "
        key = f"{self.key}: " if self.key else ""
        allowed = " " + _("Allowed: %(allowed)s.", allowed=self.allowed.rstrip(".")) if self.allowed else ""
        return f"{place}{key}{self.found}{allowed}"


class OfficeFileWrong(Invalid):
    """An office file that cannot be applied; nothing was changed."""

    code = "office-file-wrong"

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: p.line)
        count = ngettext(
            "%(num)s mistake; nothing was changed.", "%(num)s mistakes; nothing was changed.", len(problems)
        )
        super().__init__(
            "\n".join([*(p.written(file) for p in self.problems), count]),
            hint=_("Every key is explained in docs/office-file.md; “frontdesk schema” prints the JSON schema."),
        )
