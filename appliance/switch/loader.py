"""Engines by name: the only file that names engines."""

from appliance.config import Settings
from appliance.switch.errors import EngineMissing
from appliance.switch.port import Switch


def choose(settings: Settings) -> str:
    """The engine to run: what FRONTDESK_ENGINE says; ``auto`` is the built-in one."""
    return "builtin" if settings.engine == "auto" else settings.engine


def load(settings: Settings) -> Switch:
    """The engine of that office, not yet started. Raises EngineMissing for one this version lacks."""
    name = choose(settings)
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
