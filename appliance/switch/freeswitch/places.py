"""Where FreeSWITCH's things of one office lie: everything under home/freeswitch, nothing over the distribution's.

Owns: the folders. Leaves out: what is written into them (config.py, process.py).
"""

from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings


@dataclass(frozen=True)
class Places:
    """The folders and files of one office's FreeSWITCH."""

    root: Path
    recordings: Path
    pid_file: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """The places of that office."""
        root = settings.home / "freeswitch"
        return cls(root, settings.recordings, root / "run" / "freeswitch.pid")

    @property
    def conf(self) -> Path:
        """What is rendered."""
        return self.root / "conf"

    @property
    def log(self) -> Path:
        """freeswitch.log, and start.log with its first words."""
        return self.root / "log"

    @property
    def database(self) -> Path:
        """FreeSWITCH's own SQLite files: registrations, and what the standby kept."""
        return self.root / "db"

    @property
    def run(self) -> Path:
        """Its pid file."""
        return self.root / "run"

    @property
    def certs(self) -> Path:
        """The box's certificate and the authority that signed it."""
        return self.root / "certs"

    @property
    def sounds(self) -> Path:
        """Links to what the standby says."""
        return self.root / "sounds"

    @property
    def music(self) -> Path:
        """What people hear who wait: every WAV in here, over and over."""
        return self.sounds / "music"

    @property
    def standby_recordings(self) -> Path:
        """What callers left while no core was there, a folder for each business."""
        return self.recordings / "fallback"

    def standby_sounds(self, business_id: str) -> Path:
        """What the standby of a business says."""
        return self.sounds / "standby" / business_id

    def make(self) -> None:
        """Make the folders; they are this user's alone."""
        others = [self.root / name for name in ("storage", "cache", "tmp", "scripts")]
        own = [self.conf, self.log, self.certs, self.database, self.run, self.sounds, self.music]
        for folder in (self.root, *own, self.standby_recordings, *others):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
