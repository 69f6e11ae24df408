"""``--engine`` and the closing list of what a run did not prove.

Owns: pytest's options for the telephony suite, how it is spread over workers. Leaves out: its fixtures
(tests/telephony/conftest.py).
"""

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TELEPHONY = "tests/telephony/"
ENGINES = ("builtin", "freeswitch")
NOT_PROVED = "frontdesk/not_proved"
FREESWITCH_FOLDERS = ("/usr/bin", "/usr/local/bin", "/usr/local/freeswitch/bin", "/opt/freeswitch/bin")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --engine."""
    parser.addoption(
        "--engine",
        choices=(*ENGINES, "all"),
        default=None,
        help="which switch the telephony suite drives (default: builtin, and freeswitch where it is installed)",
    )


class Spread(LoadScopeScheduling):
    """A file stays on one worker, but for the telephony suite: each of its tests has an office of its own."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(TELEPHONY) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For ``--dist loadfile``."""
    return Spread(config, log) if config.getoption("dist") == "loadfile" else None


def why_not(engine: str) -> str:
    """Why an engine cannot be driven on this machine; empty when it can."""
    if engine == "freeswitch" and freeswitch() is None:
        return "there is no FreeSWITCH on this machine (docs/freeswitch.md; FRONTDESK_FREESWITCH names one elsewhere)"
    return ""


def freeswitch() -> Path | None:
    """FreeSWITCH's program, where the product looks for it."""
    if told := os.environ.get("FRONTDESK_FREESWITCH"):
        places = [Path(told).expanduser()]
    else:
        on_path = shutil.which("freeswitch")
        places = [Path(on_path)] if on_path else []
        places += [Path(folder) / "freeswitch" for folder in FREESWITCH_FOLDERS]
    return next((place for place in places if place.is_file() and os.access(place, os.X_OK)), None)


def engines(config: pytest.Config) -> list[str]:
    """The engines this run asks for."""
    chosen = config.getoption("--engine")
    return list(ENGINES) if chosen in (None, "all") else [str(chosen)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a telephony test once for each engine."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", engines(metafunc.config), indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say at the very end what was skipped and why, so that green is never read as more than it is."""
    yield
    reasons = _not_proved(terminalreporter.stats)
    if cache := getattr(terminalreporter.config, "cache", None):
        cache.set(NOT_PROVED, reasons)  # for whoever has more to say after the run (provisioning/run_tests.py)
    if reasons:
        terminalreporter.section("not proved in this run")
    for reason, names in sorted(reasons.items()):
        terminalreporter.write_line(f"{len(names):4} × {reason}   e.g. {names[0]}")


def _not_proved(stats: dict[str, list[Any]]) -> dict[str, list[str]]:
    """The names of tests by the reason why they proved nothing."""
    reasons: dict[str, list[str]] = {}
    for report in stats.get("skipped", []):
        text = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons.setdefault(text.removeprefix("Skipped: "), []).append(report.nodeid)
    for report in stats.get("xfailed", []):
        reasons.setdefault(f"known to fail: {report.wasxfail}", []).append(report.nodeid)
    return reasons
