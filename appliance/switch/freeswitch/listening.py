"""A supervisor in somebody else's conversation: hears it, is heard by one of the two, or by both.

Owns: FreeSWITCH's eavesdrop, whose keys say who hears the listener: 0 nobody, 2 the channel listened to, 3 both. Leaves
out: who may (flows, web).
"""

from appliance.switch.errors import LegGone
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.failures import EventSocketError
from appliance.switch.freeswitch.legs import FsLeg
from appliance.switch.port import ListenMode

_KEY: dict[ListenMode, str] = {"listen": "0", "whisper": "2", "join": "3"}


async def listen_in(listener: FsLeg, talker: FsLeg, mode: ListenMode) -> None:
    """See port.Switch. Raises LegGone."""
    listener.require_alive()
    talker.require_alive()
    try:
        if listener.listens_to is not talker:
            await listener.channel.set(
                eavesdrop_enable_dtmf="true",
                # aleg is the peer of whom we listen to, bleg they themselves
                eavesdrop_whisper_aleg="true" if mode == "join" else "false",
                eavesdrop_whisper_bleg="false" if mode == "listen" else "true",
            )
            await listener.channel.execute("eavesdrop", talker.uuid)
            listener.listens_to = talker
        else:
            await listener.channel.api(commands.press(listener.uuid, _KEY[mode]))
    except EventSocketError as error:
        gone = listener.ended or talker.ended
        if gone is None:
            raise
        raise LegGone(gone.cause) from error
