"""A recording's sound, in the ranges a player asks for; each playing and download is in the audit log."""

from datetime import timedelta

from flask import Blueprint, request, send_file
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.accounts import service as accounts
from appliance.recordings import service as recordings
from web import auth
from web.auth import role, wall
from web.database import db, settings

ONE_PLAYING = timedelta(hours=1)  # parts asked for within it belong to the playing before

blueprint = Blueprint("recordings", __name__, url_prefix="/recordings")


@blueprint.get("/<recording_id>.wav")
@role("owner", "agent")
def sound(recording_id: str) -> ResponseReturnValue:
    """The sound; with ``?download`` as a file to keep."""
    recording = recordings.get_recording(db(), recording_id, businesses=wall())
    path = recordings.file_of(settings(), recording)
    download = "download" in request.args
    action = "recording.download" if download else "recording.play"
    if request.method == "GET" and (_is_first_part() or not _is_written_down(action, recording.call_id)):
        auth.audit(action, recording.call_id, business_id=recording.business_id)
    response = send_file(
        path,
        mimetype="audio/wav",
        conditional=True,
        as_attachment=download,
        download_name=f"{recording.started_at[:16].replace(':', '-')}-{recording.recording_id}.wav",
        etag=recording.state == "ready",
        max_age=0,
    )
    # the browser may keep parts while it plays, but must ask again before it plays them to somebody else
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _is_first_part() -> bool:
    """Whether this request begins a playing: a player that seeks asks for more parts, which is no new playing."""
    wanted = request.range
    return wanted is None or (wanted.ranges[0][0] or 0) == 0


def _is_written_down(action: str, call_id: str) -> bool:
    """Whether this person's playing is on record: who asks for a later part alone has listened too."""
    since = clock.stamp(clock.now() - ONE_PLAYING)
    return accounts.was_audited(db(), auth.me().user_id, action, call_id, since=since)
