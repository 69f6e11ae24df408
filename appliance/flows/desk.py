"""The desk: which agents are there, which callers wait, and who gets whom.

One truth about what happens to agents: their phone (registered or not) and the calls they are on. Kept in memory, every
change written to the store. Leaves out: the order itself (agents/rules.py).
"""

import asyncio
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from appliance import clock
from appliance.agents import rules
from appliance.agents import service as agents
from appliance.agents.models import Agent
from appliance.flows.books import Books


@dataclass(eq=False)
class Ticket:
    """A caller's place in the queue."""

    call_id: str
    business_id: str
    refused_by: set[str] = field(default_factory=set)  # agents who did not take this caller
    is_offered: bool = False  # an agent's phone rings for this caller


class Desk:
    """Agents and waiting callers, live."""

    def __init__(
        self, books: Books, has_phone: Callable[[str], bool], publish: Callable[[dict[str, Any]], None]
    ) -> None:
        self._books = books
        self._has_phone = has_phone  # of an extension
        self._publish = publish
        self._agents: dict[str, Agent] = {}
        self._engaged: dict[str, dict[str, str]] = {}  # agent_id -> call_id -> state, the call in hand last
        self._queue: list[Ticket] = []
        self._changed = asyncio.Event()

    # --- agents ---

    def configure(self, configured: Iterable[Agent]) -> None:
        """Take over who the agents are; what happens to them stays as it is."""
        fresh: dict[str, Agent] = {}
        for agent in configured:
            old = self._agents.get(agent.agent_id) or replace(agent, state="offline", state_at="", call_id=None)
            fresh[agent.agent_id] = replace(
                agent, state=old.state, state_at=old.state_at, call_id=old.call_id, idle_since=old.idle_since
            )
        self._agents = fresh
        self._engaged = {agent_id: on for agent_id, on in self._engaged.items() if agent_id in fresh}
        self._wake()

    async def reconcile(self, live: Container[str] | None = None) -> None:
        """Bring every agent's state in line with their phone, and with the live calls where given.

        Writes only what changed.
        """
        if live is not None:
            for agent_id, calls in list(self._engaged.items()):
                for call_id in [c for c in calls if c not in live]:
                    await self.release(agent_id, call_id)
        for agent_id in list(self._agents):
            agent = self._agents.get(agent_id)  # as of now: much may have happened while the last one was written
            if agent and not self._engaged.get(agent_id):
                state = self._at_rest(agent)
                if state != agent.state or not agent.state_at:
                    await self._set(agent, state, None)

    def _at_rest(self, agent: Agent) -> str:
        return "idle" if self._has_phone(agent.extension) and agent.status != "logged_out" else "offline"

    async def _set(self, agent: Agent, state: str, call_id: str | None) -> None:
        at = clock.stamp()
        idle_since = at if state == "idle" else agent.idle_since
        self._agents[agent.agent_id] = replace(agent, state=state, call_id=call_id, state_at=at, idle_since=idle_since)
        self._wake()
        await self._books.write(lambda db: agents.write_state(db, agent.agent_id, state, call_id, idle_since))
        self._publish({"event": "agent", "agent_id": agent.agent_id, "state": state})

    def agent(self, agent_id: str) -> Agent | None:
        """One agent as of now."""
        return self._agents.get(agent_id)

    def agent_of_extension(self, extension: str) -> Agent | None:
        """Whose phone has that extension, as of now."""
        return next((a for a in self._agents.values() if a.extension == extension), None)

    async def occupy(self, agent_id: str, state: str, call_id: str) -> None:
        """The agent rings for, or is on, a call: nothing else is offered to them."""
        if agent := self._agents.get(agent_id):
            calls = self._engaged.setdefault(agent_id, {})
            calls.pop(call_id, None)
            calls[call_id] = state
            await self._set(agent, state, call_id)

    async def release(self, agent_id: str, call_id: str) -> None:
        """The agent is done with that call, and free unless on another: on hold, or come since."""
        calls = self._engaged.get(agent_id, {})
        if calls.pop(call_id, None) is None:
            return
        agent = self._agents.get(agent_id)
        if agent is None or agent.call_id != call_id:
            return
        if calls:
            other, state = next(reversed(calls.items()))
            await self._set(agent, state, other)
        else:
            await self._set(agent, self._at_rest(agent), None)

    # --- callers ---

    def join(self, call_id: str, business_id: str) -> Ticket:
        """Queue a caller."""
        ticket = Ticket(call_id, business_id)
        self._queue.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Take a caller out of the queue; safe to repeat."""
        if ticket in self._queue:
            self._queue.remove(ticket)
            self._wake()

    def next_agent(self, ticket: Ticket) -> Agent | None:
        """The agent to be offered this caller now, callers before them served first."""
        ready = [a for a in self._agents.values() if rules.is_ready(a, has_phone=self._has_phone(a.extension))]
        # a caller for whom a phone rings already keeps no second agent from the others
        queue = sorted(self._queue, key=lambda t: t.is_offered)
        given = rules.assign(queue, lambda t: t.business_id, lambda t, a: a.agent_id in t.refused_by, ready)
        return next((agent for t, agent in given if t is ticket), None)

    def somebody_may_come(self, ticket: Ticket) -> bool:
        """Whether waiting makes sense: an agent of the business is on duty with a phone and has not refused yet."""
        return any(
            ticket.business_id in a.serves
            and a.agent_id not in ticket.refused_by
            and rules.may_come(a, has_phone=self._has_phone(a.extension))
            for a in self._agents.values()
        )

    # --- changes ---

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def phones_changed(self) -> None:
        """Phones came or went."""
        self._wake()
        await self.reconcile()

    async def wait_changed(self) -> None:
        """Wait until something about agents or callers changes."""
        await self._changed.wait()
