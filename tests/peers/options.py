"""``--engine`` and the closing list of what a run did not prove.

Owns: pytest's options for the telephony suite. Leaves out: its fixtures (tests/telephony/conftest.py).
"""

import os
import shutil

import pytest

ENGINES = ("builtin", "freeswitch")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --engine."""
    parser.addoption(
        "--engine",
        choices=(*ENGINES, "all"),
        default=None,
        help="which switch the telephony suite drives (default: builtin, and freeswitch where it is installed)",
    )


def why_not(engine: str) -> str:
    """Why an engine cannot be driven on this machine; empty when it can."""
    if engine == "freeswitch":
        if not shutil.which("freeswitch"):
            return "freeswitch is not installed on this machine"
        if os.environ.get("FRONTDESK_TEST_FREESWITCH") != "1":
            return "the freeswitch engine does not pass the whole suite yet; FRONTDESK_TEST_FREESWITCH=1 runs it"
    return ""


def engines(config: pytest.Config) -> list[str]:
    """The engines this run asks for."""
    chosen = config.getoption("--engine")
    return list(ENGINES) if chosen in (None, "all") else [str(chosen)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a telephony test once for each engine."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", engines(metafunc.config), indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped and why, so that green is never read as more than it is."""
    reasons: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        text = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons.setdefault(text.removeprefix("Skipped: "), []).append(report.nodeid)
    for report in terminalreporter.stats.get("xfailed", []):
        reasons.setdefault(f"known to fail: {report.wasxfail}", []).append(report.nodeid)
    if not reasons:
        return
    terminalreporter.section("not proved in this run")
    for reason, names in sorted(reasons.items()):
        terminalreporter.write_line(f"{len(names):4} × {reason}   e.g. {names[0]}")
