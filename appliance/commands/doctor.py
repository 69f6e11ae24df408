"""`frontdesk doctor`: what is wrong, and what to do. Exit code 1 when something keeps the office from its work."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from appliance.commands.opening import existing
from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.health import service as health
from appliance.health.models import Check
from appliance.i18n import gettext as _
from appliance.i18n import ngettext

_SIGNS = {"passed": "✓", "warning": "!", "error": "✗"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The form of the answer."""
    parser.add_argument("--json", action="store_true", help=_("print the checks as JSON"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run every check and print it."""
    with existing(settings) as db:
        checks = health.run_checks(settings, db, _core(settings), thorough=True)
    if args.json:
        print(json.dumps([asdict(c) for c in checks], indent=2, ensure_ascii=False))
    else:
        _show(checks)
    return 1 if health.worst(checks) == "error" else 0


def _core(settings: Settings) -> dict[str, Any] | None:
    try:
        return CoreClient(settings.socket).ask("status", timeout=5)
    except CoreAway:
        return None


def _show(checks: list[Check]) -> None:
    for check in sorted(checks, key=lambda c: ("error", "warning", "passed").index(c.result)):
        print(f"{_SIGNS[check.result]} {check.sentence}")
        if check.hint:
            print(f"    {check.hint}")
    errors = sum(c.result == "error" for c in checks)
    warnings = sum(c.result == "warning" for c in checks)
    print()
    if not errors and not warnings:
        print(_("Everything is in order."))
        return
    print(
        ngettext("%(num)s error,", "%(num)s errors,", errors),
        ngettext("%(num)s warning.", "%(num)s warnings.", warnings),
    )
