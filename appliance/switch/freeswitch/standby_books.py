"""What happened while no core was there, read back from where it was kept (mod_db).

Owns: reading and forgetting. Leaves out: the dialplan that writes it (dialplan/dialplan), the books of the office
(flows).
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from appliance.config import Settings
from appliance.switch.freeswitch import translate
from appliance.switch.freeswitch.failures import Refused
from appliance.switch.freeswitch.places import Places
from appliance.switch.port import CallMeanwhile, LegEnded

Api = Callable[[str], Awaitable[str]]
_UUID = re.compile(r"^[0-9a-f-]{36}$")
_BEGAN, _ENDED = "standby", "ended"


async def read_standby(api: Api, settings: Settings, known: Iterable[str] = ()) -> list[CallMeanwhile]:
    """Every call kept, oldest first. FreeSWITCH lists some hundred at a time; those ``known`` are asked for by name.

    Raises EventSocketError.
    """
    asked = [channel for channel in known if _UUID.match(channel)]
    channels = dict.fromkeys([*await _keys(api, _BEGAN), *await _keys(api, _ENDED), *asked])
    found = [await _read(api, settings, channel) for channel in channels]
    calls = [call for call in found if call.began_at or call.ended_at]
    return sorted(calls, key=lambda call: (call.began_at, call.leg_id))


async def how_ended(api: Api, channel: str) -> LegEnded | None:
    """How a call ended whose end we did not hear; None where nothing is kept of it. Raises EventSocketError."""
    ended = await _fields(api, _ENDED, channel)
    return translate.how_it_ended(ended[1], ended[2]) if len(ended) == 5 else None


async def forget_standby(api: Api, leg_id: str) -> None:
    """Once it is in the books; its message stays where it is. Safe to repeat. Raises EventSocketError."""
    if _UUID.match(leg_id):
        for realm in (_ENDED, _BEGAN):
            await api(f"db delete/{realm}/{leg_id}")


async def _fields(api: Api, realm: str, channel: str) -> list[str]:
    try:
        return (await api(f"db select/{realm}/{channel}")).strip().split("|")
    except Refused:  # "no reply": nothing is kept
        return []


async def _keys(api: Api, realm: str) -> list[str]:
    try:
        listed = (await api(f"db list/{realm}")).strip()
    except Refused:
        return []
    return [key for key in listed.split(",") if _UUID.match(key)]


async def _read(api: Api, settings: Settings, channel: str) -> CallMeanwhile:
    began = await _fields(api, _BEGAN, channel)
    business_id, trunk_id, dialled, caller, began_at = began if len(began) == 5 else ("",) * 5
    ended = await _fields(api, _ENDED, channel)
    ended_at, cause, disposition, answered_by, bridged_at = ended if len(ended) == 5 else ("",) * 5
    how = translate.how_it_ended(cause, disposition) if ended_at.isdecimal() else None
    return CallMeanwhile(
        leg_id=channel,
        business_id=business_id,
        trunk_id=trunk_id,
        dialled=dialled,
        caller=caller,
        began_at=_epoch(began_at),
        ended_at=_epoch(ended_at),
        ended=how,
        answered_by=answered_by,
        bridged_at=_epoch(bridged_at),
        message=_message(settings, business_id, channel),
    )


def _epoch(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _message(settings: Settings, business_id: str, channel: str) -> Path | None:
    if not business_id:
        return None
    folder = Places.of(settings).standby_recordings / business_id
    return next(iter(sorted(folder.glob(f"*_{channel}.wav"))), None)
