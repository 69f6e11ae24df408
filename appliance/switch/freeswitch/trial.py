"""Trying a configuration out: a real FreeSWITCH loads it, apart from the office's own, and is ended again."""

import dataclasses
import re
import shutil
import socket
import tempfile
from pathlib import Path

from appliance.config import Settings
from appliance.switch.freeswitch.config import render
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.process import FreeSwitchProcess
from appliance.switch.freeswitch.secrets import load_secrets
from appliance.switch.port import SwitchConfig

_COMPLAINT = re.compile(r"\[(ERR|CRIT|ALERT)\]\s*(.*)")


async def try_out(settings: Settings, config: SwitchConfig) -> list[str]:
    """What FreeSWITCH complains of when it loads this; empty when all is well. Takes some seconds.

    It runs on this machine's own address, on free ports, and registers nowhere: carriers do not hear of it.
    Raises what FreeSwitchProcess.start raises.
    """
    home = Path(tempfile.mkdtemp(prefix="frontdesk-check-"))
    try:
        trial = dataclasses.replace(settings, home=home, bind="127.0.0.1", advertise="", sip_port=_free_port())
        quiet = dataclasses.replace(config, trunks=[dataclasses.replace(t, kind="peer") for t in config.trunks])
        render(trial, quiet, load_secrets(trial))
        process = FreeSwitchProcess(trial)
        try:
            await process.start()
        finally:
            await process.stop()
        return complaints(Places.of(trial).log / "freeswitch.log")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def complaints(log: Path) -> list[str]:
    """The errors in a log of FreeSWITCH, each once."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return list(dict.fromkeys(match.group(2) for line in lines if (match := _COMPLAINT.search(line))))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
