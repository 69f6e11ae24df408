"""Addresses of one-time links, as a person opens them."""

from appliance.banner import local_address
from appliance.config import Settings


def set_up_address(settings: Settings, secret: str) -> str:
    """Where the office is set up."""
    return f"http://{_host(settings)}:{settings.web_port}/set-up/{secret}"


def password_address(settings: Settings, secret: str) -> str:
    """Where a password is chosen."""
    return f"http://{_host(settings)}:{settings.web_port}/password/{secret}"


def _host(settings: Settings) -> str:
    host = local_address(settings)
    return f"[{host}]" if ":" in host else host
