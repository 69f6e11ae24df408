"""Engines by name: the only file that names engines."""

from dataclasses import dataclass

from appliance.config import Settings
from appliance.i18n import gettext as _
from appliance.switch.errors import EngineMissing, SwitchError
from appliance.switch.port import Switch


@dataclass(frozen=True)
class Choice:
    """The engine to run, and why: for a person, empty when they have chosen it themselves."""

    name: str
    why: str = ""


def choose(settings: Settings) -> Choice:
    """The engine to run: what FRONTDESK_ENGINE says; ``auto`` is FreeSWITCH where a usable one is installed.

    Runs FreeSWITCH once, to ask its version.
    """
    if settings.engine != "auto":
        return Choice(settings.engine)
    from appliance.switch.freeswitch.binary import require_installed
    from appliance.switch.freeswitch.config import REQUIRED_MODULES
    from appliance.switch.freeswitch.refusals import FreeSwitchMissing

    try:
        found = require_installed(settings, REQUIRED_MODULES)
    except FreeSwitchMissing as missing:
        return Choice("builtin", missing.message if settings.freeswitch else _("FreeSWITCH is not installed"))
    except SwitchError as error:
        return Choice("builtin", error.message)
    return Choice("freeswitch", _("FreeSWITCH %(version)s is installed", version=found.version_text))


def load(settings: Settings) -> Switch:
    """The engine of that office, not yet started. Raises EngineMissing for one this version lacks."""
    name = choose(settings).name
    if name == "builtin":
        from appliance.switch.builtin.engine import BuiltinSwitch

        return BuiltinSwitch(settings)
    if name == "simulator":
        from appliance.switch.simulator.engine import SimulatedSwitch

        return SimulatedSwitch()
    if name == "freeswitch":
        from appliance.switch.freeswitch.engine import FreeSwitch

        return FreeSwitch(settings)
    raise EngineMissing(name)
