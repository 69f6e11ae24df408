"""Carrying a caller through the plan of a call: greeting, menus, announcements, a person, a number, a message."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from appliance.calls.models import Kind
from appliance.flows.conversation import converse
from appliance.flows.dialling import place
from appliance.flows.directory import Business
from appliance.flows.session import CallRun, while_present
from appliance.flows.voicemail import leave_message
from appliance.menus import rules
from appliance.menus import service as menus
from appliance.menus.models import KEYS, Journey, Menu, Outcome
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import DigitPressed, LegEvent
from appliance.switch.port import Leg

BETWEEN_SECONDS = 2.0  # between the digits of an extension

Serve = Callable[[], Awaitable[None]]


async def walk(run: CallRun, caller: Leg, business: Business, journey: Journey | None, serve: Serve) -> None:
    """From step to step to the end; ``serve`` finds an agent. Raises LegGone."""
    keys = _Keys(caller)
    try:
        while journey is not None:
            if journey.step.kind == "menu":
                digits = await _ask(run, caller, business, journey, keys)
                journey = rules.pressed(business.answering, journey, digits)
                await run.note(Kind.CHOSE, digits=digits, choice=journey.step.kind, target=journey.step.target[:80])
            else:
                outcome = await _perform(run, caller, business, journey, serve)
                journey = rules.onward(business.answering, journey, outcome)
    finally:
        await keys.close()


async def _perform(run: CallRun, caller: Leg, business: Business, journey: Journey, serve: Serve) -> Outcome:
    step = journey.step
    match step.kind:
        case "refuse":
            await run.note(Kind.REFUSED, cause=Cause.REJECTED.value)
            await caller.reject(Cause.REJECTED)
        case "greet":
            await run.note(Kind.GREETED)
            await caller.play([await run.prompt("greeting")], stop_on=KEYS if business.answering.menus else "")
        case "closed":
            await run.note(Kind.CLOSED, why=step.why)
            await caller.play([await run.prompt("closed")])
        case "announcement":
            await caller.play([await _announcement(run, business, journey)], stop_on=KEYS)
        case "person" | "number":
            return await _connect(run, caller, business, step.target, is_inside=step.kind == "person")
        case "voicemail":
            await leave_message(run, caller, business, step.why)
        case _:
            await serve()
    return "done"


async def _ask(run: CallRun, caller: Leg, business: Business, journey: Journey, keys: "_Keys") -> str:
    """Play a menu and wait for a key, or for the digits of an extension; "" when none came in time."""
    menu = business.answering.menus[journey.step.target]
    await run.note(Kind.MENU, menu_id=menu.menu_id)
    if keys.is_empty:
        sounds = [await run.spoken(menus.prompt_of(menu.menu_id), menu.text)]
        if journey.misses and keys.last:  # silence is no wrong key
            sounds.insert(0, await run.prompt("wrong_key"))
        await caller.play(sounds, stop_on=KEYS)
    return await while_present(caller, _digits(business, menu, keys))


async def _digits(business: Business, menu: Menu, keys: "_Keys") -> str:
    digits = keys.last = await keys.next(menu.timeout_seconds)
    while digits and rules.wants_more(business.answering, menu, digits):
        more = await keys.next(BETWEEN_SECONDS)
        if not more:
            break
        digits += more
    return digits


async def _announcement(run: CallRun, business: Business, journey: Journey) -> Path:
    menu = business.answering.menus[journey.path[-1]]
    key = next((k for k, c in menu.keys.items() if c.kind == "announcement" and c.target == journey.step.target), "")
    return await run.spoken(menus.prompt_of(menu.menu_id, key), journey.step.target)


async def _connect(run: CallRun, caller: Leg, business: Business, dialled: str, *, is_inside: bool) -> Outcome:
    """Ring somebody and let them talk; failed when nobody answers. Raises LegGone when the caller has gone."""
    cause = Cause.NO_ANSWER
    try:
        if is_inside and dialled not in run.office.directory.extension_names:
            raise CallRejected(Cause.UNKNOWN_NUMBER)  # never over a line: an extension that is gone is no number
        await run.note(Kind.WAITING)
        await caller.start_music(await run.office.sounds.music())
        async with asyncio.timeout(business.ring_seconds):
            line = await while_present(caller, place(run, dialled, caller.party, waiting=caller))
        await converse(run, caller, line.leg, line.agent)
    except CallRejected as rejected:
        cause = rejected.cause
    except TimeoutError:
        pass
    except LegGone as gone:
        if caller.ended is not None:
            raise
        cause = gone.cause
    else:
        return "ended"
    if run.row["answered_at"]:  # they talked, and are gone
        return "ended"
    await run.note(Kind.TRANSFER_FAILED, target=dialled, cause=cause.value)
    return "failed"


class _Keys:
    """What the caller presses, kept from the first key on: none is lost between two sounds."""

    def __init__(self, caller: Leg) -> None:
        self.last = ""
        self._pressed: asyncio.Queue[str] = asyncio.Queue()
        self._task = asyncio.create_task(self._listen(caller.events()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is pressed that has not been taken."""
        return self._pressed.empty()

    async def next(self, seconds: float) -> str:
        """The next key; "" when none comes in time."""
        try:
            async with asyncio.timeout(seconds):
                return await self._pressed.get()
        except TimeoutError:
            return ""

    async def close(self) -> None:
        """Listen no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self, events: AsyncIterator[LegEvent]) -> None:
        async for event in events:
            if isinstance(event, DigitPressed) and event.digit in KEYS:
                self._pressed.put_nowait(event.digit)
