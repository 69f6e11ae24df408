"""`frontdesk migrate`: the store in the form this version needs; a copy of an older one is kept beside it."""

import argparse

from appliance.commands.opening import made
from appliance.config import Settings
from appliance.i18n import gettext as _


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Migrate."""
    with made(settings):
        print(_("The store in %(home)s is up to date.", home=str(settings.home)))
    return 0
