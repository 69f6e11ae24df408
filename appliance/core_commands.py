"""What web and commands ask of the core over its socket.

Owns: the table of questions and their answers. Leaves out: the socket (control), what core does by itself (core.py).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.calls import service as calls
from appliance.errors import Conflict, NotFound
from appliance.flows import listening, phone_checks
from appliance.flows.click_to_call import click_to_call, number_to_dial
from appliance.flows.session import TransferRequest, while_present
from appliance.i18n import gettext as _
from appliance.lines import states as trunk_states
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.port import ListenMode

if TYPE_CHECKING:
    from appliance.core import Core


class CallNotLive(Conflict):
    """The call has ended meanwhile."""

    code = "call-not-live"


class CallsWouldEnd(Conflict):
    """A core cannot be replaced under its calls."""

    code = "calls-would-end"


class CoreCommands:
    """Answers for one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def table(self) -> dict[str, Any]:
        """What can be asked, by its name."""
        return {
            "ping": self._ping,
            "status": self._status,
            "config-changed": self._config_changed,
            "agent-changed": self._config_changed,
            "outbox-changed": self._outbox_changed,
            "ring-phone": self._ring_phone,
            "record-prompt": self._record_prompt,
            "hang-up": self._hang_up,
            "transfer": self._transfer,
            "originate": self._originate,
            "leave": self._leave,
            "listen-in": self._listen_in,
        }

    async def _listen_in(self, call_id: str, extension: str, mode: ListenMode) -> dict[str, Any]:
        run = self._core.office.runs.get(call_id)
        if run is None:
            raise CallNotLive(_("This call has ended."))
        if extension not in self._core.office.directory.extension_names:
            raise NotFound(_("There is no such extension."))
        await listening.listen_in(self._core.office, run, extension, mode)
        return {"result": mode}

    async def _leave(self) -> dict[str, Any]:
        if not self._core.switch.outlives_core:
            raise CallsWouldEnd(
                _("The engine %(engine)s is part of the core: its calls would end.", engine=self._core.switch.name),
                hint=_("Stop the office when nobody talks, and start it again."),
            )
        asyncio.get_running_loop().call_later(0.1, self._core.leave_soon)  # once the answer is out
        return {"pid": os.getpid()}

    async def _ping(self, **_values: Any) -> dict[str, Any]:
        return {
            "engine": self._core.switch.name,
            "version": __version__,
            "pid": os.getpid(),
            "started_at": self._core.heart.started_at,
        }

    async def _status(self) -> dict[str, Any]:
        live = await self._core.store.read(calls.live_calls)
        phones = [vars(binding) for binding in self._core.switch.bindings()]
        trunks = await self._core.store.read(trunk_states.list_states)
        return {**await self._ping(), "live_calls": len(live), "phones": phones, "trunks": trunks}

    async def _config_changed(self, **_values: Any) -> dict[str, Any]:
        await self._core.reconfigure()
        return {"version": self._core.office.directory.version}

    async def _outbox_changed(self) -> dict[str, Any]:
        self._core.worker.wake()
        return {}

    async def _ring_phone(self, extension: str) -> dict[str, Any]:
        await phone_checks.ring_phone(self._core.office, extension)
        return {"result": "answered"}

    async def _record_prompt(self, extension: str, business_id: str, prompt: str, language: str) -> dict[str, Any]:
        seconds = await phone_checks.record_prompt(self._core.office, extension, business_id, prompt, language)
        return {"seconds": seconds}

    async def _hang_up(self, call_id: str) -> dict[str, Any]:
        run = self._core.office.runs.get(call_id)
        if run is None:
            raise CallNotLive(_("This call has ended."))
        await run.hang_up()
        return {}

    async def _transfer(self, call_id: str, target: str) -> dict[str, Any]:
        run = self._core.office.runs.get(call_id)
        if run is None or run.caller is None or run.row.get("state") != "talking":
            raise CallNotLive(_("This call has ended."))
        request = TransferRequest(target, asyncio.get_running_loop().create_future())
        await run.transfers.put(request)
        try:
            cause = await while_present(run.caller, request.done)
        except LegGone as gone:
            raise CallNotLive(_("This call has ended.")) from gone
        return {"result": "transferred" if cause is None else cause.value}

    async def _originate(self, agent_id: str, business_id: str, number: str) -> dict[str, Any]:
        agent, business = self._core.desk.agent(agent_id), self._core.office.directory.businesses.get(business_id)
        if agent is None or business is None or business_id not in agent.serves:
            raise NotFound(_("This agent does not serve that business."))
        if agent.state in ("ringing", "in_call"):
            raise CallRejected(Cause.BUSY)
        self._core.carry(click_to_call(self._core.office, agent, business, number_to_dial(self._core.office, number)))
        return {}
