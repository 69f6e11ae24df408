"""Keys of the API: shown once, kept as a hash, revocable."""

import contextlib
import re
import sqlite3

from sqlite_utils import Database

from appliance import clock
from appliance.accounts.errors import TokenNameTaken
from appliance.accounts.models import Token
from appliance.accounts.secrets_at_rest import digest, new_secret
from appliance.errors import Invalid, NotFound
from appliance.i18n import gettext as _
from appliance.ids import new_id

_COLUMNS = "token_id, name, created_at, used_at, revoked_at"
_NAME = re.compile(r"^[^\x00-\x1f]{1,80}$")


def create_token(db: Database, name: str) -> str:
    """A new key, told once. Raises Invalid, TokenNameTaken."""
    name = name.strip()
    if not _NAME.match(name):
        raise Invalid(_("Give the token a name of 1 to 80 characters."))
    if db.execute("SELECT 1 FROM api_tokens WHERE name = ?", [name]).fetchone():
        raise TokenNameTaken(name)
    text = "fd_" + new_secret()
    db.execute(
        "INSERT INTO api_tokens (token_id, name, token_hash, created_at) VALUES (?, ?, ?, ?)",
        [new_id("token"), name, digest(text), clock.stamp()],
    )
    return text


def check_token(db: Database, text: str) -> Token | None:
    """The token behind a key; None when there is none or it was revoked. Notes the use, at most once a minute."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM api_tokens WHERE token_hash = ? AND revoked_at IS NULL",  # noqa: S608
        [digest(text)],
    ).fetchone()
    if row is None:
        return None
    token = Token(**{key: row[key] for key in row.keys()})  # noqa: SIM118
    now = clock.stamp()
    if token.used_at is None or clock.seconds_between(token.used_at, now) > 60:
        with contextlib.suppress(sqlite3.OperationalError):  # a full disk must not shut out who only reads
            db.execute("UPDATE api_tokens SET used_at = ? WHERE token_id = ?", [now, token.token_id])
    return token


def list_tokens(db: Database) -> list[Token]:
    """All tokens, those in use first."""
    rows = db.query(f"SELECT {_COLUMNS} FROM api_tokens ORDER BY revoked_at IS NOT NULL, created_at DESC")  # noqa: S608
    return [Token(**row) for row in rows]


def revoke_token(db: Database, token_id: str) -> None:
    """Let a key open nothing any more; safe to repeat. Raises NotFound."""
    if not db.execute("SELECT 1 FROM api_tokens WHERE token_id = ?", [token_id]).fetchone():
        raise NotFound(_("There is no such token."))
    db.execute(
        "UPDATE api_tokens SET revoked_at = ? WHERE token_id = ? AND revoked_at IS NULL", [clock.stamp(), token_id]
    )
