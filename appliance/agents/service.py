"""What others may ask about agents and do to them."""

import re
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.agents.models import MODES, STATUSES, Agent
from appliance.errors import Conflict, Invalid, NotFound
from appliance.i18n import gettext as _
from appliance.store import config_version

_ID = re.compile(r"^[a-z][a-z0-9-]{0,31}$")


class AgentNotFound(NotFound):
    """There is no such agent."""

    code = "agent-not-found"


class BadAgent(Invalid):
    """Something about the agent is not of the allowed form."""

    code = "bad-agent"


class AgentExists(Conflict):
    """The id or the extension is another agent's."""

    code = "agent-exists"


def list_agents(db: Database, businesses: set[str] | None = None) -> list[Agent]:
    """All agents in their order; with a set, those who serve one of these businesses."""
    serves: dict[str, dict[str, str]] = {}
    for row in db.query("SELECT * FROM agent_businesses ORDER BY business_id"):
        serves.setdefault(row["agent_id"], {})[row["business_id"]] = row["mode"]
    rows = db.query(
        """SELECT agents.agent_id, name, extension, email, status, status_reason, status_at,
                  coalesce(state, 'offline') AS state, coalesce(state_at, '') AS state_at, call_id, idle_since
           FROM agents LEFT JOIN agent_states USING (agent_id) ORDER BY position, name, agents.agent_id"""
    )
    agents = [Agent(**row, serves=serves.get(row["agent_id"], {})) for row in rows]
    return [a for a in agents if businesses is None or businesses & a.serves.keys()]


def get_agent(db: Database, agent_id: str) -> Agent:
    """One agent. Raises AgentNotFound."""
    for agent in list_agents(db):
        if agent.agent_id == agent_id:
            return agent
    raise AgentNotFound(_("There is no agent “%(agent)s”.", agent=agent_id))


def _check(agent_id: str, name: str, serves: dict[str, str]) -> None:
    if not _ID.match(agent_id):
        raise BadAgent(
            _("“%(id)s” cannot be an agent's id.", id=agent_id),
            hint=_("Use small letters, digits and hyphens, a letter first: sara, ben-2."),
        )
    if not name.strip() or len(name) > 80:
        raise BadAgent(_("An agent needs a name of at most 80 characters."))
    for business_id, mode in serves.items():
        if mode not in MODES:
            raise BadAgent(
                _("“%(mode)s” is no way to serve %(business)s.", mode=mode, business=business_id),
                hint=_("Use shared, dedicated or semi."),
            )


def create_agent(
    db: Database, agent_id: str, name: str, extension: str, serves: dict[str, str], email: str = ""
) -> Agent:
    """A new agent on an extension that exists. Raises BadAgent, AgentExists."""
    _check(agent_id, name, serves)
    if any(db.query("SELECT 1 FROM agents WHERE agent_id = ? OR extension = ?", [agent_id, extension])):
        raise AgentExists(_("The id %(id)s or the extension %(ext)s is taken.", id=agent_id, ext=extension))
    if not any(db.query("SELECT 1 FROM extensions WHERE extension = ?", [extension])):
        raise BadAgent(_("There is no extension %(ext)s.", ext=extension))
    at = clock.stamp()
    db.execute(
        """INSERT INTO agents (agent_id, name, extension, email, status_at, position)
           VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM agents))""",
        [agent_id, name.strip(), extension, email.strip(), at],
    )
    _write_serves(db, agent_id, serves)
    config_version.bump(db)
    return get_agent(db, agent_id)


def update_agent(
    db: Database,
    agent_id: str,
    *,
    name: str | None = None,
    extension: str | None = None,
    email: str | None = None,
    serves: dict[str, str] | None = None,
) -> Agent:
    """Change what is given. Raises AgentNotFound, BadAgent, AgentExists."""
    old = get_agent(db, agent_id)
    new_serves = old.serves if serves is None else serves
    _check(agent_id, old.name if name is None else name, new_serves)
    if extension is not None and extension != old.extension:
        if any(db.query("SELECT 1 FROM agents WHERE extension = ?", [extension])):
            raise AgentExists(_("Extension %(ext)s belongs to another agent.", ext=extension))
        if not any(db.query("SELECT 1 FROM extensions WHERE extension = ?", [extension])):
            raise BadAgent(_("There is no extension %(ext)s.", ext=extension))
    db.execute(
        "UPDATE agents SET name = ?, extension = ?, email = ? WHERE agent_id = ?",
        [
            (old.name if name is None else name).strip(),
            old.extension if extension is None else extension,
            (old.email if email is None else email).strip(),
            agent_id,
        ],
    )
    if serves is not None:
        _write_serves(db, agent_id, serves)
    config_version.bump(db)
    return get_agent(db, agent_id)


def delete_agent(db: Database, agent_id: str) -> None:
    """Remove an agent; their calls stay. Raises AgentNotFound."""
    get_agent(db, agent_id)
    db.execute("DELETE FROM agents WHERE agent_id = ?", [agent_id])
    config_version.bump(db)


def _write_serves(db: Database, agent_id: str, serves: dict[str, str]) -> None:
    known = {row["business_id"] for row in db.query("SELECT business_id FROM businesses")}
    for business_id in serves:
        if business_id not in known:
            raise BadAgent(_("There is no business “%(business)s”.", business=business_id))
    db.execute("DELETE FROM agent_businesses WHERE agent_id = ?", [agent_id])
    for business_id, mode in serves.items():
        db.execute("INSERT INTO agent_businesses VALUES (?, ?, ?)", [agent_id, business_id, mode])


def set_status(db: Database, agent_id: str, status: str, reason: str = "") -> None:
    """What the agent chose: available, on_break, logged_out. Raises AgentNotFound, Invalid."""
    if status not in STATUSES:
        raise BadAgent(_("“%(status)s” is no status.", status=status), hint="available, on_break, logged_out")
    changed = db.execute(
        "UPDATE agents SET status = ?, status_reason = ?, status_at = ? WHERE agent_id = ?",
        [status, reason.strip()[:200], clock.stamp(), agent_id],
    ).rowcount
    if not changed:
        raise AgentNotFound(_("There is no agent “%(agent)s”.", agent=agent_id))


def write_state(db: Database, agent_id: str, state: str, call_id: str | None, idle_since: str | None) -> None:
    """What happens to the agent, as the core sees it; nothing for an agent who was removed meanwhile."""
    values: dict[str, Any] = {"agent_id": agent_id, "state": state, "call_id": call_id}
    db.execute(
        """INSERT INTO agent_states (agent_id, state, call_id, state_at, idle_since)
           SELECT :agent_id, :state, :call_id, :at, :idle_since WHERE EXISTS
               (SELECT 1 FROM agents WHERE agent_id = :agent_id)
           ON CONFLICT (agent_id) DO UPDATE SET state = excluded.state, call_id = excluded.call_id,
               state_at = excluded.state_at, idle_since = excluded.idle_since""",
        {**values, "at": clock.stamp(), "idle_since": idle_since},
    )


def extensions_serving(people: Iterable[Agent], business_id: str) -> frozenset[str]:
    """The extensions of those who serve a business, in whatever way: whom its callers may dial directly."""
    return frozenset(agent.extension for agent in people if business_id in agent.serves)
