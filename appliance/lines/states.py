"""Trunks' states as the core sees them."""

from typing import Any

from sqlite_utils import Database

from appliance import clock


def save_state(db: Database, trunk_id: str, state: str, reason: str) -> None:
    """A trunk came up or went down; nothing for a trunk that was removed."""
    db.execute(
        """INSERT INTO trunk_states (trunk_id, state, reason, state_at)
           SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM trunks WHERE trunk_id = ?)
           ON CONFLICT (trunk_id) DO UPDATE SET
               state = excluded.state, reason = excluded.reason, state_at = excluded.state_at""",
        [trunk_id, state, reason, clock.stamp(), trunk_id],
    )


def list_states(db: Database) -> list[dict[str, Any]]:
    """``trunk_id, state, reason, state_at`` of every trunk the core has spoken of."""
    return list(db.query("SELECT * FROM trunk_states ORDER BY trunk_id"))
