"""What accounts are made of. Leaves out: how they are kept."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["owner", "agent"]
Purpose = Literal["set-up", "password"]


@dataclass(frozen=True)
class User:
    """A person who may sign in."""

    user_id: str
    login: str
    name: str
    role: Role
    agent_id: str | None
    language: str  # "": the office's
    has_password: bool
    created_at: str
    disabled_at: str | None
    is_limited: bool = False  # an owner of some businesses, perhaps of none any more

    @property
    def is_owner(self) -> bool:
        """Whether this person runs the office."""
        return self.role == "owner"


@dataclass(frozen=True)
class Session:
    """One browser that is signed in."""

    session_hash: str
    user_id: str
    created_at: str
    seen_at: str
    expires_at: str
    address: str
    user_agent: str


@dataclass(frozen=True)
class Link:
    """A one-time link that may still be used."""

    link_hash: str
    purpose: Purpose
    user_id: str | None
    expires_at: str


@dataclass(frozen=True)
class Token:
    """A key of the API."""

    token_id: str
    name: str
    created_at: str
    used_at: str | None
    revoked_at: str | None


@dataclass(frozen=True)
class AuditEntry:
    """Who looked at or changed what, and when."""

    at: str
    actor: str
    action: str
    object: str
    business_id: str | None
    address: str
