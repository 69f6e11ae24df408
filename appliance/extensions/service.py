"""Extensions: create, rename, list, delete, passwords. Functions that write expect the caller's transaction."""

from collections.abc import Mapping

from sqlite_utils import Database

from appliance import clock, fields, ids
from appliance.extensions import store
from appliance.extensions.errors import ExtensionExists, ExtensionHasAgent, NoSuchExtension
from appliance.extensions.models import Extension, Registration
from appliance.store.config_version import bump

FIRST_FREE = 101


def list_extensions(db: Database) -> list[Extension]:
    """All extensions in order, with the agent each belongs to."""
    return [Extension(**row) for row in store.extensions(db)]


def get_extension(db: Database, extension: str) -> Extension:
    """One extension. Raises NoSuchExtension."""
    row = store.extension(db, extension)
    if row is None:
        raise NoSuchExtension(extension)
    return Extension(**row)


def next_free(db: Database) -> str:
    """A free extension to offer: the lowest from 101 on."""
    taken = {e.extension for e in list_extensions(db)}
    return next(str(n) for n in range(FIRST_FREE, 999_999) if str(n) not in taken)


def create_extension(db: Database, extension: str, *, sip_password: str | None = None, name: str = "") -> Extension:
    """A new extension; its password is generated where None is given. Raises Invalid, ExtensionExists."""
    fields.extension(extension)
    if store.extension(db, extension):
        raise ExtensionExists(extension)
    password = fields.sip_password(sip_password) if sip_password is not None else ids.new_secret()
    store.insert(db, extension, password, fields.text(name))
    bump(db)
    return get_extension(db, extension)


def update_extension(
    db: Database, extension: str, *, sip_password: str | None = None, name: str | None = None
) -> Extension:
    """Change password or name; None keeps what there is. Raises Invalid, NoSuchExtension."""
    before = get_extension(db, extension)
    password = fields.sip_password(sip_password) if sip_password is not None else before.sip_password
    store.update(db, extension, password, fields.text(name) if name is not None else before.name)
    bump(db)
    return get_extension(db, extension)


def reset_password(db: Database, extension: str) -> str:
    """Give the extension a new generated password, and return it. Raises NoSuchExtension."""
    return update_extension(db, extension, sip_password=ids.new_secret()).sip_password


def renumber(db: Database, moves: Mapping[str, str]) -> None:
    """Give extensions other numbers, all at once (two may swap); agents keep their phone's password.

    Raises Invalid, NoSuchExtension, ExtensionExists.
    """
    taken = {e.extension for e in list_extensions(db)} - set(moves)
    for old, new in moves.items():
        get_extension(db, old)
        if fields.extension(new) in taken:
            raise ExtensionExists(new)
        taken.add(new)
    for old in moves:
        store.forget_registrations(db, old)
        store.rename(db, old, f"~{old}")  # out of the way first: two may swap
    for old, new in moves.items():
        store.rename(db, f"~{old}", new)
    bump(db)


def delete_extension(db: Database, extension: str) -> None:
    """Remove an extension without an agent. Raises NoSuchExtension, ExtensionHasAgent."""
    found = get_extension(db, extension)
    if found.agent_id:
        raise ExtensionHasAgent(extension, found.agent_id)
    store.delete(db, extension)
    bump(db)


def registered_phones(db: Database) -> list[Registration]:
    """The phones registered now, as the core wrote them."""
    return [Registration(**row) for row in store.registrations(db, clock.stamp())]
