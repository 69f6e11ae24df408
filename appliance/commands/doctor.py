"""`frontdesk doctor`: what is wrong, and what to do."""

import argparse

from appliance.config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run every check."""
    return 0
