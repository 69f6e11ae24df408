"""Passwords: hashed with argon2id, sized for a small box, checked in the same time whether or not the person exists."""

import functools
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.accounts.errors import WeakPassword
from appliance.i18n import gettext as _
from appliance.i18n import ngettext

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 200

# 19 MiB and two passes (the OWASP minimum): a flood of sign-ins must not eat a machine with 1 GB
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_at_once = threading.BoundedSemaphore(2)


@functools.cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def check_strength(password: str, login: str = "") -> None:
    """Refuse what would be guessed. Raises WeakPassword."""
    if len(password) < LEAST_CHARACTERS:
        raise WeakPassword(
            ngettext("Use at least %(num)s character.", "Use at least %(num)s characters.", LEAST_CHARACTERS),
            hint=_("Three or four words in a row are easy to remember and hard to guess."),
        )
    if len(password) > MOST_CHARACTERS:
        raise WeakPassword(_("This is too long for a password."))
    if len(set(password)) < 4 or (login and password.lower() == login.lower()):
        raise WeakPassword(_("This password would be guessed at once."), hint=_("Use three or four words in a row."))


def hashed(password: str) -> str:
    """The argon2 text to keep."""
    with _at_once:
        return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one behind the hash; takes as long when there is no hash."""
    with _at_once:
        try:
            _hasher.verify(password_hash or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with older parameters."""
    return _hasher.check_needs_rehash(password_hash)
