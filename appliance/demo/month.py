"""A month in an office, lived through on simulated time: callers, agents with shifts and lunch, mails, the owner.

Owns: what people in it do. Leaves out: what the office does about it, which is the product's own code: flows, desk,
messages and deliveries are the real ones, on the simulator.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from appliance import clock
from appliance.agents import service as agents
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.contacts import service as contacts
from appliance.demo import backstage, diary
from appliance.demo.arrivals import FRIDAY, THURSDAY, Arrival
from appliance.demo.cast import CALLS_BACK, LUNCH_MINUTES, SHIFTS, SHORT_DAY_ENDS, Shift
from appliance.demo.studio import Studio, Talk
from appliance.flows import router
from appliance.flows.directory import load as load_directory
from appliance.flows.session import Office
from appliance.messages import service as messages
from appliance.switch.causes import Cause
from appliance.switch.events import CallOffered, PhonesChanged
from appliance.switch.port import Leg, Party
from appliance.switch.simulator.engine import Script, SimulatedSwitch
from appliance.switch.simulator.leg import SimulatedLeg

Step = Callable[[], Awaitable[None]]
Entry = tuple[datetime, Arrival | Step]


@dataclass
class _Visit:
    """A caller in the office."""

    arrival: Arrival
    met: asyncio.Event = field(default_factory=asyncio.Event)


class Month:
    """Everyone who takes part."""

    def __init__(
        self, office: Office, switch: SimulatedSwitch, studio: Studio, luck: random.Random, timezone: str, owner: str
    ) -> None:
        self._office, self._switch, self._studio, self._luck = office, switch, studio, luck
        self._zone = ZoneInfo(timezone)
        self._owner = owner  # user_id
        self._visits: dict[Leg, _Visit] = {}
        self._letters = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self, arrivals: list[Arrival], begin: datetime, until: datetime) -> None:
        """From begin to until; what is under way then is brought to its end."""
        switch_events = asyncio.create_task(self._answer_switch())
        postman = asyncio.create_task(backstage.carry_letters(self._office, self._letters))
        for _at, step in sorted(self._programme(arrivals, begin, until), key=lambda one: one[0]):
            await self._sleep_until(_at)
            if isinstance(step, Arrival):
                self._do(self._call_in(step))
            else:
                await step()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.sleep(30)
        for shift in SHIFTS:
            self._switch.unregister(shift.extension)
        await asyncio.sleep(1)
        for task in (switch_events, postman):
            task.cancel()
        await asyncio.gather(switch_events, postman, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sleep_until(self, at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - clock.now()).total_seconds()))

    # --- the days ---

    def _programme(self, arrivals: list[Arrival], begin: datetime, until: datetime) -> Iterator[Entry]:
        yield from ((arrival.at, arrival) for arrival in arrivals)
        day, last = begin.astimezone(self._zone).date(), until.astimezone(self._zone).date()
        bad_day = last - timedelta(days=9)
        while day <= last:
            yield from (entry for entry in self._day(day, day == bad_day) if begin <= entry[0] < until)
            day += timedelta(days=1)

    def _at(self, day: date, hour: time, minutes: float = 0.0) -> datetime:
        return (datetime.combine(day, hour, self._zone) + timedelta(minutes=minutes)).astimezone(UTC)

    def _day(self, day: date, bad: bool) -> Iterator[Entry]:
        yield self._at(day, time(20, 30)), self._owner_reads
        if day.weekday() == FRIDAY:
            return
        short = day.weekday() == THURSDAY
        for shift in SHIFTS:
            late = self._luck.uniform(-4, 6)
            yield self._at(day, shift.begin, late), self._comes(shift)
            yield self._at(day, SHORT_DAY_ENDS if short else shift.end, late / 2), self._goes(shift)
            if not short:
                yield self._at(day, shift.lunch, late), self._status(shift, "on_break", "Lunch")
                yield self._at(day, shift.lunch, late + LUNCH_MINUTES), self._status(shift, "available", "")
        if bad:  # an afternoon without internet at one agent's home
            yield self._at(day, time(14, 10)), self._goes(SHIFTS[0])
            yield self._at(day, time(14, 50)), self._comes(SHIFTS[0])

    def _comes(self, shift: Shift) -> Step:
        async def step() -> None:
            self._switch.register(shift.extension, self._phone_of(shift))
            await asyncio.sleep(0)

        return step

    def _goes(self, shift: Shift) -> Step:
        async def step() -> None:
            self._switch.unregister(shift.extension)
            await asyncio.sleep(0)

        return step

    def _status(self, shift: Shift, status: str, reason: str) -> Step:
        async def step() -> None:
            await self._office.store.write(agents.set_status, shift.agent_id, status, reason)
            self._office.directory = await self._office.store.read(load_directory)
            self._office.desk.configure(self._office.directory.agents.values())
            await self._office.desk.reconcile()

        return step

    # --- the office ---

    async def _answer_switch(self) -> None:
        async for event in self._switch.events():
            if isinstance(event, CallOffered):
                self._do(self._take(event.leg))
            elif isinstance(event, PhonesChanged):
                await self._office.desk.phones_changed()

    async def _take(self, leg: Leg) -> None:
        await router.take(self._office, leg)
        self._letters.set()
        visit = self._visits.pop(leg, None)
        if visit and not visit.met.is_set() and visit.arrival.number and self._luck.random() < 0.7:
            self._do(self._call_back(visit.arrival))

    async def _owner_reads(self) -> None:
        await backstage.owner_reads(self._office.store, self._owner, self._luck)
        await self._office.store.write(diary.close_the_day, self._luck)

    # --- callers ---

    async def _call_in(self, arrival: Arrival) -> None:
        business = self._office.directory.businesses[arrival.business_id]
        leg = self._switch.dial_in(business.numbers[0], Party(arrival.number))
        visit = self._visits[leg] = _Visit(arrival)
        if arrival.mood == "gives_up_greeting":
            await asyncio.sleep(self._luck.uniform(1, 3))
            leg.party_hangs_up()
            return
        waited = 0.0
        while leg.ended is None and not visit.met.is_set():
            if any(what == "tone" for _at, what in leg.heard):
                await self._leave_voicemail(leg, arrival)
                return
            if waited > arrival.patience_seconds:
                leg.party_hangs_up()
                return
            await asyncio.sleep(0.5)
            waited += 0.5

    async def _leave_voicemail(self, leg: SimulatedLeg, arrival: Arrival) -> None:
        if self._luck.random() < 0.35:  # says nothing
            leg.party_hangs_up()
            return
        seconds = self._studio.choose("voicemail", arrival.business_id).seconds
        leg.party_speaks(seconds)
        await asyncio.sleep(seconds)
        leg.party_hangs_up()

    async def _call_back(self, arrival: Arrival) -> None:
        """An agent who is free calls a missed caller back, some time later, if it is still today."""
        await asyncio.sleep(self._luck.uniform(6, 40) * 60)
        local = clock.now().astimezone(self._zone)
        there = [s for s in SHIFTS if s.extension in CALLS_BACK[arrival.business_id]]
        for shift in self._luck.sample(there, len(there)):
            agent = self._office.desk.agent(shift.agent_id)
            if agent and agent.state == "idle" and agent.status == "available" and local.time() < shift.end:
                break
        else:
            return
        self._switch.world = self._callee(arrival, shift)
        leg = self._switch.dial_in(arrival.number, Party(shift.extension), extension=shift.extension)
        await leg.wait_ended()

    def _callee(self, arrival: Arrival, shift: Shift) -> Script:
        async def picks_up(leg: SimulatedLeg) -> None:
            leg.party_rings()
            if self._luck.random() < 0.25:
                await asyncio.sleep(24)
                leg.party_hangs_up(Cause.NO_ANSWER)
                return
            await asyncio.sleep(self._luck.uniform(3, 14))
            leg.party_answers()
            if first := await self._met(leg):
                talk = self._studio.choose("callback", arrival.business_id)
                await self._talk(first, leg, talk, shift, arrival.number)

        return picks_up

    # --- agents ---

    def _phone_of(self, shift: Shift) -> Script:
        async def rings(leg: SimulatedLeg) -> None:
            leg.party_rings()
            mood = self._luck.random()
            if mood < 0.04:  # not at the desk
                return
            await asyncio.sleep(2 + self._luck.gammavariate(2.0, 1.6))
            if mood < 0.06:
                leg.party_hangs_up(Cause.REJECTED)
                return
            leg.party_answers()
            caller = await self._met(leg)
            if caller is None:
                return
            visit = self._visits.get(caller)
            if visit is None:
                return
            visit.met.set()
            talk = self._studio.choose("talk", visit.arrival.business_id, visit.arrival.name)
            await self._talk(caller, leg, talk, shift, visit.arrival.number)

        return rings

    async def _met(self, leg: SimulatedLeg) -> SimulatedLeg | None:
        """Who is on the other end once the office has connected them: within the same instant."""
        for _turn in range(200):
            if leg.peer is not None or leg.ended is not None:
                return leg.peer
            await asyncio.sleep(0)
        return None

    async def _talk(self, first: SimulatedLeg, second: SimulatedLeg, talk: Talk, shift: Shift, number: str) -> None:
        """Talk as it was spoken, write the message down while talking, hang up."""
        agent_leg = second if second.dialled == shift.extension else first
        call_id = self._call_of(first)
        loop = asyncio.get_running_loop()
        began = loop.time()
        steps: list[tuple[float, str]] = [(talk.seconds * 0.7, "message")] if talk.message else []
        steps += [(talk.seconds * 0.75, "appointment")] if talk.appointment and number else []
        for begin, end in talk.holds:
            steps += [(begin, "hold"), (end, "resume")]
        for at, what in sorted(steps):
            await asyncio.sleep(max(0.0, began + at - loop.time()))
            if what == "message":
                await self._take_message(call_id, talk, shift, number)
            elif what == "appointment":
                await self._office.store.write(
                    diary.write_down, talk, self._luck, call_id=call_id, agent_id=shift.agent_id, number=number
                )
            else:
                agent_leg.party_holds(what == "hold")
        await asyncio.sleep(max(0.0, began + talk.seconds - loop.time()))
        if talk.kind == "talk" and self._luck.random() < 0.03 and await self._send_on(agent_leg, shift, talk.business):
            return
        (first if self._luck.random() < 0.65 else second).party_hangs_up()

    async def _send_on(self, leg: SimulatedLeg, shift: Shift, business_id: str) -> bool:
        """Transfer the caller to a colleague who is free; whether that one has taken over."""
        for other in SHIFTS:
            colleague = self._office.desk.agent(other.agent_id)
            if other is shift or colleague is None or business_id not in colleague.serves:
                continue
            if colleague.state == "idle" and colleague.status == "available":
                answer = leg.party_asks_transfer(other.extension)
                for _second in range(40):
                    if not answer.outcome and leg.ended is None:
                        await asyncio.sleep(1)
                return answer.outcome == 200
        return False

    def _call_of(self, leg: SimulatedLeg) -> str:
        return next((run.call_id for run in self._office.runs.values() if leg in run.legs), "")

    async def _take_message(self, call_id: str, talk: Talk, shift: Shift, number: str) -> None:
        def work(db: Database) -> None:
            name = contacts.caller_name(db, talk.business, number)
            message = messages.take_message(
                db,
                business_id=talk.business,
                call_id=call_id,
                taken_by=shift.agent_id,
                from_name=name,
                callback_number=number,
                **talk.message,
            )
            calls.add_event(db, call_id, Kind.MESSAGE_TAKEN, agent_id=shift.agent_id, message_id=message.message_id)

        await self._office.store.write(work)
        self._letters.set()
