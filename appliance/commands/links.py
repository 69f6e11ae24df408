"""Addresses of one-time links, as a person opens them."""

from appliance.addresses import local_address
from appliance.config import Settings


def set_up_address(settings: Settings, secret: str) -> str:
    """Where the office is set up."""
    return f"{_admin(settings)}/set-up/{secret}"


def password_address(settings: Settings, secret: str) -> str:
    """Where a password is chosen."""
    return f"{_admin(settings)}/password/{secret}"


def _admin(settings: Settings) -> str:
    if settings.web_url:
        return settings.web_url.rstrip("/")
    host = local_address(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}"
