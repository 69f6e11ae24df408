"""The engine as a whole: start, stop, ports, and nothing left behind."""

import asyncio
import gc
import os
import secrets
import socket
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.switch.builtin.engine import BuiltinSwitch
from appliance.switch.builtin.legs import BaseLeg
from appliance.switch.errors import LegGone, PortTaken
from appliance.switch.events import CallOffered
from appliance.switch.port import ExtensionTarget, Leg, SwitchConfig
from tests.appliance.switch.builtin.peer import SDP, Bench, Peer, Seen, bench_with_trunk, free_port, in_dialog, tag_of

CALLS = 1000


@pytest.mark.parametrize("kind", ["udp", "tcp"])
async def test_a_taken_port_is_named_with_who_has_it(tmp_path: Path, kind: str) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", port))
        if kind == "tcp":
            holder.listen()
        switch = BuiltinSwitch(Settings(home=tmp_path, bind="127.0.0.1", sip_port=port))
        with pytest.raises(PortTaken) as caught:
            await switch.start(SwitchConfig())
        assert f"{port}/{kind}" in caught.value.message
        assert f"pid {os.getpid()}" in caught.value.message
        await switch.stop()


async def test_two_engines_run_side_by_side_and_stop_twice(tmp_path: Path) -> None:
    switches = [BuiltinSwitch(Settings(home=tmp_path, bind="127.0.0.1", sip_port=free_port())) for _ in range(2)]
    for switch in switches:
        await switch.start(SwitchConfig())
    for switch in switches:
        await switch.stop()
        await switch.stop()


async def receive(made: Bench, leg: Leg) -> None:
    """A small reception: ring, answer, ring the agent, bridge, until either hangs up."""
    agent = None
    try:
        await leg.ring()
        await leg.answer()
        agent = await made.switch.call(ExtensionTarget("101"), show=leg.party)
        await agent.wait_answered()
        await made.switch.bridge(leg, agent)
        await leg.wait_ended()
    except LegGone:
        pass  # the caller may hang up at any moment
    finally:
        if agent is not None:
            await agent.hang_up()


async def place_call(trunk: Peer, waiting: dict[str, asyncio.Future[Seen]], *, gives_up: bool) -> None:
    """One call from the trunk: given up while it rings, or answered and hung up."""
    call_id = secrets.token_hex(8)
    waiting[call_id] = asyncio.get_running_loop().create_future()
    branch = trunk.branch()
    trunk.request("INVITE", call_id=call_id, branch=branch, to="+982188001122", body=SDP)
    if gives_up:
        trunk.request("CANCEL", call_id=call_id, branch=branch, to="+982188001122")
    final = await asyncio.wait_for(waiting[call_id], 10)
    if final.status != 200:
        trunk.request("ACK", call_id=call_id, branch=branch, to="+982188001122", to_tag=tag_of(final["to"]))
        return
    in_dialog(trunk, "ACK", final, cseq=1)
    await asyncio.sleep(0.01)
    in_dialog(trunk, "BYE", final, cseq=2)


async def test_a_thousand_calls_leave_no_task_port_leg_or_transaction(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        phone = await made.phone()
        waiting: dict[str, asyncio.Future[Seen]] = {}

        def at_trunk(seen: Seen) -> bool:
            if seen.method in ("OPTIONS", "BYE"):
                trunk.reply(seen, 200)
            elif seen["cseq"].endswith("INVITE") and seen.status >= 200:
                future = waiting.get(seen["call-id"])
                if future is not None and not future.done():
                    future.set_result(seen)
            return True

        def at_phone(seen: Seen) -> bool:
            if seen.method in ("INVITE", "BYE", "CANCEL"):
                phone.reply(seen, 200, body=SDP if seen.method == "INVITE" else "")
            return True

        trunk.on_message, phone.on_message = at_trunk, at_phone
        flows: set[asyncio.Task[None]] = set()

        async def flow() -> None:
            while True:
                flows.add(asyncio.create_task(receive(made, await made.calls.get())))

        accepting = asyncio.create_task(flow())
        before = len(asyncio.all_tasks())
        for start in range(0, CALLS, 20):
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                for n in range(start, start + 20):
                    group.create_task(place_call(trunk, waiting, gives_up=n % 10 == 0))
        offered = sum(isinstance(event, CallOffered) for event in made.events)
        async with asyncio.timeout(20):
            await asyncio.gather(*flows)
            while made.switch.exchange.transactions.under_way or made.switch.exchange.legs:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert offered == CALLS
        assert not made.open_ports
        assert not made.switch.exchange.dialogs
        assert len(asyncio.all_tasks()) <= before
        accepting.cancel()
        flows.clear()
        made.events.clear()
        made.endpoints.clear()
        await asyncio.sleep(0)
        gc.collect()
        assert sum(isinstance(thing, BaseLeg) for thing in gc.get_objects()) <= 1
    assert len(asyncio.all_tasks()) == 1
