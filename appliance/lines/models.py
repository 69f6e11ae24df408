"""What a line is."""

from dataclasses import dataclass

KINDS = ("peer", "register")
TRANSPORTS = ("udp", "tcp")


@dataclass(frozen=True)
class Trunk:
    """Our account at a carrier (``register``), or a machine or network known by its address (``peer``)."""

    trunk_id: str
    kind: str
    host: str
    transport: str = "udp"
    username: str = ""
    password: str = ""
    position: int = 0


@dataclass(frozen=True)
class TrunkState:
    """Whether a trunk is up, as the core saw it last; ``unknown`` before the first look."""

    trunk_id: str
    state: str
    reason: str = ""
    state_at: str | None = None
