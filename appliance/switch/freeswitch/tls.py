"""Whether the box's certificate is still the right one, and having a new one made.

Owns: for which names it is, when it is renewed. Leaves out: making it (certificates.py), having FreeSWITCH show it
(engine).
"""

import asyncio
import datetime as dt
import json
import logging
import socket
import sys
from pathlib import Path

from appliance import clock
from appliance.addresses import bound_address
from appliance.config import Settings
from appliance.errors import FrontdeskError
from appliance.switch.freeswitch.config import PROFILE
from appliance.switch.freeswitch.exchange import Exchange
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.refusals import NoCertificate

log = logging.getLogger(__name__)

RENEW_DAYS = 30
MAKE_SECONDS = 30.0
LOOK_SECONDS = 6 * 3600.0
AGAIN_SECONDS = 60.0


async def ensure(settings: Settings) -> bool:
    """Have a certificate that is valid for this box for a while; whether a new one was made. Raises NoCertificate."""
    if not settings.sip_tls_port:
        return False
    folder, names = Places.of(settings).certs, names_of(settings)
    if is_good(folder, names):
        return False
    log.info("a certificate is made for %s", ", ".join(names))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "appliance.switch.freeswitch.certificates", str(folder), *names),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(MAKE_SECONDS):
            _out, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NoCertificate("it took too long") from None
    if process.returncode:
        raise NoCertificate(said.decode(errors="replace").strip().rpartition("\n")[2])
    return True


async def keep_valid(settings: Settings, exchange: Exchange) -> None:
    """Renew it in time, until cancelled. A new one is shown from the next moment on in which nobody talks."""
    is_new = False
    while True:
        try:
            is_new = await ensure(settings) or is_new
            if is_new and not exchange.legs:
                await exchange.socket().api(f"sofia profile {PROFILE} restart")
                is_new = False
        except (FrontdeskError, OSError) as error:
            log.error("certificate: %s", error)
        await asyncio.sleep(AGAIN_SECONDS if is_new else LOOK_SECONDS)


def is_good(folder: Path, names: list[str]) -> bool:
    """Whether the one in the folder is for these names and lasts a while."""
    try:
        made = json.loads((folder / "made.json").read_text(encoding="utf-8"))
        lasts = clock.parse(made["until"]) - clock.now()
        whole = all((folder / name).stat().st_size > 0 for name in ("agent.pem", "cafile.pem", "ca.key"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return whole and made["names"] == names and lasts > dt.timedelta(days=RENEW_DAYS)


def names_of(settings: Settings) -> list[str]:
    """What phones may call this box: its address, its host name, what it advertises."""
    host = socket.gethostname()
    names = [settings.advertise, bound_address(settings), host, f"{host}.local" if "." not in host else ""]
    return [name for name in dict.fromkeys(names) if _is_name(name)]


def _is_name(name: str) -> bool:
    return name.isascii() and name[:1].isalnum() and all(char.isalnum() or char in ".-:" for char in name)
