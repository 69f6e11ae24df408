"""Identifiers: sortable by time of creation, unguessable enough for a path, safe in a file name."""

import secrets

from appliance import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


def new_id(prefix: str) -> str:
    """``call_01jd…``: the prefix, 9 characters of milliseconds since 1970, 9 random ones."""
    milliseconds = int(clock.now().timestamp() * 1000)
    time_part = ""
    for _ in range(9):
        time_part = _ALPHABET[milliseconds & 31] + time_part
        milliseconds >>= 5
    return f"{prefix}_{time_part}{''.join(secrets.choice(_ALPHABET) for _ in range(9))}"


def new_secret(length: int = 16) -> str:
    """A password for machines: letters and digits that are not mistaken for each other when typed."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))
