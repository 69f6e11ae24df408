"""What web and commands call: blocking, a connection per request."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.errors import FrontdeskError, Unavailable
from appliance.i18n import gettext as _

_LONGEST_PATH = 100  # sun_path holds 108 bytes


class CoreAway(Unavailable):
    """The core does not answer."""

    code = "core-away"

    def __init__(self) -> None:
        super().__init__(
            _("The office is not answering: its core does not run."),
            hint=_(
                "It is started by “frontdesk up” and restarts by itself within seconds; “frontdesk doctor” tells more."
            ),
        )


class Refused(FrontdeskError):
    """The core refused; carries the refusal's own code and kind."""

    def __init__(self, code: str, kind: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code  # type: ignore[misc]
        self.kind = kind  # type: ignore[misc,assignment]


class short_path:
    """A name for a socket whose path is too long for the system: through an open folder in /proc/self/fd."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _LONGEST_PATH:
            return str(self._path)
        self._fd = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)


class CoreClient:
    """The core, seen from another process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _connect(self, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            if not stat.S_ISSOCK(self._path.stat().st_mode):
                raise CoreAway
            with short_path(self._path) as name:
                connection.connect(name)
        except OSError as error:
            connection.close()
            raise CoreAway from error
        except CoreAway:
            connection.close()
            raise
        return connection

    def ask(self, do: str, *, timeout: float = 10.0, **values: Any) -> dict[str, Any]:
        """Have the core do something; its answer. Raises CoreAway, or Refused as the core refused it."""
        with self._connect(timeout) as connection:
            try:
                connection.sendall(json.dumps({"do": do, "with": values}).encode() + b"\n")
                with connection.makefile("rb") as lines:
                    line = lines.readline()
            except OSError as error:
                raise CoreAway from error
        if not line.endswith(b"\n"):  # cut off: the core died as it spoke
            raise CoreAway
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(**answer["refused"])
        return dict(answer["ok"])

    def events(self, timeout: float = 15.0) -> Iterator[dict[str, Any]]:
        """Events as they happen, a beat at least every 5 s; ends when the core goes or falls silent.

        Raises CoreAway.
        """
        with self._connect(timeout) as connection:
            try:
                connection.sendall(b'{"do": "events"}\n')
                with connection.makefile("rb") as lines:
                    for line in lines:
                        if not line.endswith(b"\n"):
                            return
                        yield json.loads(line)
            except OSError:
                return
