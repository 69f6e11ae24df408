"""People, sessions, links and tokens without any page."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from appliance.accounts import passwords
from appliance.accounts import service as accounts
from appliance.accounts.models import User
from appliance.accounts.signing_in import WINDOW
from appliance.store import connect, migrate, transaction


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    migrate(connect(tmp_path / "office.db"))
    return tmp_path / "office.db"


@pytest.fixture
def db(path: Path) -> Database:
    return connect(path)


def _ana(db: Database) -> User:
    with transaction(db):
        return accounts.create_user(db, login="Ana", name="Ana", role="owner", password="four words in a row")


@given(failures=st.integers(0, 10_000), free=st.integers(1, 50), passed=st.floats(0, 10_000))
def test_the_wait_is_never_negative_nor_longer_than_the_window(failures, free, passed):
    wait = accounts.wait_seconds(failures, free, passed)
    assert 0 <= wait <= WINDOW.total_seconds()
    assert wait == 0 or failures >= free


@given(failures=st.integers(0, 500), free=st.integers(1, 50))
def test_one_failure_more_never_shortens_the_wait(failures, free):
    assert accounts.wait_seconds(failures, free, 0) <= accounts.wait_seconds(failures + 1, free, 0)


def test_a_name_is_the_same_in_small_and_capital_letters(db):
    user = _ana(db)
    assert accounts.find_user(db, "ANA") == user
    with pytest.raises(accounts.LoginTaken), transaction(db):
        accounts.create_user(db, login="ana", name="", role="owner")


def test_secrets_are_kept_as_hashes_only(db, path):
    user = _ana(db)
    with transaction(db):
        secrets = [
            accounts.start_session(db, user),
            accounts.create_link(db, "password", user.user_id),
            accounts.create_token(db, "crm"),
            "four words in a row",
        ]
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = path.read_bytes()
    for secret in secrets:
        assert secret.encode() not in kept


def test_many_guesses_at_once_count_as_many(path):
    with transaction(connect(path)) as db:
        accounts.create_user(db, login="ana", name="", role="owner")

    def guess(_n: int) -> bool:
        mine = connect(path)
        try:
            with transaction(mine):
                accounts.begin_attempt(mine, "ana", "192.0.2.1")
        except accounts.TooManyAttempts:
            return False
        finally:
            mine.conn.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(24))) == 5


def test_a_link_taken_by_two_at_once_is_given_to_one(path):
    with transaction(connect(path)) as db:
        secret = accounts.create_link(db, "set-up")

    def take(_n: int) -> bool:
        mine = connect(path)
        try:
            with transaction(mine):
                accounts.use_link(mine, secret, "set-up")
        except accounts.LinkGone:
            return False
        finally:
            mine.conn.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1


def test_a_set_up_link_opens_nothing_once_an_owner_has_a_password(db):
    with transaction(db):
        secret = accounts.create_link(db, "set-up")
    _ana(db)
    assert not accounts.set_up_link_needed(db)
    with pytest.raises(accounts.LinkGone):
        accounts.open_link(db, secret, "set-up")


def test_an_agent_without_a_phone_sees_no_business(db):
    with transaction(db):
        user = accounts.create_user(db, login="ben", name="", role="agent")
    assert accounts.visible_businesses(db, user) == set()
    assert accounts.visible_businesses(db, _ana(db)) is None
