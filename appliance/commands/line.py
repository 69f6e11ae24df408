"""The command line: finds the command, reads its arguments, turns refusals into sentences and exit codes.

0: done. 1: refused, with what and why on stderr. 2: the command line itself is wrong. 130: Ctrl-C.
"""

import argparse
import contextlib
import importlib
import os
import sqlite3
import sys
from collections.abc import Sequence

from appliance import __version__, config, i18n
from appliance.commands.running import settings_of
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from appliance.store import connect

USAGE_EXIT = 2
STARTS = frozenset({"up", "core"})  # these begin with their own settings; the others look at what runs


def _commands() -> dict[str, tuple[str, str]]:
    """Name -> module and one line of help, in the order in which the help shows them."""
    return {
        "up": ("up", _("run the office of a folder: calls and web")),
        "apply": ("apply", _("bring the office into the state of an office file")),
        "export": ("export", _("write the office as an office file")),
        "schema": ("schema", _("print the JSON schema of the office file")),
        "dry-run": ("dry_run", _("tell what happens to a call, step by step")),
        "doctor": ("doctor", _("tell what is wrong, and what to do")),
        "set-up-link": ("set_up_link", _("make a new link to set the office up with")),
        "reset-password": ("reset_password", _("make a link with which a person chooses a new password")),
        "token": ("token", _("make, list and revoke keys of the API")),
        "switch": ("switch", _("write or check FreeSWITCH's configuration")),
        "migrate": ("migrate", _("bring the office's store to this version's form")),
        "core": ("core", _("run the calls alone (systemd does this)")),
        "restart-core": ("restart_core", _("start the calls' process anew; on FreeSWITCH the calls go on")),
        "version": ("version", _("print the version")),
    }


def _parser() -> argparse.ArgumentParser:
    lines = [f"  {name:<16}{text}" for name, (_module, text) in _commands().items()]
    parser = argparse.ArgumentParser(
        prog="frontdesk",
        description=_("A small-business virtual office in one self-hosted box."),
        epilog=_("commands:") + "\n" + "\n".join(lines) + "\n\n" + _("More: frontdesk COMMAND --help"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="frontdesk COMMAND [--home DIR] …",
    )
    parser.add_argument("--version", action="version", version=f"frontdesk {__version__}")
    parser.add_argument("command", choices=list(_commands()), metavar="COMMAND", help=_("what to do"))
    return parser


def _with_home(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--home", metavar="DIR", help=_("the office's folder (default: FRONTDESK_HOME, else ./var)"), default=None
    )
    return parser


def _speak_the_offices_language(settings: config.Settings) -> None:
    with contextlib.suppress(sqlite3.Error):
        if settings.database.is_file():
            db = connect(settings.database, read_only=True)
            with contextlib.closing(db.conn):
                row = db.execute("SELECT language FROM office").fetchone()
                i18n.set_language(row[0] if row else "en")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    home, words = _leading_home(words)
    parser = _parser()
    if not words:
        parser.print_help(sys.stderr)
        return USAGE_EXIT
    args = parser.parse_args(words[:1])
    module = importlib.import_module(f"appliance.commands.{_commands()[args.command][0]}")
    own = _with_home(
        argparse.ArgumentParser(prog=f"frontdesk {args.command}", description=_commands()[args.command][1])
    )
    module.arguments(own)
    given = own.parse_args(words[1:])
    try:
        folder = given.home or home
        settings = config.load(home=folder) if args.command in STARTS else settings_of(folder)
        _speak_the_offices_language(settings)
        return int(module.run(given, settings))
    except FrontdeskError as error:
        _refuse(error.message, error.hint)
    except sqlite3.DatabaseError as error:
        _refuse(
            _("The office's store cannot be used: %(why)s.", why=str(error)),
            _("Is the disk full, or the folder of another program? frontdesk doctor tells more."),
        )
    except BrokenPipeError:  # frontdesk … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1


def _leading_home(words: list[str]) -> tuple[str | None, list[str]]:
    """``--home DIR`` may stand before the command too."""
    if words and words[0].startswith("--home="):
        return words[0].partition("=")[2], words[1:]
    if len(words) > 1 and words[0] == "--home":
        return words[1], words[2:]
    return None, words


def _refuse(message: str, hint: str) -> None:
    print(message, file=sys.stderr)
    if hint:
        print(hint, file=sys.stderr)
