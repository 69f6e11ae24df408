"""`frontdesk core`: the calls alone."""

import argparse
import os

from appliance import daemon
from appliance.config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the core in this process."""
    os.environ["FRONTDESK_HOME"] = str(settings.home)
    return daemon.main()
