"""`frontdesk set-up-link`: a new link with which the owner's password is chosen."""

import argparse

from appliance.accounts import service as accounts
from appliance.commands.links import set_up_address
from appliance.commands.opening import made
from appliance.config import Settings
from appliance.errors import Conflict
from appliance.i18n import gettext as _
from appliance.store import transaction


class HasAnOwner(Conflict):
    """The office is run by somebody already."""

    code = "has-an-owner"


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the link as the last line."""
    with made(settings) as db, transaction(db):
        if not accounts.set_up_link_needed(db):
            raise HasAnOwner(
                _("An owner can sign in already, so there is no set-up link."),
                hint=_("For a new password: frontdesk reset-password LOGIN"),
            )
        accounts.audit(db, actor="command", action="set-up-link.create")
        link = set_up_address(settings, accounts.create_link(db, "set-up"))
    print(_("This link works once, for seven days:"))
    print(link)
    return 0
