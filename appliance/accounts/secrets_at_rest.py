"""Secrets that are handed out once and kept only as a hash: cookies, links, tokens."""

import hashlib
import secrets


def new_secret() -> str:
    """256 bits, fit for a URL and a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept: sha256. A random secret of 256 bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
