"""Trunks: list, save, delete, their states. Functions that write expect the caller's transaction."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from appliance import fields
from appliance.i18n import gettext as _
from appliance.lines import store
from appliance.lines.errors import NoSuchTrunk, TrunkExists, TrunkNeedsAccount
from appliance.lines.models import KINDS, TRANSPORTS, Trunk, TrunkState
from appliance.store.config_version import bump

CHECKS: Mapping[str, Callable[[object], Any]] = {
    "trunk_id": fields.identifier,
    "kind": lambda v: fields.choice(v, KINDS),
    "host": lambda v: fields.host(v, network=True),
    "transport": lambda v: fields.choice(v, TRANSPORTS),
    "username": lambda v: fields.text(v, most=128),
    "password": fields.secret,
    "position": lambda v: fields.whole(v, 0, 10_000),
}


def list_trunks(db: Database) -> list[Trunk]:
    """All trunks, in the order in which they are tried."""
    return [Trunk(**row) for row in store.trunks(db)]


def get_trunk(db: Database, trunk_id: str) -> Trunk:
    """One trunk. Raises NoSuchTrunk."""
    row = store.trunk(db, trunk_id)
    if row is None:
        raise NoSuchTrunk(trunk_id)
    return Trunk(**row)


def check_trunk(trunk: Trunk) -> Trunk:
    """The trunk with every field checked and tidied. Raises Invalid, TrunkNeedsAccount."""
    tidy = Trunk(**{name: CHECKS[name](value) for name, value in asdict(trunk).items()})
    if tidy.kind == "register":
        fields.host(tidy.host)  # a network cannot be registered at
        for missing, value in ((_("username"), tidy.username), (_("password"), tidy.password)):
            if not value:
                raise TrunkNeedsAccount(tidy.trunk_id, missing)
    return tidy


def save_trunk(
    db: Database,
    trunk_id: str,
    *,
    kind: str,
    host: str,
    transport: str = "udp",
    username: str = "",
    password: str | None = None,
    position: int | None = None,
    must_be_new: bool = False,
) -> Trunk:
    """Create or change a trunk; a password of None keeps the one it has. Raises Invalid, TrunkExists."""
    row = store.trunk(db, trunk_id)
    if row and must_be_new:
        raise TrunkExists(trunk_id)
    trunk = check_trunk(
        Trunk(
            trunk_id=trunk_id,
            kind=kind,
            host=host,
            transport=transport,
            username=username,
            password=password if password is not None else (row or {}).get("password", ""),
            position=position if position is not None else (row["position"] if row else store.next_position(db)),
        )
    )
    if row is None or Trunk(**row) != trunk:
        store.write(db, asdict(trunk))
        bump(db)
    return trunk


def delete_trunk(db: Database, trunk_id: str) -> None:
    """Remove a trunk; its past calls keep its id. Raises NoSuchTrunk."""
    get_trunk(db, trunk_id)
    store.delete(db, trunk_id)
    bump(db)


def trunk_states(db: Database) -> list[TrunkState]:
    """Every trunk's state, as the core saw it last."""
    return [TrunkState(**row) for row in store.states(db)]


def business_of_number(db: Database, number: str) -> str | None:
    """The id of the business an E.164 number belongs to, or None."""
    return store.business_of_number(db, number)


def list_numbers(db: Database) -> list[tuple[str, str]]:
    """All numbers as (E.164 number, business id)."""
    return [(row["number"], row["business_id"]) for row in store.numbers(db)]
