"""`frontdesk export`: the office as an office file."""

import argparse

from appliance.commands.office_file import current, writing
from appliance.commands.opening import existing
from appliance.config import Settings
from appliance.i18n import gettext as _
from appliance.office.errors import NoOffice


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whether passwords are written."""
    parser.add_argument(
        "--no-secrets", action="store_true", help=_("leave passwords out; applied to this office it keeps them")
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Write it to standard output."""
    with existing(settings, read_only=True) as db:
        state = current.read(db)
        if not state["office"]:
            raise NoOffice(settings.home)
        print(writing.write(state, secrets=not args.no_secrets), end="")
    return 0
