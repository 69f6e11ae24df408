"""What a person must mend before FreeSWITCH can be used. Socket errors are in failures.py."""

from pathlib import Path
from typing import ClassVar

from appliance.errors import Kind
from appliance.switch.errors import SwitchError


class FreeSwitchMissing(SwitchError):
    """No FreeSWITCH is installed here, or not where we were told."""

    code = "freeswitch-missing"

    def __init__(self, where: str = "") -> None:
        super().__init__(
            f"There is no FreeSWITCH at {where}." if where else "FreeSWITCH is not installed on this machine.",
            hint="docs/freeswitch.md tells how to get it. Set FRONTDESK_FREESWITCH to its program, "
            "or leave FRONTDESK_ENGINE out to use the built-in engine.",
        )


class FreeSwitchTooOld(SwitchError):
    """This version is not known to work."""

    code = "freeswitch-too-old"

    def __init__(self, version: str) -> None:
        super().__init__(
            f"This FreeSWITCH is {version or 'of an unknown version'}; Frontdesk needs 1.10 or later.",
            hint="Update it from its own package repository (docs/freeswitch.md).",
        )


class ModulesMissing(SwitchError):
    """FreeSWITCH is there, but lacks parts of it."""

    code = "freeswitch-modules-missing"

    def __init__(self, names: list[str], folder: Path) -> None:
        packages = " ".join("freeswitch-" + name.replace("_", "-") for name in names)
        super().__init__(f"FreeSWITCH lacks {', '.join(names)} (looked in {folder}).", hint=f"Install: {packages}")


class ConfigOfSomebodyElse(SwitchError):
    """The folder we would write into holds a configuration that is not ours."""

    code = "freeswitch-config-foreign"
    kind: ClassVar[Kind] = "conflict"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds a FreeSWITCH configuration that Frontdesk has not written.",
            hint="Move it away; Frontdesk writes its own there and never changes another one.",
        )


class NotRenderable(SwitchError):
    """A value that cannot be put into the configuration."""

    code = "freeswitch-not-renderable"
    kind: ClassVar[Kind] = "invalid"

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"The configuration cannot be written: {file}: {why}.")


class ServiceAway(SwitchError):
    """The system's FreeSWITCH does not run for this office."""

    code = "freeswitch-service-away"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"No FreeSWITCH runs with this office's configuration; waited {seconds:.0f} s for the system's service.",
            hint="systemctl restart freeswitch. Has its drop-in been installed? “frontdesk switch unit” prints it.",
        )


class NoCertificate(SwitchError):
    """The certificate for phones over TLS cannot be made."""

    code = "freeswitch-no-certificate"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The certificate for phones over TLS cannot be made: {why}.",
            hint="Is there room on the disk? FRONTDESK_SIP_TLS_PORT=0 starts without TLS.",
        )


class ForeignFreeSwitch(SwitchError):
    """Something answers at our Event Socket's port that is not this office's FreeSWITCH."""

    code = "freeswitch-foreign"
    kind: ClassVar[Kind] = "conflict"

    def __init__(self, port: int, holder: str) -> None:
        super().__init__(
            f"Port {port}/tcp is held by {holder or 'another program'}, which is not this office's FreeSWITCH.",
            hint="End it, or remove ports.json from the office's freeswitch folder to choose other ports.",
        )


class DidNotStart(SwitchError):
    """FreeSWITCH ended, or did not answer in time."""

    code = "freeswitch-did-not-start"

    def __init__(self, why: str, log: Path) -> None:
        super().__init__(f"FreeSWITCH did not start: {why}.", hint=f"Its log: {log}")
