"""What the standby did while no core was there, read back from where it kept it (mod_db).

Owns: reading and forgetting. Leaves out: the dialplan that writes it (dialplan/dialplan/standby.xml.j2), the books of
the office (flows).
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings
from appliance.switch.freeswitch.places import Places

Api = Callable[[str], Awaitable[str]]
_UUID = re.compile(r"^[0-9a-f-]{36}$")
_BEGAN, _ENDED = "standby", "standby-ended"


@dataclass(frozen=True)
class StandbyCall:
    """One call that came to the standby; times are seconds since 1970, 0 while it goes on."""

    channel: str  # FreeSWITCH's uuid
    business_id: str
    trunk_id: str
    dialled: str
    caller: str
    began_at: int
    ended_at: int
    hangup_cause: str  # FreeSWITCH's word
    was_answered: bool  # by a phone, not by the machine
    message: Path | None  # what the caller left


async def read_standby(api: Api, settings: Settings) -> list[StandbyCall]:
    """Every call kept, oldest first. Raises EventSocketError."""
    calls = [await _read(api, settings, channel) for channel in await _keys(api)]
    return sorted((call for call in calls if call is not None), key=lambda call: (call.began_at, call.channel))


async def forget_standby(api: Api, channel: str) -> None:
    """Once it is in the books; its message stays where it is. Safe to repeat. Raises EventSocketError."""
    if _UUID.match(channel):
        for realm in (_ENDED, _BEGAN):
            await api(f"db delete/{realm}/{channel}")


async def _keys(api: Api) -> list[str]:
    listed = (await api(f"db list/{_BEGAN}")).strip()
    return [key for key in listed.split(",") if _UUID.match(key)]


async def _read(api: Api, settings: Settings, channel: str) -> StandbyCall | None:
    began = (await api(f"db select/{_BEGAN}/{channel}")).strip().split("|")
    if len(began) != 5 or not began[4].isdecimal():
        return None
    ended = (await api(f"db select/{_ENDED}/{channel}")).strip().split("|")
    ended_at, cause, _answered_cause, answered = ended if len(ended) == 4 else ("", "", "", "")
    business_id, trunk_id, dialled, caller, began_at = began
    return StandbyCall(
        channel=channel,
        business_id=business_id,
        trunk_id=trunk_id,
        dialled=dialled,
        caller=caller,
        began_at=int(began_at),
        ended_at=int(ended_at) if ended_at.isdecimal() else 0,
        hangup_cause=cause,
        was_answered=bool(answered),
        message=_message(settings, business_id, channel),
    )


def _message(settings: Settings, business_id: str, channel: str) -> Path | None:
    folder = Places.of(settings).standby_recordings / business_id
    return next(iter(sorted(folder.glob(f"*_{channel}.wav"))), None)
