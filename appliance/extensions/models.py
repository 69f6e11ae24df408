"""What an extension is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Extension:
    """An internal number; the phone's user name is the number itself."""

    extension: str
    sip_password: str
    name: str = ""
    agent_id: str | None = None


@dataclass(frozen=True)
class Registration:
    """A phone that is registered for an extension."""

    extension: str
    contact: str
    source: str
    user_agent: str
    registered_at: str
    expires_at: str
