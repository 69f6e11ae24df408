"""Rows and paths of recordings."""

from pathlib import Path
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.config import Settings
from appliance.errors import NotFound
from appliance.i18n import gettext as _
from appliance.recordings.models import Recording

_SELECT = "SELECT recordings.*, calls.business_id FROM recordings JOIN calls USING (call_id)"


class RecordingNotFound(NotFound):
    """There is no such recording, or it is behind the wall, or its file is gone."""

    code = "recording-not-found"


def path_for(call_id: str, kind: str, started_at: str, number: int = 1) -> str:
    """Where the file of a call's recording belongs: ``2026/11/24/call_….wav``, relative to the recordings folder.

    ``number`` is for the second and later ones of a kind.
    """
    suffix = ("" if kind == "call" else f"-{kind}") + ("" if number == 1 else f"-{number}")
    return f"{started_at[:4]}/{started_at[5:7]}/{started_at[8:10]}/{call_id}{suffix}.wav"


def begin(db: Database, recording_id: str, call_id: str, kind: str, path: str, channels: int) -> None:
    """Enter a recording that is being made."""
    db.table("recordings").insert(
        {
            "recording_id": recording_id,
            "call_id": call_id,
            "kind": kind,
            "path": path,
            "state": "recording",
            "channels": channels,
            "started_at": clock.stamp(),
        }
    )


def finish(db: Database, recording_id: str, *, seconds: float, size: int, state: str = "ready") -> None:
    """Enter how a recording ended; ``state`` is ready, empty or lost."""
    db.execute(
        "UPDATE recordings SET state = ?, seconds = ?, bytes = ?, ended_at = ? WHERE recording_id = ?",
        [state, round(seconds, 3), size, clock.stamp(), recording_id],
    )


def _as_recording(row: dict[str, Any]) -> Recording:
    return Recording(**{name: row[name] for name in Recording.__dataclass_fields__})


def get_recording(db: Database, recording_id: str, *, businesses: set[str] | None = None) -> Recording:
    """One recording. Raises RecordingNotFound, also when its business is behind the wall."""
    row = next(iter(db.query(f"{_SELECT} WHERE recordings.recording_id = ?", [recording_id])), None)
    if row is None or (businesses is not None and row["business_id"] not in businesses):
        raise RecordingNotFound(_("There is no such recording."))
    return _as_recording(row)


def unfinished(db: Database) -> list[Recording]:
    """Recordings that a crash left in the middle."""
    return [_as_recording(row) for row in db.query(f"{_SELECT} WHERE recordings.state = 'recording'")]


def file_of(settings: Settings, recording: Recording) -> Path:
    """The file. Raises RecordingNotFound when it is gone."""
    path = settings.recordings / recording.path
    if not path.is_file():
        raise RecordingNotFound(_("The file of this recording is gone."))
    return path
