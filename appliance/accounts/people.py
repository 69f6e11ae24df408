"""People: who may sign in, as what, to which businesses."""

import re
from collections.abc import Iterable

from sqlite_utils import Database

from appliance import clock
from appliance.accounts import passwords
from appliance.accounts.errors import LastOwner, LoginTaken
from appliance.accounts.models import Role, User
from appliance.errors import Invalid, NotFound
from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _
from appliance.ids import new_id

_LOGIN = re.compile(r"^[^\s\x00-\x1f:/\\<>\"']{2,120}$")


def _user(row: dict[str, object]) -> User:
    role: Role = "owner" if row["role"] == "owner" else "agent"
    return User(
        user_id=str(row["user_id"]),
        login=str(row["login"]),
        name=str(row["name"]),
        role=role,
        agent_id=None if row["agent_id"] is None else str(row["agent_id"]),
        language=str(row["language"]),
        has_password=row["password_hash"] is not None,
        created_at=str(row["created_at"]),
        disabled_at=None if row["disabled_at"] is None else str(row["disabled_at"]),
        is_limited=bool(row["is_limited"]),
    )


def get_user(db: Database, user_id: str) -> User:
    """One person. Raises NotFound."""
    for row in db.query("SELECT * FROM users WHERE user_id = ?", [user_id]):
        return _user(row)
    raise NotFound(_("There is no such person."))


def find_user(db: Database, login: str) -> User | None:
    """The person who signs in with that name."""
    for row in db.query("SELECT * FROM users WHERE login = ?", [login.strip()]):
        return _user(row)
    return None


def user_of_agent(db: Database, agent_id: str) -> User | None:
    """Who signs in as that agent."""
    for row in db.query("SELECT * FROM users WHERE agent_id = ?", [agent_id]):
        return _user(row)
    return None


def list_users(db: Database) -> list[User]:
    """Everybody, owners first."""
    return [_user(row) for row in db.query("SELECT * FROM users ORDER BY role = 'owner' DESC, name, login")]


def create_user(
    db: Database,
    *,
    login: str,
    name: str,
    role: Role,
    agent_id: str | None = None,
    language: str = "",
    password: str | None = None,
    businesses: Iterable[str] = (),
) -> User:
    """Add a person; without a password they choose one by a one-time link. Raises Invalid, LoginTaken."""
    login = login.strip()
    if not _LOGIN.match(login):
        raise Invalid(_("Use a mail address or a short name without spaces."))
    if find_user(db, login):
        raise LoginTaken(login)
    if agent_id is not None and (other := user_of_agent(db, agent_id)):
        raise LoginTaken(other.login)
    if language and language not in LANGUAGES:
        raise Invalid(_("There is no such language."))
    if password is not None:
        passwords.check_strength(password, login)
    user_id = new_id("user")
    db.execute(
        "INSERT INTO users (user_id, login, name, role, agent_id, password_hash, language, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            user_id,
            login,
            name.strip() or login,
            role,
            agent_id,
            passwords.hashed(password) if password is not None else None,
            language,
            clock.stamp(),
        ],
    )
    set_businesses(db, user_id, businesses)
    return get_user(db, user_id)


def set_businesses(db: Database, user_id: str, businesses: Iterable[str]) -> None:
    """The businesses an owner is limited to; none: the whole office."""
    limits = sorted(set(businesses))
    db.execute("UPDATE users SET is_limited = ? WHERE user_id = ?", [int(bool(limits)), user_id])
    db.execute("DELETE FROM user_businesses WHERE user_id = ?", [user_id])
    for business_id in limits:
        db.execute("INSERT INTO user_businesses (user_id, business_id) VALUES (?, ?)", [user_id, business_id])


def set_language(db: Database, user_id: str, language: str) -> None:
    """The language of this person's pages; "" for the office's. Raises Invalid."""
    if language and language not in LANGUAGES:
        raise Invalid(_("There is no such language."))
    db.execute("UPDATE users SET language = ? WHERE user_id = ?", [language, user_id])


def set_agent(db: Database, user_id: str, agent_id: str | None) -> None:
    """Let a person answer calls as an agent; None: no longer. An agent is one person at most."""
    db.execute("UPDATE users SET agent_id = NULL WHERE agent_id = ? AND user_id != ?", [agent_id, user_id])
    db.execute("UPDATE users SET agent_id = ? WHERE user_id = ?", [agent_id, user_id])


def rename(db: Database, user_id: str, *, login: str, name: str) -> None:
    """Change the name and what they sign in with. Raises Invalid, LoginTaken."""
    login = login.strip()
    if not _LOGIN.match(login):
        raise Invalid(_("Use a mail address or a short name without spaces."))
    other = find_user(db, login)
    if other and other.user_id != user_id:
        raise LoginTaken(login)
    db.execute("UPDATE users SET login = ?, name = ? WHERE user_id = ?", [login, name.strip() or login, user_id])


def disable(db: Database, user_id: str) -> None:
    """Let a person in no longer, and end what they have open. Raises LastOwner."""
    user = get_user(db, user_id)
    if user.is_owner:
        others = db.execute(
            "SELECT COUNT(*) FROM users WHERE role = 'owner' AND disabled_at IS NULL AND password_hash IS NOT NULL"
            " AND user_id != ? AND NOT is_limited",
            [user_id],
        ).fetchone()[0]
        if not others:
            raise LastOwner
    db.execute("UPDATE users SET disabled_at = ? WHERE user_id = ? AND disabled_at IS NULL", [clock.stamp(), user_id])
    db.execute("DELETE FROM sessions WHERE user_id = ?", [user_id])
    db.execute("DELETE FROM one_time_links WHERE user_id = ? AND used_at IS NULL", [user_id])


def enable(db: Database, user_id: str) -> None:
    """Let a disabled person in again."""
    db.execute("UPDATE users SET disabled_at = NULL WHERE user_id = ?", [user_id])


def set_password(db: Database, user_id: str, password: str) -> None:
    """Choose a password; every browser of this person is signed out. Raises WeakPassword."""
    user = get_user(db, user_id)
    passwords.check_strength(password, user.login)
    db.execute("UPDATE users SET password_hash = ? WHERE user_id = ?", [passwords.hashed(password), user_id])
    db.execute("DELETE FROM sessions WHERE user_id = ?", [user_id])
    db.execute("DELETE FROM login_failures WHERE key = ?", ["login:" + user.login.lower()])


def visible_businesses(db: Database, user: User) -> set[str] | None:
    """The wall: the businesses whose calls, messages and contacts this person may see; None: the whole office."""
    if user.role == "agent":
        if user.agent_id is None:
            return set()
        rows = db.query("SELECT business_id FROM agent_businesses WHERE agent_id = ?", [user.agent_id])
        return {str(row["business_id"]) for row in rows}
    if not user.is_limited:
        return None
    rows = db.query("SELECT business_id FROM user_businesses WHERE user_id = ?", [user.user_id])
    return {str(row["business_id"]) for row in rows}


def set_up_link_needed(db: Database) -> bool:
    """Whether nobody can run the office yet: no owner has a password."""
    row = db.execute(
        "SELECT 1 FROM users WHERE role = 'owner' AND password_hash IS NOT NULL AND disabled_at IS NULL LIMIT 1"
    ).fetchone()
    return row is None
