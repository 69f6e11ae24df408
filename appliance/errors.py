"""The one family of errors a person may see.

Owns: FrontdeskError and its kinds. Slices add a class per refusal, built from values.
Leaves out: HTTP statuses (web/errors.py) and SIP causes (switch/causes.py).
"""

from typing import ClassVar, Literal

Kind = Literal["not_found", "invalid", "conflict", "forbidden", "unavailable"]


class FrontdeskError(Exception):
    """A refusal with a stable code, a sentence for a person and what to do next."""

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = "invalid"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFound(FrontdeskError):
    """The thing asked for does not exist, or not for this person."""

    code = "not-found"
    kind: ClassVar[Kind] = "not_found"


class Invalid(FrontdeskError):
    """A value is not of the allowed form."""

    code = "invalid"
    kind: ClassVar[Kind] = "invalid"


class Conflict(FrontdeskError):
    """The state of things does not allow this now."""

    code = "conflict"
    kind: ClassVar[Kind] = "conflict"


class Forbidden(FrontdeskError):
    """This person may not do that."""

    code = "forbidden"
    kind: ClassVar[Kind] = "forbidden"


class Unavailable(FrontdeskError):
    """A part of the office does not answer at the moment."""

    code = "unavailable"
    kind: ClassVar[Kind] = "unavailable"
