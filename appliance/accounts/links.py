"""One-time links: to set the office up, and to choose a password (an invitation or a reset)."""

from datetime import timedelta

from sqlite_utils import Database

from appliance import clock
from appliance.accounts.errors import LinkGone
from appliance.accounts.models import Link, Purpose
from appliance.accounts.people import set_up_link_needed
from appliance.accounts.secrets_at_rest import digest, new_secret

LIFETIME: dict[Purpose, timedelta] = {"set-up": timedelta(days=7), "password": timedelta(days=2)}


def create_link(db: Database, purpose: Purpose, user_id: str | None = None) -> str:
    """A new link's secret, told once. An earlier password link of the same person stops working."""
    if user_id is not None:
        db.execute(
            "DELETE FROM one_time_links WHERE user_id = ? AND purpose = ? AND used_at IS NULL", [user_id, purpose]
        )
    secret = new_secret()
    now = clock.now()
    db.execute(
        "INSERT INTO one_time_links (link_hash, purpose, user_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        [digest(secret), purpose, user_id, clock.stamp(now), clock.stamp(now + LIFETIME[purpose])],
    )
    db.execute("DELETE FROM one_time_links WHERE expires_at < ?", [clock.stamp(now - timedelta(days=30))])
    return secret


def open_link(db: Database, secret: str, purpose: Purpose) -> Link:
    """The link behind a secret, still usable. Raises LinkGone."""
    row = db.execute(
        "SELECT link_hash, purpose, user_id, expires_at FROM one_time_links"
        " WHERE link_hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?",
        [digest(secret), purpose, clock.stamp()],
    ).fetchone()
    if row is None or (purpose == "set-up" and not set_up_link_needed(db)):
        raise LinkGone
    return Link(str(row[0]), purpose, None if row[2] is None else str(row[2]), str(row[3]))


def use_link(db: Database, secret: str, purpose: Purpose) -> Link:
    """Take the link: only one can. Raises LinkGone."""
    link = open_link(db, secret, purpose)
    done = db.execute(
        "UPDATE one_time_links SET used_at = ? WHERE link_hash = ? AND used_at IS NULL",
        [clock.stamp(), link.link_hash],
    )
    if done.rowcount != 1:
        raise LinkGone
    return link


def was_used(db: Database, secret: str, purpose: Purpose) -> bool:
    """Whether this was a real link that has done its work."""
    row = db.execute(
        "SELECT used_at FROM one_time_links WHERE link_hash = ? AND purpose = ?", [digest(secret), purpose]
    ).fetchone()
    return row is not None and row[0] is not None
