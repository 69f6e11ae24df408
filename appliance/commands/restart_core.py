"""`frontdesk restart-core`: a new core, for a new version or a changed setting, under the calls that go on."""

import argparse
import sys
import time

from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.i18n import gettext as _

PATIENCE_SECONDS = 20.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Have the core leave, and wait until the next one answers. Raises CoreAway, Refused."""
    client = CoreClient(settings.socket)
    before = client.ask("leave")["pid"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            now = client.ask("ping", timeout=2)
        except CoreAway:
            continue
        if now["pid"] != before:
            print(_("The new core runs, version %(version)s; calls went on.", version=now["version"]))
            return 0
    print(_("The core has left, and no new one answers. Look at what “frontdesk up” says."), file=sys.stderr)
    return 1
