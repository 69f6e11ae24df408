"""Reading forms: what was typed is kept, and what is wrong is said beside its field."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask import request

from appliance.errors import FrontdeskError
from appliance.fields import BadValue
from appliance.i18n import gettext as _
from web.errors import STATUS

T = TypeVar("T")


class Form:
    """Values to show and errors to show beside them; made from a request, or from what is kept."""

    def __init__(self, kept: Mapping[str, object] | None = None, *, sent: bool | None = None) -> None:
        self.sent = request.method == "POST" if sent is None else sent
        self.errors: dict[str, str] = {}
        self.general: FrontdeskError | None = None
        self._kept = kept or {}

    def value(self, name: str) -> str:
        """What to show in a field: what was typed, else what is kept."""
        if self.sent:
            return request.form.get(name, "")
        kept = self._kept.get(name, "")
        return "" if kept is None else str(kept)

    def values(self, name: str) -> list[str]:
        """The same for fields that may occur more than once."""
        if self.sent:
            return request.form.getlist(name)
        kept = self._kept.get(name, ())
        return [str(v) for v in kept] if isinstance(kept, list | tuple | set | frozenset) else []

    def checked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(request.form.get(name)) if self.sent else bool(self._kept.get(name))

    def read(self, name: str, check: Callable[[str], T], instead: T) -> T:
        """The checked value of a field; where it is wrong, that is noted and ``instead`` returned."""
        try:
            return check(request.form.get(name, ""))
        except FrontdeskError as error:
            self.fail(error, name)
            return instead

    def required(self, name: str) -> str:
        """Text that must not be empty."""
        text = request.form.get(name, "").strip()
        if not text:
            self.errors[name] = _("Please fill this in.")
        return text

    def fail(self, error: FrontdeskError, name: str = "") -> None:
        """Note a refusal: beside its field, or for the whole form."""
        if not name:
            self.general = error
        elif isinstance(error, BadValue):
            self.errors[name] = error.allowed[:1].upper() + error.allowed[1:] + "."
        else:
            self.errors[name] = f"{error.message} {error.hint}".strip()

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and self.general is None

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows this form."""
        if self.general is not None:
            return STATUS[self.general.kind]
        return 422 if self.errors else 200


def whole_in_address(name: str, most: int = 2**53) -> int | None:
    """A whole number of the address, from 0; None where there is none that can be used."""
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= most else None
