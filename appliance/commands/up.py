"""`frontdesk up`: the whole office of a folder, until Ctrl-C."""

import argparse

from appliance import supervisor
from appliance.config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run core and web."""
    return supervisor.run(settings)
