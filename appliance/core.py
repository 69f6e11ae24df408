"""The core: everything that carries calls, put together: switch, flows, deliveries and control.

Owns: its life, its configuration, holding the books against what is carried. Leaves out: what others ask of it
(core_commands.py), its process (daemon.py).
"""

import asyncio
import dataclasses
import gc
import logging
import os
import sqlite3
from collections.abc import Coroutine, Iterable
from typing import Any, NoReturn

from appliance import __version__, config, i18n
from appliance.calls import service as calls
from appliance.control.server import ControlServer
from appliance.core_commands import CoreCommands
from appliance.deliveries.worker import DeliveryWorker
from appliance.errors import FrontdeskError
from appliance.extensions import registrations
from appliance.flows import recovery, router, standby_books, taking_up
from appliance.flows.books import Books
from appliance.flows.desk import Desk
from appliance.flows.directory import Directory
from appliance.flows.directory import load as load_directory
from appliance.flows.session import Office
from appliance.flows.standby import with_sounds
from appliance.lines import states as trunk_states
from appliance.menus.service import spoken_by
from appliance.prompts.library import PromptLibrary, wanted_by_business, wanted_by_office
from appliance.prompts.models import Wanted
from appliance.store import Store, config_version
from appliance.store.core_status import Heart
from appliance.switch.events import CallOffered, PhonesChanged, TrunkChanged
from appliance.switch.loader import load as load_switch
from appliance.switch.port import Binding, Survivor

log = logging.getLogger(__name__)

CONFIG_POLL_SECONDS = 1.0
RECONCILE_SECONDS = 5.0
DRAIN_SECONDS = 5.0
LEAVE_SECONDS = 2.0
AWAY_SECONDS = 2.5  # FreeSWITCH waits five seconds at least, and the last word may be two seconds old


