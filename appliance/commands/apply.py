"""`frontdesk apply FILE`: the office as the office file says."""

import argparse
import sys
from pathlib import Path

from sqlite_utils import Database

from appliance import i18n, ids
from appliance.accounts import service as accounts
from appliance.commands.links import password_address, set_up_address
from appliance.commands.office_file import applying, current, plan, reading
from appliance.commands.office_file.plan import Plan
from appliance.commands.opening import existing, made
from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.errors import Unavailable
from appliance.i18n import gettext as _
from appliance.i18n import ngettext
from appliance.office.errors import NoOffice
from appliance.store import transaction


class FileUnreadable(Unavailable):
    """The office file cannot be opened."""

    code = "file-unreadable"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file and how far to go."""
    parser.add_argument("file", metavar="FILE", help=_("the office file (TOML); - reads standard input"))
    parser.add_argument("--dry-run", action="store_true", help=_("show what would change, and change nothing"))
    parser.add_argument(
        "--remove",
        action="store_true",
        help=_("remove also businesses and agents that have calls or contacts on record"),
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Show the plan, carry it out, tell the core."""
    name, data = _read_file(args.file)
    if args.dry_run:
        _show(_dry_plan(settings, name, data, remove=args.remove), dry=True)
        return 0
    if not settings.database.exists():
        reading.read(data, name)  # a wrong file makes no folder
    with made(settings) as db:
        with transaction(db):
            todo = _plan(db, name, data)
            i18n.set_language(todo.wanted["office"][""]["language"])
            applying.check_removals(db, todo, remove=args.remove)
            people = applying.apply(db, todo) if todo.changes else []
            if todo.changes:
                accounts.audit(db, actor="command", action="office-file.apply", object=name)
            secrets = _secrets(db, settings, todo, people)
        _show(todo, dry=False)
        _tell_core(settings, changed=bool(todo.changes))
    if secrets:
        print("\n" + _("Told this once:"))
        print("\n".join(f"  {line}" for line in secrets))
    return 0


def _read_file(file: str) -> tuple[str, bytes]:
    try:
        if file == "-":
            return _("standard input"), sys.stdin.buffer.read(reading.MOST_BYTES + 1)
        with Path(file).open("rb") as opened:
            return file, opened.read(reading.MOST_BYTES + 1)
    except OSError as error:
        raise FileUnreadable(
            _("%(file)s cannot be read: %(why)s.", file=file, why=error.strerror or str(error)),
            hint=_("Give the path of an office file; docs/office-file.md has an example."),
        ) from error


def _plan(db: Database | None, name: str, data: bytes) -> Plan:
    there = current.read(db) if db is not None else current.nothing()
    wanted = reading.read(data, name, known_secrets=current.stored_secrets(there))
    return plan.make(wanted, there, ids.new_secret)


def _dry_plan(settings: Settings, name: str, data: bytes, *, remove: bool) -> Plan:
    try:
        with existing(settings, read_only=True) as db:
            todo = _plan(db, name, data)
            applying.check_removals(db, todo, remove=remove)
            return todo
    except NoOffice:
        return _plan(None, name, data)


def _show(todo: Plan, *, dry: bool) -> None:
    for change in todo.changes:
        print("\n".join(change.written()))
    if not todo.changes:
        print(_("Nothing to change: the office is as the file says."))
        return
    count = len(todo.changes)
    if dry:
        print(ngettext("%(num)s change; nothing was done.", "%(num)s changes; nothing was done.", count))
    else:
        print(ngettext("%(num)s change made.", "%(num)s changes made.", count))


def _secrets(db: Database, settings: Settings, todo: Plan, people: list[str]) -> list[str]:
    """What was made up and must be told now."""
    told = []
    for (kind, name, _key), secret in todo.generated.items():
        extension = todo.wanted[kind][name]["extension"]
        told.append(_("phone %(extension)s: SIP password %(secret)s", extension=extension, secret=secret))
    for login in people:
        user = accounts.find_user(db, login)
        if user is not None:
            link = password_address(settings, accounts.create_link(db, "password", user.user_id))
            told.append(
                _("%(login)s signs in to the console after choosing a password: %(link)s", login=login, link=link)
            )
    if todo.changes and accounts.set_up_link_needed(db):
        link = set_up_address(settings, accounts.create_link(db, "set-up"))
        told.append(_("the owner's set-up link (works once, for seven days): %(link)s", link=link))
    return told


def _tell_core(settings: Settings, *, changed: bool) -> None:
    client = CoreClient(settings.socket)
    try:
        client.ask("config-changed" if changed else "ping")
    except CoreAway:
        print(_("The office is not running. Start it with: frontdesk up --home %(home)s", home=str(settings.home)))
    else:
        print(_("The office is running and has taken it up.") if changed else _("The office is running."))
