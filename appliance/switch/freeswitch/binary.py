"""Which FreeSWITCH is installed: its program, version and modules.

Owns: finding and judging it. Leaves out: running it (process.py).
"""

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings
from appliance.switch.freeswitch.refusals import FreeSwitchMissing, FreeSwitchTooOld, ModulesMissing

LEAST_VERSION = (1, 10)
_USUAL = ("/usr/bin", "/usr/local/bin", "/usr/local/freeswitch/bin", "/opt/freeswitch/bin")
_VERSION_SECONDS = 20


@dataclass(frozen=True)
class Installed:
    """A FreeSWITCH on this machine."""

    program: Path
    version: tuple[int, ...]
    version_text: str
    module_folder: Path
    modules: frozenset[str]


def find_binary(settings: Settings) -> Path | None:
    """FreeSWITCH's program: what FRONTDESK_FREESWITCH names, else on the PATH and in the usual places."""
    if settings.freeswitch:
        told = Path(settings.freeswitch).expanduser()
        return told if _is_program(told) else None
    on_path = shutil.which("freeswitch")
    places = [Path(on_path)] if on_path else []
    places += [Path(folder) / "freeswitch" for folder in _USUAL]
    return next((place for place in places if _is_program(place)), None)


def find_installed(settings: Settings) -> Installed | None:
    """What is installed, unjudged; None when nothing is."""
    program = find_binary(settings)
    return _look_at(program, program.stat().st_mtime_ns) if program else None


def require_installed(settings: Settings, modules: tuple[str, ...]) -> Installed:
    """What is installed. Raises FreeSwitchMissing, FreeSwitchTooOld, ModulesMissing."""
    found = find_installed(settings)
    if found is None:
        raise FreeSwitchMissing(settings.freeswitch)
    if found.version < LEAST_VERSION:
        raise FreeSwitchTooOld(found.version_text)
    missing = [name for name in modules if name not in found.modules]
    if missing:
        raise ModulesMissing(missing, found.module_folder)
    return found


def _is_program(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & 0o111)


@functools.lru_cache(maxsize=8)
def _look_at(program: Path, _changed_at: int) -> Installed:
    try:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?[^\s]*", said)
    version = tuple(int(part) for part in match.groups() if part) if match else ()
    folder = _module_folder(program)
    modules = frozenset(path.stem for path in folder.glob("mod_*.so"))
    return Installed(program, version, match.group(0) if match else "", folder, modules)


def _module_folder(program: Path) -> Path:
    real = program.resolve()
    prefix = real.parent.parent
    found = [prefix / "mod", prefix / "lib" / "freeswitch" / "mod"]
    found += [Path("/usr/lib/freeswitch/mod"), Path("/usr/local/freeswitch/mod")]
    return next((folder for folder in found if any(folder.glob("mod_*.so"))), found[0])
