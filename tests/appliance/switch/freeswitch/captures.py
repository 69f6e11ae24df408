"""What a real FreeSWITCH sent (``<<<``) and was sent (``>>>``), read from the files beside this one."""

import re
from pathlib import Path

FOLDER = Path(__file__).with_name("captures")


def sent_by_freeswitch(name: str) -> bytes:
    """All bytes FreeSWITCH sent in a capture."""
    return b"".join(_parts(name, "<<< freeswitch"))


def _parts(name: str, mark: str) -> list[bytes]:
    text = (FOLDER / f"{name}.txt").read_text()
    pieces = re.split(r"(?m)^(>>> client|<<< freeswitch)\n", text)[1:]
    return [body.encode() for who, body in zip(pieces[::2], pieces[1::2], strict=True) if who == mark]


def names() -> list[str]:
    """Every capture."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))
