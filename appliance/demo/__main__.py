"""``python -m appliance.demo --home DIR``: make the demo's office, unless it is there already, and open it."""

import argparse
import logging
import os
import secrets
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta

from appliance import config
from appliance.accounts import service as accounts
from appliance.config import Settings
from appliance.demo.filling import fill
from appliance.errors import FrontdeskError
from appliance.extensions import service as extensions
from appliance.store import connect, transaction


def _let_visitors_in(settings: Settings) -> str:
    """A password for the owner and the agents; kept in a file for the next start."""
    note = settings.home / "visitor-password"
    if note.exists():
        return note.read_text().strip()
    password = f"{secrets.choice(('honey', 'saffron', 'walnut', 'poppy'))}-{secrets.token_hex(4)}"
    db = connect(settings.database)
    with transaction(db):
        for user in accounts.list_users(db):
            accounts.set_password(db, user.user_id, password)
    db.close()
    note.touch(mode=0o600)
    note.write_text(password + "\n")
    return password


def _tell(settings: Settings, password: str) -> None:
    db = connect(settings.database, read_only=True)
    logins = [f"{user.login} ({user.role})" for user in accounts.list_users(db)]
    phones = [(phone.extension, phone.sip_password) for phone in extensions.list_extensions(db)]
    db.close()
    print("\nThe demo's office: a bakery, a clinic, three agents, a month of calls and appointments. Nothing is real.")
    print(f"  Sign in as    {logins[0]}" + "".join(f"\n                {login}" for login in logins[1:]))
    print(f"  Password      {password}")
    print("  SIP phones    " + "\n                ".join(f"{user}, password {secret}" for user, secret in phones))
    print("  Call          from one of these phones dial +982188001122, and another one rings (in opening hours)")
    print(f"  To begin anew delete {settings.home}", flush=True)


def _make(settings: Settings) -> None:
    print("Living through a month of calls …", flush=True)
    began = time.monotonic()
    building = settings.home.with_name(settings.home.name + ".making")
    shutil.rmtree(building, ignore_errors=True)
    logging.disable(logging.INFO)
    count = fill(config.load(home=building), until=datetime.now(UTC) - timedelta(minutes=10))
    logging.disable(logging.NOTSET)
    building.replace(settings.home)
    print(f"{count} callers in {time.monotonic() - began:.0f} seconds.", flush=True)


def main() -> int:
    """Make, tell, open; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m appliance.demo", description=__doc__)
    parser.add_argument("--home", default="./var-demo")
    parser.add_argument("--only-make", action="store_true", help="make the office and do not open it")
    args = parser.parse_args()
    try:
        settings = config.load(home=args.home)
        if not settings.database.exists():
            _make(settings)
        _tell(settings, _let_visitors_in(settings))
        if not args.only_make:
            # a process of its own: what the month took of memory is given back
            os.execv(sys.executable, [sys.executable, "-m", "appliance", "up", "--home", str(settings.home)])  # noqa: S606
        return 0
    except FrontdeskError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