class Core:
    """Everything that runs in the core."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database)
        self.switch = load_switch(settings)
        self.sounds = PromptLibrary(settings, self.store)
        self.control = ControlServer(settings.socket, CoreCommands(self).table())
        self.books = Books(self.store)
        self.desk = Desk(self.books, lambda ext: bool(self.switch.bindings(ext)), self.control.publish)
        self.office = Office(
            settings, self.store, self.switch, self.sounds, self.desk, self.books, self.control.publish
        )
        self.worker = DeliveryWorker(self.store, settings, lambda: self.control.publish({"event": "outbox"}))
        self.heart = Heart(settings.database, self.switch.name, __version__)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._warming: asyncio.Task[None] | None = None
        self._configuring = asyncio.Lock()
        self.has_started_switch = False

    # --- life ---

    async def start(self) -> None:
        """Close what a crash left open, take the configuration, listen. Raises PortTaken."""
        directory = await self.store.read(load_directory)
        self._take(directory)
        known = await self.store.read(registrations.list_registrations)
        await self.switch.start(directory.switch, [Binding(**phone) for phone in known])
        self.has_started_switch = True
        going_on, strangers = await self._close_the_past()
        await self.desk.reconcile()
        for call in going_on:
            self.carry(taking_up.take_up(self.office, call))
        self._deal_with(strangers)
        await self.control.start()
        await self.heart.start()
        works = [self._watch_switch(), self._watch_config(), self._reconcile(), self.worker.run()]
        if self.switch.outlives_core:
            works.append(self._notice_own_absence())
        for work in works:
            self._spawn(work)
        self._warm(directory)
        # what stands now stays: the collector need not walk it again in the middle of a call's 20 ms
        gc.collect()
        gc.freeze()

    async def _close_the_past(self) -> tuple[list[taking_up.GoingOn], list[Survivor]]:
        """Bring the books to where the calls are; those that go on, and legs that belong to none of them."""
        before = await self.store.read(calls.live_calls)
        meanwhile = await self.switch.meanwhile(call.leg_id for call in before if call.leg_id)
        settings, region = self.settings, self.office.directory.region
        await self.books.write(lambda db: standby_books.take_in(db, settings, region, meanwhile), patience_seconds=None)
        live = await self.store.read(calls.live_calls)
        going_on, strangers = taking_up.sort_out(live, self.switch.survivors())
        kept = {one.call.call_id for one in going_on}
        ends = {one.leg_id: one for one in meanwhile if one.ended is not None}
        await self.books.write(
            lambda db: recovery.close_what_was_cut_off(db, settings, going_on=kept, ends=ends), patience_seconds=None
        )
        await self._forget(ends)
        return going_on, strangers

    async def _forget(self, leg_ids: Iterable[str]) -> None:
        """What is in the books need not be kept by the switch; what waits for the disk is not in the books."""
        if not self.books.kept:
            for leg_id in leg_ids:
                await self.switch.forget(leg_id)

    async def _enter_what_went_by(self) -> None:
        """Calls that the switch dealt with while it could not reach us, though we were there."""
        carried = {run.caller.leg_id for run in self.office.runs.values() if run.caller}
        over = [one for one in await self.switch.meanwhile() if one.ended and one.leg_id not in carried]
        if over:
            settings, region = self.settings, self.office.directory.region
            await self.books.write(lambda db: standby_books.settle(db, settings, region, over), patience_seconds=None)
            await self._forget(one.leg_id for one in over)

    def _deal_with(self, strangers: list[Survivor]) -> None:
        new, orphans = taking_up.strangers(strangers)
        for leg in new:
            self.carry(router.take(self.office, leg))
        for leg in orphans:
            self.office.keep(leg.hang_up())

    async def stop(self) -> None:
        """Hang up, write everything down, close. Safe to repeat."""
        for task in self._calls:
            task.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=DRAIN_SECONDS)
        await self.switch.stop()
        if self._warming:
            self._warming.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sounds.close()
        await self.control.stop()
        await self.heart.stop()
        await self.books.settle(DRAIN_SECONDS)
        self.store.close()

    def leave_soon(self) -> None:
        """For an update of the core alone (SIGHUP)."""
        self.office.keep(self.leave())

    async def leave(self, status: int = 0) -> NoReturn:
        """End this process without a word to the calls: the switch sees to them until the next core takes them up."""
        await self.books.settle(LEAVE_SECONDS)
        logging.shutdown()
        os._exit(status)

    @staticmethod
    async def _notice_own_absence() -> None:
        """Who has hung so long finds its calls in other hands, and begins anew. Raises RuntimeError."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(1.0)
            if (away := loop.time() - before) > AWAY_SECONDS:
                raise RuntimeError(f"the core stood still for {away:.0f} s")

    async def failed(self) -> None:
        """Wait until one of the core's own tasks ends, which none may; raises its error."""
        done, _pending = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError("a task of the core has ended")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    # --- configuration ---

    def _take(self, directory: Directory) -> None:
        self.office.directory = directory
        self.desk.configure(directory.agents.values())
        i18n.set_language(directory.language)

    def _warm(self, directory: Directory) -> None:
        wanted = [
            one
            for b in directory.businesses.values()
            for one in [
                *wanted_by_business(b.business_id, b.name, b.language, b.greeting),
                *(Wanted(name, b.language, b.business_id, b.name, text) for name, text in spoken_by(b.answering.menus)),
                *([Wanted("wrong_key", b.language)] if b.answering.menus else []),
            ]
        ]
        if self._warming:
            self._warming.cancel()
        self._warming = asyncio.create_task(
            self._make_sounds(directory, [*wanted, *wanted_by_office(directory.language)])
        )

    async def _make_sounds(self, directory: Directory, wanted: list[Any]) -> None:
        self.switch.hold_music = await self.sounds.music(patience=None)
        await self.sounds.warm(wanted)
        standby = await with_sounds(directory.switch.standby, directory.businesses, self.sounds)
        if standby:
            try:
                async with self._configuring:
                    await self.switch.configure(dataclasses.replace(directory.switch, standby=standby))
            except FrontdeskError as error:
                log.warning("the switch has not taken what it says when no core is there: %s", error)

    async def reconfigure(self) -> None:
        """Read the configuration anew and hand on what changed; calls under way go on."""
        async with self._configuring:
            directory = await self.store.read(load_directory)
            changed = directory != self.office.directory
            if changed:
                await self.switch.configure(directory.switch)
            self._take(directory)  # after the switch: what it could not take is tried again
            if changed:
                self._warm(directory)
            await self.desk.reconcile()
            self.control.publish({"event": "config"})
            self.worker.wake()

    async def _watch_config(self) -> None:
        while True:
            await asyncio.sleep(CONFIG_POLL_SECONDS)
            try:
                if await self.store.read(config_version.read) != self.office.directory.version:
                    await self.reconfigure()
            except Exception:  # the office goes on with the configuration it has
                log.exception("the configuration cannot be taken")
                await asyncio.sleep(RECONCILE_SECONDS)

    async def _reconcile(self) -> None:
        """Hold the books against what is really carried; what a full disk kept from being written is written here."""
        while True:
            await asyncio.sleep(RECONCILE_SECONDS)
            try:
                if not await self.books.catch_up():
                    continue
                live = set(self.office.runs)
                if any(c.call_id not in live for c in await self.store.read(calls.live_calls)):
                    closed = await self.store.write(recovery.close_phantoms, self.settings, live)
                    if closed:
                        log.warning("calls closed that nobody carried: %s", closed)
                await self.desk.reconcile(set(self.office.runs))
                await self._enter_what_went_by()
            except sqlite3.Error as error:
                log.error("the books cannot be written: %s", error)
            except Exception:  # the calls under way matter more
                log.exception("the books cannot be held against what is carried")

    # --- the switch ---

    async def _watch_switch(self) -> None:
        async for event in self.switch.events():
            match event:
                case CallOffered(leg):  # never behind a disk that is slow with a hundred phones
                    self.carry(router.take(self.office, leg))
                case PhonesChanged(extension):
                    self.office.keep(self._note_phones(extension))
                case TrunkChanged(trunk_id, state, reason):
                    self.office.keep(self._note_trunk(trunk_id, state, reason))

    async def _note_phones(self, extension: str) -> None:
        phones = [vars(binding) for binding in self.switch.bindings(extension)]
        await self.books.write(lambda db: registrations.save_registrations(db, extension, phones))
        await self.desk.phones_changed()
        self.control.publish({"event": "phones", "extension": extension})

    async def _note_trunk(self, trunk_id: str, state: str, reason: str) -> None:
        await self.books.write(lambda db: trunk_states.save_state(db, trunk_id, state, reason))
        self.control.publish({"event": "trunk", "trunk_id": trunk_id})

    def carry(self, call: Coroutine[Any, Any, None]) -> None:
        """Run a call to its end; a fault in it ends no other."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a call ended in a fault; what its books lack the reconciler writes", exc_info=error)
