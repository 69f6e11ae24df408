"""The core as the pages see it: is it there, since when not, and asking it to do something.

The store is the truth, the core does the work: a page that changed the store tells the core, and goes on without it.
"""

import contextlib
import re
from dataclasses import dataclass

from sqlite_utils import Database

from appliance import clock
from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.errors import FrontdeskError
from web.database import settings

FRESH_SECONDS = 5.0  # the core writes its heartbeat more often than that


@dataclass(frozen=True)
class Core:
    """Whether the core lives, by its heartbeat."""

    is_up: bool
    seen_at: str | None = None  # when it was last there
    engine: str = ""
    version: str = ""
    started_at: str | None = None


def look(db: Database) -> Core:
    """The heartbeat in the store: what is older than five seconds is no life."""
    row = db.execute("SELECT engine, version, started_at, seen_at FROM core_status").fetchone()
    if row is None:
        return Core(is_up=False)
    fresh = clock.seconds_between(str(row["seen_at"]), clock.stamp()) < FRESH_SECONDS
    return Core(fresh, str(row["seen_at"]), str(row["engine"]), str(row["version"]), str(row["started_at"]))


def client(of: Settings | None = None) -> CoreClient:
    """The way to the core."""
    return CoreClient((of or settings()).socket)


def tell(do: str, **values: object) -> bool:
    """Let the core know of a change that stands in the store; False when it is away (it will read it at its start)."""
    with contextlib.suppress(FrontdeskError):
        client().ask(do, timeout=5.0, **values)
        return True
    return False


def cause_in(error: FrontdeskError) -> str:
    """The hang-up cause that stands in brackets in a refusal of the core; "" when there is none."""
    found = re.search(r"\(([a-z-]+)\)", error.message)
    return found[1] if found else ""


__all__ = ["Core", "CoreAway", "cause_in", "client", "look", "tell"]
