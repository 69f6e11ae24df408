"""`frontdesk version`."""

import argparse

from appliance import __version__
from appliance.config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the version."""
    print(f"frontdesk {__version__}")
    return 0
