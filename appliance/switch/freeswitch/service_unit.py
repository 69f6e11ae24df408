"""The system's own FreeSWITCH service, run for this office: the drop-in that systemd reads.

Owns: its text. Leaves out: writing it anywhere; the one who installs does that.
"""

import getpass
import grp
import os
import shlex
from pathlib import Path

from appliance.config import Settings
from appliance.switch.freeswitch.binary import Installed
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.process import arguments

PATH = Path("/etc/systemd/system/freeswitch.service.d/frontdesk.conf")


def drop_in(settings: Settings, installed: Installed) -> str:
    """What makes freeswitch.service run with the office's folders, as the user who runs this."""
    command = shlex.join(word.replace("%", "%%") for word in arguments(settings, installed))
    lines = [
        f"# {PATH}",
        "# Written by “frontdesk switch unit”. Afterwards: systemctl daemon-reload && systemctl restart freeswitch",
        "[Service]",
        "Type=simple",
        "PIDFile=",
        "EnvironmentFile=",
        f"User={getpass.getuser()}",
        f"Group={grp.getgrgid(os.getgid()).gr_name}",
        f"WorkingDirectory={Places.of(settings).root}",
        "ExecStartPre=",
        "ExecStart=",
        f"ExecStart={command}",
        "ExecReload=",
        "Restart=always",
        "RestartSec=1",
        "LimitNOFILE=65536",
    ]
    return "\n".join(lines) + "\n"
