"""The request's connection to the office file: opened when first asked for, closed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app, g
from sqlite_utils import Database

from appliance.config import Settings
from appliance.store import connect, transaction


def settings() -> Settings:
    """The settings of this office."""
    found = current_app.extensions["frontdesk.settings"]
    assert isinstance(found, Settings)
    return found


def db() -> Database:
    """The request's connection, for reading; write within ``writing()``."""
    if "db" not in g:
        g.db = connect(settings().database)
    connection: Database = g.db
    return connection


@contextmanager
def writing() -> Iterator[Database]:
    """A transaction on the request's connection: all or nothing. Keep slow work out of it."""
    with transaction(db()) as open_db:
        yield open_db


@contextmanager
def short_connection(of: Settings) -> Iterator[Database]:
    """A connection outside any request, for streams that outlive theirs."""
    connection = connect(of.database)
    try:
        yield connection
    finally:
        connection.conn.close()


def _close(_error: BaseException | None) -> None:
    connection = g.pop("db", None)
    if connection is not None:
        connection.conn.close()


def init_app(app: Flask) -> None:
    """Close the connection with the request."""
    app.teardown_appcontext(_close)
