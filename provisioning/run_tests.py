"""Run the tests, and say what this machine could not prove, and how to let it.

Owns: how pytest is called for the whole house, and the list of programs some tests need. Leaves out: installing them
(.ci/run does, on Debian).
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = {
    "sipp": ("calls from a misbehaving trunk", "sip-tester"),
    "baresip": ("calls with a real phone", "baresip-core"),
    "svmap": ("a scanner's packets", "sipvicious"),
    "cc": ("a wall clock that jumps", "gcc libc6-dev"),
    "chromium": ("the pages in a browser", "chromium fonts-noto-core"),
}
# Playwright's driver does not start without it, and Debian does not have it by itself
LIBRARY = ("libatomic.so.1", "the pages in a browser", "libatomic1")

CACHE = Path("build/test-run")  # of this run alone
FAILED = 1  # pytest's exit status for "some tests failed"; anything else is no reason to try again
# Tests that hear sound or watch a screen in real time may fail on a machine that stalls. So many are tried once more,
# alone, and named; more than that is no coincidence. With a FreeSWITCH installed there are some three hundred of them.
MOST_SECOND_TRIES = 12


def missing_peers() -> list[str]:
    """The programs that are not on this machine."""
    names = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "svmap": ("svmap", "sipvicious_svmap")}
    return [peer for peer in PEERS if not any(shutil.which(name) for name in names.get(peer, (peer,)))]


def lacks(library: str) -> bool:
    """Whether a shared library is not on this machine."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False


def last_failed() -> list[str]:
    """The tests that failed in the last run."""
    try:
        return list(json.loads((CACHE / "v/cache/lastfailed").read_text()))
    except (OSError, ValueError):
        return []


def not_proved() -> dict[str, list[str]]:
    """What the last run skipped: the tests by the reason."""
    try:
        return dict(json.loads((CACHE / "v/frontdesk/not_proved").read_text()))
    except (OSError, ValueError):
        return {}


def told(skipped: dict[str, list[str]]) -> list[str]:
    """A line for each reason."""
    return [f"{len(names):4} × {reason}   e.g. {names[0]}" for reason, names in sorted(skipped.items())]


def pytest(*arguments: str) -> int:
    """Run pytest; its exit status."""
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={CACHE}", *arguments]).returncode


def main() -> int:
    """The tests' exit status."""
    lacking = [(peer, *PEERS[peer]) for peer in missing_peers()]
    if lacks(LIBRARY[0]):
        lacking.append(LIBRARY)
    if lacking:
        print("Not everything can be proved here; the end of this run says what.", flush=True)
    shutil.rmtree(CACHE, ignore_errors=True)
    # three workers, a file staying on one of them: tests of calls mostly wait. What was asked for comes last
    workers = os.environ.get("FRONTDESK_TEST_WORKERS", "3")
    status = pytest("-n", workers, "--dist", "loadfile", *sys.argv[1:])
    skipped = not_proved()
    if status == FAILED and 0 < len(failed := last_failed()) <= MOST_SECOND_TRIES:
        print("\nThese failed beside others and are tried once more, alone:", *failed, sep="\n  ", flush=True)
        status = pytest("--last-failed", "--last-failed-no-failures=none", *sys.argv[1:])
        print(f"Needed a second try: {len(failed)}, named above.", flush=True)
        if skipped:
            print("\nNot proved in the first run:", *told(skipped), sep="\n", flush=True)
    if lacking:
        print("\nNot proved on this machine:")
        for what, proof, _package in lacking:
            print(f"  {proof}: there is no {what}")
        print("To prove it too, on Debian: sudo apt install " + " ".join(package for _what, _proof, package in lacking))
    return status


if __name__ == "__main__":
    sys.exit(main())
