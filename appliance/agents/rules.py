"""Who is offered a caller: pure rules."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from appliance.agents.models import MODES, Agent

Ticket = TypeVar("Ticket")


def is_ready(agent: Agent, *, has_phone: bool) -> bool:
    """Whether an agent can be offered a caller now."""
    return agent.status == "available" and agent.state == "idle" and has_phone


def may_come(agent: Agent, *, has_phone: bool) -> bool:
    """Whether it makes sense to wait for an agent: on duty with a phone, if busy at the moment."""
    return agent.status == "available" and has_phone


def order(business_id: str, agents: Iterable[Agent]) -> list[Agent]:
    """Who is asked first: dedicated before semi before shared, then who has been idle longest."""
    serving = (agent for agent in agents if business_id in agent.serves)
    return sorted(serving, key=lambda a: (MODES.index(a.serves[business_id]), a.idle_since or "", a.agent_id))


def assign(
    tickets: Sequence[Ticket],
    business_of: Callable[[Ticket], str],
    refuses: Callable[[Ticket, Agent], bool],
    ready: Iterable[Agent],
) -> list[tuple[Ticket, Agent]]:
    """Give the ready agents to the waiting callers, first come first served; nobody gets two."""
    free = {agent.agent_id: agent for agent in ready}
    given: list[tuple[Ticket, Agent]] = []
    for ticket in tickets:
        for agent in order(business_of(ticket), free.values()):
            if not refuses(ticket, agent):
                given.append((ticket, free.pop(agent.agent_id)))
                break
    return given
