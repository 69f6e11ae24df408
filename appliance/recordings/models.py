"""What a recording is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recording:
    """One file: a conversation (two channels: caller left, agent right) or a voicemail (one)."""

    recording_id: str
    call_id: str
    kind: str  # call, voicemail
    path: str  # relative to the recordings folder
    state: str  # recording, ready, empty, lost
    channels: int
    seconds: float
    bytes: int
    started_at: str
    ended_at: str | None
    business_id: str | None
