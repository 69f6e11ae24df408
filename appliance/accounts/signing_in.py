"""Signing in: the password check with throttling, and the sessions that follow.

A failed attempt is written down before the password is checked, so that many at once count as many.
"""

from datetime import timedelta

from sqlite_utils import Database

from appliance import clock
from appliance.accounts import passwords
from appliance.accounts.errors import TooManyAttempts
from appliance.accounts.models import Role, Session, User
from appliance.accounts.people import get_user
from appliance.accounts.secrets_at_rest import digest, new_secret

WINDOW = timedelta(minutes=15)
FREE_BY_LOGIN = 5  # failures in the window before waiting begins
FREE_BY_ADDRESS = 25
FIRST_WAIT_SECONDS = 30
SESSION_LENGTH: dict[Role, timedelta] = {"owner": timedelta(days=30), "agent": timedelta(hours=12)}
LONGEST_LOGIN = 120
SEEN_EVERY = timedelta(minutes=1)  # a session slides at most this often: reading a page is not a write


def wait_seconds(failures: int, free: int, since_last_seconds: float) -> int:
    """How long to wait before the next attempt: none at first, then 30 s doubling up to the window."""
    if failures < free:
        return 0
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(failures - free, 10), int(WINDOW.total_seconds()))
    return max(0, int(wait - since_last_seconds + 0.999))


def _wait_for(db: Database, key: str, free: int) -> int:
    since = clock.stamp(clock.now() - WINDOW)
    count, last = db.execute(
        "SELECT COUNT(*), MAX(at) FROM login_failures WHERE key = ? AND at > ?", [key, since]
    ).fetchone()
    if not count:
        return 0
    return wait_seconds(int(count), free, clock.seconds_between(str(last), clock.stamp()))


def login_key(login: str) -> str:
    """Under which failures of a name are counted; short whatever a stranger sends."""
    return "login:" + login.strip().lower()[:LONGEST_LOGIN]


def begin_attempt(db: Database, login: str, address: str) -> None:
    """Write an attempt down as failed, until it is known to have succeeded. Raises TooManyAttempts."""
    keys = [(login_key(login), FREE_BY_LOGIN), ("address:" + address, FREE_BY_ADDRESS)]
    wait = max(_wait_for(db, key, free) for key, free in keys)
    if wait:
        raise TooManyAttempts(wait)
    for key, _free in keys:
        db.execute("INSERT INTO login_failures (key, at) VALUES (?, ?)", [key, clock.stamp()])
    db.execute("DELETE FROM login_failures WHERE at < ?", [clock.stamp(clock.now() - timedelta(days=1))])


def who_is(db: Database, login: str, password: str) -> User | None:
    """The person with that name and password, or None. Slow on purpose: call it outside a transaction."""
    row = db.execute(
        "SELECT user_id, password_hash, disabled_at FROM users WHERE login = ?", [login.strip()]
    ).fetchone()
    fits = passwords.matches(row[1] if row else None, password)
    return get_user(db, str(row[0])) if row and fits and row[2] is None else None


def attempt_succeeded(db: Database, login: str, address: str) -> None:
    """Forget the failures of a name that has signed in, and the one just counted for its address."""
    db.execute("DELETE FROM login_failures WHERE key = ?", [login_key(login)])
    db.execute(
        "DELETE FROM login_failures WHERE login_failure_id ="
        " (SELECT MAX(login_failure_id) FROM login_failures WHERE key = ?)",
        ["address:" + address],
    )


def start_session(db: Database, user: User, *, address: str = "", user_agent: str = "") -> str:
    """Open a session; the secret for the cookie, told once."""
    secret = new_secret()
    now = clock.now()
    db.execute(
        "INSERT INTO sessions (session_hash, user_id, created_at, seen_at, expires_at, address, user_agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            digest(secret),
            user.user_id,
            clock.stamp(now),
            clock.stamp(now),
            clock.stamp(now + SESSION_LENGTH[user.role]),
            address,
            user_agent[:200],
        ],
    )
    db.execute("DELETE FROM sessions WHERE expires_at < ?", [clock.stamp(now)])
    return secret


def session_of(db: Database, secret: str) -> tuple[Session, User] | None:
    """The session behind a cookie and its person; None when ended, expired or disabled."""
    row = db.execute("SELECT * FROM sessions WHERE session_hash = ?", [digest(secret)]).fetchone()
    if row is None or str(row["expires_at"]) <= clock.stamp():
        return None
    user = get_user(db, str(row["user_id"]))
    return None if user.disabled_at else (Session(**{key: row[key] for key in row.keys()}), user)  # noqa: SIM118


def slide_is_due(session: Session) -> bool:
    """Whether the session was last seen long enough ago to be moved on."""
    return clock.seconds_between(session.seen_at, clock.stamp()) >= SEEN_EVERY.total_seconds()


def slide(db: Database, session: Session, user: User) -> None:
    """Move the end of a session on: it was used just now."""
    now = clock.now()
    db.execute(
        "UPDATE sessions SET seen_at = ?, expires_at = ? WHERE session_hash = ?",
        [clock.stamp(now), clock.stamp(now + SESSION_LENGTH[user.role]), session.session_hash],
    )


def list_sessions(db: Database, user_id: str) -> list[Session]:
    """The browsers this person is signed in on, the last used first."""
    rows = db.query(
        "SELECT * FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY seen_at DESC", [user_id, clock.stamp()]
    )
    return [Session(**row) for row in rows]


def end_session(db: Database, session_hash: str) -> None:
    """Sign one browser out; nothing happens when it is out already."""
    db.execute("DELETE FROM sessions WHERE session_hash = ?", [session_hash])


def end_all_sessions(db: Database, user_id: str) -> None:
    """Sign a person out everywhere."""
    db.execute("DELETE FROM sessions WHERE user_id = ?", [user_id])
