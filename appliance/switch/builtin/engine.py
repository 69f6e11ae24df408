"""The built-in engine: the Switch port over our own SIP and RTP.

Owns: putting the rooms together, start and stop, the configuration. Leaves out: everything the rooms do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from appliance.config import Settings
from appliance.switch.builtin.digest import Doorkeeper
from appliance.switch.builtin.dispatch import Dispatcher
from appliance.switch.builtin.exchange import Exchange
from appliance.switch.builtin.incoming import IncomingLeg
from appliance.switch.builtin.legs import BaseLeg
from appliance.switch.builtin.media import PortPool, PortsExhausted, RecorderThread, RtpEndpoint
from appliance.switch.builtin.outgoing import OutgoingLeg
from appliance.switch.builtin.registrar import Registrar
from appliance.switch.builtin.shield import Shield
from appliance.switch.builtin.targets import to_phones, to_trunk
from appliance.switch.builtin.timers import Timers
from appliance.switch.builtin.transactions import Transactions
from appliance.switch.builtin.transport import Sockets
from appliance.switch.builtin.trunk_client import State, TrunkClient, concrete_host
from appliance.switch.builtin.trunks import Trunks
from appliance.switch.builtin.wire import Place
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone, SwitchError
from appliance.switch.events import CallOffered, PhonesChanged, SwitchEvent, TrunkChanged
from appliance.switch.port import (
    Binding,
    ExtensionTarget,
    Leg,
    Party,
    PhoneAccount,
    Switch,
    SwitchConfig,
    Target,
    TrunkAccount,
)

log = logging.getLogger(__name__)

EndpointFactory = Callable[[], Awaitable[RtpEndpoint]]


class BuiltinSwitch(Switch):
    """SIP and RTP in this process."""

    name = "builtin"

    def __init__(
        self, settings: Settings, *, endpoint_factory: EndpointFactory | None = None, timers: Timers | None = None
    ) -> None:
        """``endpoint_factory`` and ``timers`` are for tests."""
        self._settings = settings
        self._endpoint_factory = endpoint_factory
        self._timers = timers
        self._events: asyncio.Queue[SwitchEvent | None] = asyncio.Queue()
        self._phones: dict[str, PhoneAccount] = {}
        self._clients: dict[str, TrunkClient] = {}
        self._resolving: set[asyncio.Task[list[str]]] = set()
        self._recorder: RecorderThread | None = None
        self._hold_music: Path | None = None
        self._is_running = False
        self.ports: PortPool | None = None
        self.shield: Shield
        self.registrar: Registrar
        self.exchange: Exchange

    @property
    def hold_music(self) -> Path | None:
        """What a party hears while the other holds it; None: silence."""
        return self._hold_music

    @hold_music.setter
    def hold_music(self, sound: Path | None) -> None:
        self._hold_music = sound
        if self._is_running:
            self.exchange.hold_music = sound

    # --- life ---
    async def start(self, config: SwitchConfig, bindings: Sequence[Binding] = ()) -> None:
        """See port.Switch."""
        self.registrar = Registrar(lambda extension: self._tell(PhonesChanged(extension)))
        sockets = Sockets(
            lambda data, place: self._dispatcher.take_packet(data, place), self._lost, self._is_known_host
        )
        transactions = Transactions(
            sockets.send,
            lambda transaction: self._dispatcher.take_request(transaction),
            lambda ack: self._dispatcher.take_ack(ack),
            self._timers,
        )
        self.exchange = Exchange(self._settings, sockets, transactions, self._open_endpoint)
        self.exchange.hold_music = self._hold_music
        self._trunks = Trunks(self.exchange.resolver)
        self.shield = Shield(time.monotonic, self._is_known_host)
        self._dispatcher = Dispatcher(
            shield=self.shield,
            doorkeeper=Doorkeeper(time.monotonic, self._password_of),
            registrar=self.registrar,
            trunks=self._trunks,
            on_call=self._offered,
            on_trunk_heard=self._trunk_heard,
        )
        self._dispatcher.exchange = self.exchange
        if self._endpoint_factory is None:
            self.ports = PortPool(self._settings.bind, self._settings.rtp_first, self._settings.rtp_last)
            self._recorder = RecorderThread()
            self._recorder.start()
        try:
            await sockets.open(self._settings.bind, self._settings.sip_port)
        except (OSError, SwitchError):
            self._stop_recorder()
            raise
        self._is_running = True
        await self.configure(config)
        known = {account.extension for account in config.phones}
        self.registrar.give_back([binding for binding in bindings if binding.extension in known])

    async def stop(self) -> None:
        """See port.Switch."""
        if not self._is_running:
            return
        self._is_running = False
        self._dispatcher.is_closing = True
        await asyncio.gather(*(leg.hang_up(Cause.INTERRUPTED) for leg in list(self.exchange.legs)))
        await asyncio.gather(*(client.stop() for client in self._clients.values()))
        self._clients.clear()
        await self._wait_for_answers()
        for task in list(self._resolving):
            task.cancel()
        self.exchange.transactions.close()
        self.registrar.close()
        await self.exchange.settle()
        await self.exchange.sockets.close()
        self._stop_recorder()
        self._events.put_nowait(None)

    async def _wait_for_answers(self) -> None:
        """Give BYEs and unregistrations a moment: at the default timers two seconds, three tries."""
        deadline = self.exchange.loop.time() + 4 * self.exchange.transactions.timers.t1
        while self.exchange.transactions.waiting() and self.exchange.loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _stop_recorder(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None

    # --- configuration ---
    async def configure(self, config: SwitchConfig) -> None:
        """See port.Switch."""
        self._configure_phones({account.extension: account for account in config.phones})
        wanted = {account.trunk_id: account for account in config.trunks}
        gone = [c for name, c in self._clients.items() if wanted.get(name) != c.account]
        for client in gone:
            del self._clients[client.account.trunk_id]
        self._trunks.configure(config.trunks)
        await asyncio.gather(*(client.stop() for client in gone))
        for name, account in wanted.items():
            if name not in self._clients:
                self._watch(account)

    def _configure_phones(self, wanted: dict[str, PhoneAccount]) -> None:
        before, self._phones = self._phones, wanted
        changed = False
        for extension in before.keys() | wanted.keys():
            old, new = before.get(extension), wanted.get(extension)
            if old is not None and (new is None or new.password != old.password):
                self.registrar.forget(extension)
            changed = changed or (old and old.password) != (new and new.password)
        if changed:
            self.shield.forgive_all()

    def _watch(self, account: TrunkAccount) -> None:
        client = TrunkClient(self.exchange, account, self._trunk_changed)
        self._clients[account.trunk_id] = client
        host = concrete_host(account)
        if host:  # so that its first call is known as its own
            task = asyncio.create_task(self.exchange.resolver.addresses(host), name=f"resolve {host}")
            self._resolving.add(task)
            task.add_done_callback(self._resolving.discard)
        client.start()

    def _is_known_host(self, host: str) -> bool:
        return self.registrar.knows_host(host) or self._trunks.is_known_host(host)

    def _password_of(self, extension: str) -> str | None:
        account = self._phones.get(extension)
        return account.password if account is not None and account.password else None

    # --- events ---
    def _tell(self, event: SwitchEvent) -> None:
        self._events.put_nowait(event)

    def _offered(self, leg: IncomingLeg) -> None:
        log.info(
            "leg=%s sip_call_id=%s offered origin=%s dialled=%s", leg.leg_id, leg.sip_call_id, leg.origin, leg.dialled
        )
        self._tell(CallOffered(leg))

    def _trunk_changed(self, trunk_id: str, state: State, reason: str) -> None:
        self._tell(TrunkChanged(trunk_id, state, reason))

    def _trunk_heard(self, trunk_id: str) -> None:
        client = self._clients.get(trunk_id)
        if client is not None:
            client.heard()

    def _lost(self, place: Place) -> None:
        self.exchange.transactions.lost(place)
        self.registrar.lost(place)

    async def events(self) -> AsyncIterator[SwitchEvent]:
        """See port.Switch; ends when the engine stops."""
        while (event := await self._events.get()) is not None:
            yield event

    def bindings(self, extension: str | None = None) -> Sequence[Binding]:
        """See port.Switch."""
        return self.registrar.bindings(extension)

    # --- calls ---
    async def call(
        self,
        target: Target,
        *,
        show: Party,
        headers: dict[str, str] | None = None,
        tag: str = "",
        waiting: Leg | None = None,
    ) -> Leg:
        """See port.Switch."""
        if not self._is_running:
            raise CallRejected(Cause.INTERRUPTED)
        if isinstance(target, ExtensionTarget):
            bindings = self.registrar.bindings(target.extension)
            destinations = to_phones(self.exchange, target.extension, bindings, show, headers or {})
            party, dialled = self._party_of(target.extension), target.extension
        else:
            account = self._trunks.accounts.get(target.trunk_id)
            if account is None:
                raise CallRejected(Cause.SERVICE_UNAVAILABLE, sip_status=503)
            destinations = [await to_trunk(self.exchange, account, target.number, show, headers or {})]
            party, dialled = Party(target.number), target.number
        leg = OutgoingLeg(self.exchange, destinations, party, dialled)
        try:
            await leg.open_audio(destinations[0].dialog.source)
        except LegGone as error:
            raise CallRejected(error.cause) from error
        except (PortsExhausted, OSError) as error:
            leg.finish(Cause.CONGESTION, by_party=False)
            raise CallRejected(Cause.CONGESTION, sip_status=503) from error
        except asyncio.CancelledError:
            leg.finish(Cause.CANCELLED, by_party=False)
            raise
        leg.start()
        return leg

    def _party_of(self, extension: str) -> Party:
        account = self._phones.get(extension)
        return Party(extension, account.name if account is not None else "")

    async def bridge(self, first: Leg, second: Leg) -> None:
        """See port.Switch."""
        if not isinstance(first, BaseLeg) or not isinstance(second, BaseLeg) or first is second:
            raise ValueError("a bridge is between two legs of this engine")
        first.bridge_with(second)

    async def unbridge(self, leg: Leg) -> None:
        """See port.Switch."""
        if isinstance(leg, BaseLeg):
            leg.part()

    async def _open_endpoint(self) -> RtpEndpoint:
        if self._endpoint_factory is not None:
            return await self._endpoint_factory()
        assert self.ports is not None
        assert self._recorder is not None
        return await RtpEndpoint.open(self.ports, self._recorder)
