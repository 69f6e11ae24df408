"""What an agent is."""

from dataclasses import dataclass, field

STATUSES = ("available", "on_break", "logged_out")
MODES = ("dedicated", "semi", "shared")  # in the order in which callers are offered


@dataclass(frozen=True)
class Agent:
    """One agent: who, whom they serve, what they chose and what happens to them."""

    agent_id: str
    name: str
    extension: str
    email: str = ""
    status: str = "available"
    status_reason: str = ""
    status_at: str = ""
    state: str = "offline"  # offline, idle, ringing, in_call, wrap_up
    state_at: str = ""
    call_id: str | None = None
    idle_since: str | None = None
    serves: dict[str, str] = field(default_factory=dict)  # business_id -> mode
