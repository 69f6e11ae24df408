"""A folder for an office, the example of the issue, and the command as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = """\
[office]
name = "Nasim House"
timezone = "Asia/Tehran"
language = "en"
owner = { email = "owner@example.com" }
smtp = { host = "127.0.0.1", port = 1025, from = "frontdesk@example.com" }

[[trunk]]
id = "primary"
kind = "peer"                 # or "register" with username, password
host = "127.0.0.1:5090"

[[business]]
id = "bakery"
name = "Nasim Bakery"
language = "en"
numbers = ["+982188001122"]
greeting = "Thank you for calling Nasim Bakery. One moment please."
answer_as = "Nasim Bakery, good day, how may I help you?"
hours = { sat-wed = "09:00-18:00", thu = "09:00-13:00" }   # left out: always open
ring_seconds = 20
messages_to = ["owner@example.com"]

[[agent]]
id = "sara"
name = "Sara Karimi"
extension = "101"
sip_password = "only-for-the-bench-101"
serves = { bakery = "shared" }
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def example() -> str:
    return EXAMPLE


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    """`frontdesk …` in a process of its own; ``stdin`` may be text or bytes."""

    def run(*words: str, stdin: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "appliance", *words],
            env={**os.environ, "FRONTDESK_HOME": str(home), "LANGUAGE": "", **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], str]:
    """Write an office file; its path."""

    def write(text: str | bytes) -> str:
        path = tmp_path / "office.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write
