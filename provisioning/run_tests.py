"""Run the tests, and say what this machine could not prove, and how to let it.

Owns: how pytest is called for the whole house, and the list of programs some tests need. Leaves out: installing them
(.ci/run does, on Debian).
"""

import os
import shutil
import subprocess
import sys

PEERS = {
    "sipp": ("calls from a misbehaving trunk", "sip-tester"),
    "baresip": ("calls with a real phone", "baresip-core"),
    "svmap": ("a scanner's packets", "sipvicious"),
    "sox": ("tones in recordings", "sox"),
    "chromium": ("the pages in a browser", "chromium"),
}


def missing_peers() -> list[str]:
    """The programs that are not on this machine."""
    names = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "svmap": ("svmap", "sipvicious_svmap")}
    return [peer for peer in PEERS if not any(shutil.which(name) for name in names.get(peer, (peer,)))]


def pytest_arguments(asked: list[str]) -> list[str]:
    """Two workers, a file staying on one of them; what was asked for comes last."""
    workers = os.environ.get("FRONTDESK_TEST_WORKERS", "2")
    return [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadfile", *asked]


def main() -> int:
    """The tests' exit status."""
    missing = missing_peers()
    if missing:
        print("Not everything can be proved here; the end of this run says what.", flush=True)
    status = subprocess.run(pytest_arguments(sys.argv[1:])).returncode
    if missing:
        print("\nNot proved on this machine:")
        for peer in missing:
            print(f"  {PEERS[peer][0]}: there is no {peer}")
        print("To prove it too, on Debian: sudo apt install " + " ".join(PEERS[peer][1] for peer in missing))
    return status


if __name__ == "__main__":
    sys.exit(main())
