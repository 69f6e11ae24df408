"""`frontdesk switch`: FreeSWITCH's configuration of this office, written or only checked; and its systemd drop-in."""

import argparse
import asyncio

from appliance.commands.opening import existing
from appliance.config import Settings
from appliance.flows.directory import load
from appliance.i18n import gettext as _
from appliance.i18n import ngettext
from appliance.switch.freeswitch.binary import find_installed, require_installed
from appliance.switch.freeswitch.config import REQUIRED_MODULES, render, texts
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.secrets import Secrets, load_secrets
from appliance.switch.freeswitch.service_unit import drop_in
from appliance.switch.freeswitch.trial import try_out
from appliance.switch.port import SwitchConfig


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with the switch's configuration."""
    what = _(
        "render: write FreeSWITCH's configuration; unit: print what makes the system's service run for this office"
    )
    parser.add_argument("what", choices=["render", "unit"], metavar="render|unit", help=what)
    parser.add_argument(
        "--check",
        action="store_true",
        help=_("write nothing; check it, and have a FreeSWITCH load it where one is installed"),
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Render, check, or print the drop-in."""
    if args.what == "unit":
        print(drop_in(settings, require_installed(settings, REQUIRED_MODULES)), end="")
        return 0
    with existing(settings, read_only=True) as db:
        config = load(db).switch
    if args.check:
        return _check(settings, config)
    changes = render(settings, config, load_secrets(settings))
    folder = str(Places.of(settings).conf)
    count = len(changes.written) + len(changes.removed)
    print(ngettext("%(num)s file changed in %(folder)s.", "%(num)s files changed in %(folder)s.", count, folder=folder))
    return 0


def _check(settings: Settings, config: SwitchConfig) -> int:
    files = texts(settings, config, Secrets("check", 1, 2))
    print(ngettext("%(num)s file is well-formed.", "%(num)s files are well-formed.", len(files)))
    if find_installed(settings) is None:
        print(_("No FreeSWITCH is installed here, so none has loaded it."))
        return 0
    version = require_installed(settings, REQUIRED_MODULES).version_text
    complaints = asyncio.run(try_out(settings, config))
    if not complaints:
        print(_("FreeSWITCH %(version)s loads it.", version=version))
        return 0
    print(_("FreeSWITCH %(version)s complains:", version=version))
    for line in complaints:
        print(f"  {line}")
    return 1
