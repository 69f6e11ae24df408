"""The list of checks: the same for `frontdesk doctor` and the Health page."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from appliance.config import Settings
from appliance.health import house, lines, machine, post
from appliance.health.models import Check, Patient, Result, error
from appliance.i18n import gettext as _

log = logging.getLogger(__name__)

CHECKS: tuple[tuple[str, Callable[[Patient], Iterator[Check]]], ...] = (
    ("core", house.check_core),
    ("set-up", house.check_set_up),
    ("ports", machine.check_ports),
    ("phone", lines.check_phones),
    ("trunk", lines.check_trunks),
    ("business", lines.check_businesses),
    ("mail", post.check_mail),
    ("outbox", post.check_outbox),
    ("disk", machine.check_disk),
    ("clock", machine.check_clock),
    ("folder", machine.check_folder),
    ("store", house.check_store),
    ("voice", house.check_voice),
)


def run_checks(
    settings: Settings, db: Database, core_status: Mapping[str, Any] | None, *, thorough: bool = False
) -> list[Check]:
    """Every check, in the order in which a person should see to them.

    ``core_status`` is the core's answer to ``status``, None when it does not answer. ``thorough`` also reads the whole
    store and speaks a word (some seconds).
    """
    patient = Patient(settings, db, core_status, thorough)
    found: list[Check] = []
    for check_id, check in CHECKS:
        try:
            found.extend(check(patient))
        except (OSError, sqlite3.Error, ValueError) as fault:  # a broken part must not hide the others
            log.warning("check=%s could not be made: %s", check_id, fault)
            found.append(
                error(
                    check_id,
                    _("This could not be checked: %(why)s.", why=str(fault)),
                    _("Is the disk full, or the store damaged?"),
                )
            )
    return found


def worst(checks: list[Check]) -> Result:
    """The gravest result: error, warning or passed."""
    results = {c.result for c in checks}
    return "error" if "error" in results else "warning" if "warning" in results else "passed"
