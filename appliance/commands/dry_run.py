"""`frontdesk dry-run BUSINESS`: what happens to a call, step by step."""

import argparse

from appliance import i18n
from appliance.businesses import service as businesses
from appliance.commands.opening import existing
from appliance.config import Settings
from appliance.i18n import gettext as _
from appliance.rehearsal import service as rehearsal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which business, when, from whom."""
    parser.add_argument("business", metavar="BUSINESS", help=_("the business's id"))
    parser.add_argument("--at", default="", metavar="MOMENT", help=_('such as "2026-12-04 18:05"; left out: now'))
    parser.add_argument("--from", default="", metavar="NUMBER", dest="number", help=_("the caller's number"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print it."""
    with existing(settings, read_only=True) as db:
        timetable = businesses.timetable(db, businesses.get_business(db, args.business))
        at = rehearsal.read_moment(args.at, timetable.timezone)
        found = rehearsal.rehearse(db, args.business, at, args.number)
    print(i18n.format_datetime(at, found.timezone), found.number, found.caller_name)
    for told in found.lines:
        print("  " * told.line.depth + (f"{told.lead}: " if told.lead else "") + told.words)
    return 0
