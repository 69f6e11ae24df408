"""The configuration's version: bumped with every change of configuration, polled by the core."""

from sqlite_utils import Database


def bump(db: Database) -> None:
    """Say that the configuration has changed; call it in the transaction that changes it."""
    db.execute("UPDATE office SET config_version = config_version + 1")


def read(db: Database) -> int:
    """The version now; 0 where there is no office yet."""
    row = db.execute("SELECT config_version FROM office").fetchone()
    return int(row[0]) if row else 0
