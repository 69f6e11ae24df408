"""Channels that outlived the core that carried them, made legs again.

Owns: which channels are ours, who talks with whom, having those that are not taken care of come back into our hands.
Leaves out: what is done with them (flows).
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from appliance.switch.causes import Cause
from appliance.switch.freeswitch import commands, translate
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.exchange import Exchange
from appliance.switch.freeswitch.failures import EventSocketError, Refused
from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.legs import FsLeg
from appliance.switch.port import Origin, Party, Survivor

log = logging.getLogger(__name__)

HAND_OVER_SECONDS = 2.0


def incoming(exchange: Exchange, data: Event, origin: Origin) -> FsLeg:
    """The leg of a call that came in; named after its channel, so that it has the same name in every core's life."""
    return FsLeg(
        exchange,
        data.uuid,
        direction="in",
        party=translate.caller(data),
        dialled=data.variable("frontdesk_dialled") or data.get("Caller-Destination-Number", ""),
        origin=origin,
        sip_call_id=data.variable("sip_call_id"),
        leg_id=data.uuid,
    )


async def take_up(exchange: Exchange) -> list[Survivor]:
    """The legs that live. Those that nobody is with are in our hands again. Raises EventSocketError."""
    socket = exchange.socket()
    found = {data.uuid: data for data in await _channels(socket) if data.uuid not in exchange.legs}
    legs: dict[str, FsLeg] = {}
    for name, data in found.items():
        if leg := await _leg(exchange, socket, data):
            legs[name] = leg
    for name, leg in legs.items():
        other = translate.bridged_with(found[name])
        # both must say so: one whose peer is being sent on still names it
        if other in legs and translate.bridged_with(found[other]) == name:
            leg.bridged = legs[other]
    alone = {name for name, leg in legs.items() if leg.bridged is None and translate.speaks_into_a_message(found[name])}
    await asyncio.gather(*(leg.channel.ask(commands.unschedule(leg.uuid)) for leg in legs.values() if leg.bridged))
    await asyncio.gather(*(_take_back(leg) for name, leg in legs.items() if leg.bridged is None and name not in alone))
    log.info(
        "%d legs have outlived the last core, %d of them bridged",
        len(legs),
        sum(bool(x.bridged) for x in legs.values()),
    )
    return [
        Survivor(
            leg,
            tag=found[name].variable("frontdesk_call"),
            bridged_with=leg.bridged,
            bridged_at=translate.bridged_at(found[name]),
            recording=leg.recording,
            is_left_alone=name in alone,
        )
        for name, leg in legs.items()
        if leg.ended is None
    ]


async def _channels(socket: EventSocket) -> list[Event]:
    rows = json.loads(await socket.api("show channels as json")).get("rows", [])
    found = []
    for row in rows:
        try:
            dump = json.loads(await socket.api(f"uuid_dump {commands.uuid(str(row.get('uuid', '')))} json"))
            found.append(Event({str(name): str(value) for name, value in dump.items()}))
        except (Refused, ValueError) as error:
            log.debug("channel=%s is gone: %s", row.get("uuid"), error)
    return found


async def _leg(exchange: Exchange, socket: EventSocket, data: Event) -> FsLeg | None:
    if data.uuid in exchange.legs:  # handed over to us meanwhile
        return None
    origin = translate.origin(data)
    is_answered = data.get("Answer-State", "") == "answered"
    if origin is not None:
        leg = incoming(exchange, data, origin)
    elif data.variable("frontdesk_asked") and is_answered:
        leg = _outgoing(exchange, data)
    else:
        if data.variable("frontdesk_asked") == "true":  # rung by a core that is gone: rung anew by this one
            await _end(socket, data.uuid)
        return None
    if is_answered:
        leg.mark_answered(data)
    if path := data.variable("frontdesk_recording"):
        leg.mark_recorded(Path(path))
    return leg


def _outgoing(exchange: Exchange, data: Event) -> FsLeg:
    dialled = data.variable("frontdesk_dialled")
    return FsLeg(
        exchange,
        data.uuid,
        direction="out",
        party=Party(dialled),
        dialled=dialled,
        origin=None,
        sip_call_id=data.variable("sip_call_id"),
        leg_id=data.variable("frontdesk_leg"),
    )


async def _end(socket: EventSocket, channel: str) -> None:
    try:
        await socket.api(commands.kill(channel, Cause.CANCELLED))
    except Refused as error:
        log.debug("channel=%s %s", channel, error.message)


async def _take_back(leg: FsLeg) -> None:
    try:
        await leg.channel.api(commands.take_back(leg.uuid))
        async with asyncio.timeout(HAND_OVER_SECONDS):
            await leg.in_hand.wait()
    except (EventSocketError, TimeoutError) as error:
        log.warning("leg=%s did not come back into our hands: %s", leg.leg_id, error)
