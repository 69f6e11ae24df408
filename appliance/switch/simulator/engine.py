"""The simulated switch: incoming calls by ``dial_in``, phones and the outside world as scripts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import CallOffered, PhonesChanged, SwitchEvent
from appliance.switch.port import (
    Binding,
    ExtensionTarget,
    Leg,
    ListenMode,
    Origin,
    Party,
    Switch,
    SwitchConfig,
    Target,
)
from appliance.switch.simulator.leg import SimulatedLeg, SoundWriter, write_silence

# What a called party does: it is given its own leg
Script = Callable[[SimulatedLeg], Awaitable[None]]


def answers(after: float = 2.0, talks: float | None = None) -> Script:
    """Picks up after some seconds and hangs up when it has talked enough; None: waits for the other to hang up."""

    async def script(leg: SimulatedLeg) -> None:
        leg.party_rings()
        await asyncio.sleep(after)
        leg.party_answers()
        if talks is not None:
            await asyncio.sleep(talks)
            leg.party_hangs_up()

    return script


def refuses(cause: Cause = Cause.REJECTED, after: float = 0.5) -> Script:
    """Declines, or is busy."""

    async def script(leg: SimulatedLeg) -> None:
        leg.party_rings()
        await asyncio.sleep(after)
        leg.party_hangs_up(cause)

    return script


def rings_on() -> Script:
    """Nobody is near the phone."""

    async def script(leg: SimulatedLeg) -> None:
        leg.party_rings()

    return script


class SimulatedSwitch(Switch):
    """Calls without packets. ``phones`` maps extensions to scripts; ``world`` answers what goes out over a trunk."""

    name = "simulator"

    def __init__(self, write_sound: SoundWriter = write_silence) -> None:
        self.phones: dict[str, Script] = {}
        self.world: Script = rings_on()
        self.legs: list[SimulatedLeg] = []
        self._write_sound = write_sound
        self._events: asyncio.Queue[SwitchEvent | None] = asyncio.Queue()
        self._scripts: set[asyncio.Task[None]] = set()
        self._config = SwitchConfig()

    # --- the world's side ---

    def register(self, extension: str, script: Script) -> None:
        """A phone appears that does as the script says for every call."""
        self.phones[extension] = script
        self._events.put_nowait(PhonesChanged(extension))

    def unregister(self, extension: str) -> None:
        """The phone is gone."""
        self.phones.pop(extension, None)
        self._events.put_nowait(PhonesChanged(extension))

    def dial_in(
        self,
        dialled: str,
        caller: Party,
        *,
        trunk_id: str = "primary",
        extension: str = "",
        script: Script | None = None,
    ) -> SimulatedLeg:
        """A call comes in over a trunk, or from an extension's phone; the script is what the caller does."""
        origin = Origin("extension", extension) if extension else Origin("trunk", trunk_id)
        leg = SimulatedLeg("in", caller, dialled, origin, self._write_sound)
        self.legs.append(leg)
        self._events.put_nowait(CallOffered(leg))
        if script is not None:
            self._play(script, leg)
        return leg

    def _play(self, script: Script, leg: SimulatedLeg) -> None:
        async def run() -> None:
            await script(leg)

        task = asyncio.create_task(run())
        self._scripts.add(task)
        task.add_done_callback(self._scripts.discard)

    # --- the port ---

    async def start(self, config: SwitchConfig, bindings: Sequence[Binding] = ()) -> None:
        self._config = config

    async def configure(self, config: SwitchConfig) -> None:
        self._config = config

    async def stop(self) -> None:
        for leg in self.legs:
            await leg.hang_up(Cause.INTERRUPTED)
        for script in list(self._scripts):
            script.cancel()
        await asyncio.gather(*self._scripts, return_exceptions=True)
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[SwitchEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    def bindings(self, extension: str | None = None) -> Sequence[Binding]:
        wanted = self.phones if extension is None else [e for e in self.phones if e == extension]
        return [
            Binding(
                e, f"sip:{e}@simulator", "sim:", "simulator", "2000-01-01T00:00:00.000Z", "9999-01-01T00:00:00.000Z"
            )
            for e in wanted
        ]

    async def call(
        self,
        target: Target,
        *,
        show: Party,
        headers: dict[str, str] | None = None,
        tag: str = "",
        waiting: Leg | None = None,
    ) -> Leg:
        if isinstance(target, ExtensionTarget):
            script = self.phones.get(target.extension)
            if script is None:
                raise CallRejected(Cause.NOT_REGISTERED)
            dialled = target.extension
        else:
            script, dialled = self.world, target.number
        leg = SimulatedLeg("out", Party(dialled), dialled, None, self._write_sound)
        leg.shown = show
        self.legs.append(leg)
        # the phone rings once the one who calls has begun to listen
        asyncio.get_running_loop().call_soon(self._play, script, leg)
        return leg

    async def bridge(self, first: Leg, second: Leg) -> None:
        assert isinstance(first, SimulatedLeg)
        assert isinstance(second, SimulatedLeg)
        for leg in (first, second):
            if leg.ended is not None:
                raise LegGone(leg.ended.cause)
        first.peer, second.peer = second, first
        now = asyncio.get_running_loop().time()
        first.heard.append((now, f"voice of {second.party.number}"))
        second.heard.append((now, f"voice of {first.party.number}"))

    async def listen_in(self, listener: Leg, talker: Leg, mode: ListenMode) -> None:
        assert isinstance(listener, SimulatedLeg)
        assert isinstance(talker, SimulatedLeg)
        for leg in (listener, talker):
            if leg.ended is not None:
                raise LegGone(leg.ended.cause)
        listener.heard.append((asyncio.get_running_loop().time(), f"{mode}: {talker.party.number}"))

    async def unbridge(self, leg: Leg) -> None:
        assert isinstance(leg, SimulatedLeg)
        if leg.peer is not None:
            leg.peer.peer, leg.peer = None, None
