"""`frontdesk schema`: the JSON schema of the office file."""

import argparse
import json

from appliance.commands.office_file.schema import json_schema
from appliance.config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print it."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
