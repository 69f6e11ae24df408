"""Opening the office's store for a command."""

import contextlib
from collections.abc import Iterator

from sqlite_utils import Database

from appliance.config import Settings
from appliance.errors import Unavailable
from appliance.i18n import gettext as _
from appliance.office.errors import NoOffice
from appliance.store import connect
from appliance.store.migrations import steps
from appliance.supervisor import prepare


class HomeNotWritable(Unavailable):
    """The office's folder cannot be used."""

    code = "home-not-writable"


class StoreTooOld(Unavailable):
    """The store has not the form this version needs."""

    code = "store-too-old"


@contextlib.contextmanager
def made(settings: Settings) -> Iterator[Database]:
    """The store, brought into being or up to date first. Raises HomeNotWritable."""
    try:
        prepare(settings)
    except OSError as error:
        raise HomeNotWritable(
            _(
                "The folder %(home)s cannot be used: %(why)s.",
                home=str(settings.home),
                why=error.strerror or str(error),
            ),
            hint=_("Choose another one with --home or FRONTDESK_HOME."),
        ) from error
    with contextlib.closing(connect(settings.database).conn) as raw:
        yield Database(raw)


@contextlib.contextmanager
def existing(settings: Settings, *, read_only: bool = False) -> Iterator[Database]:
    """The store of an office that is there. Raises NoOffice, StoreTooOld."""
    if not settings.database.is_file():
        raise NoOffice(settings.home)
    db = connect(settings.database, read_only=read_only)
    with contextlib.closing(db.conn):
        # asked by hand: the library's own look would create its table
        if not db["_sqlite_migrations"].exists() or steps.pending(db):
            raise StoreTooOld(
                _("The store in %(home)s was made by another version.", home=str(settings.home)),
                hint=_("Run: frontdesk migrate"),
            )
        yield db
