"""What one test has on its bench: an office, phones, trunks, a mail sink; and the clearing away.

Owns: putting peers and office together. Leaves out: what is proved with them.
"""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.peers import tones
from tests.peers.baresip import Baresip
from tests.peers.office import MailSink, Office
from tests.peers.rtp import Rtp
from tests.peers.sipp import Sipp
from tests.peers.softphone import Softphone
from tests.peers.waiting import free_port

NUMBER = "+982188001122"
CALLER_NUMBER = "+989121234567"
OUTSIDE_NUMBER = "+982177001122"
TONE_OF = {
    "greeting": tones.GREETING,
    "closed": tones.CLOSED,
    "no_one_answers": tones.NO_ONE,
    "leave_message": tones.LEAVE,
    "message_saved": tones.SAVED,
}
TONES = {"101": tones.AGENT, "102": tones.SECOND_AGENT}


def password(extension: str) -> str:
    """The SIP password of an extension on the bench."""
    return f"only-for-the-bench-{extension}"


def toml(values: dict[str, Any]) -> str:
    """``key = value`` lines of a TOML table."""

    def one(value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{json.dumps(k)} = {one(v)}" for k, v in value.items()) + " }"
        return json.dumps(value, ensure_ascii=False)

    return "".join(f"{key} = {one(value)}\n" for key, value in values.items())


class Bench:
    """Everything of one test; ``close`` ends all of it, last first."""

    def __init__(self, engine: str, folder: Path, spoken: Path | None = None) -> None:
        self.engine, self.folder = engine, folder
        self.spoken = spoken  # what earlier offices have spoken, so that not each has to speak it anew
        self.mail: MailSink | None = None
        self.the_office: Office | None = None
        self._phones: list[Softphone] = []
        self._baresips: list[Baresip] = []
        self._sipps: list[Sipp] = []
        self._streams: list[Rtp] = []

    async def trunk(self, *, tone: int = tones.CALLER, transport: str = "udp", codec: str = "PCMU") -> Softphone:
        """A carrier's machine: it calls in, and takes the calls that go out."""
        return await self.softphone("carrier", tone=tone, transport=transport, codec=codec)

    async def softphone(self, user: str, secret: str = "", **options: Any) -> Softphone:
        """A phone of our own, not registered."""
        office_port = self.the_office.sip_port if self.the_office else 0
        phone = await Softphone.open(user, secret, **{"office_port": office_port, "tone": tones.CALLER} | options)
        self._phones.append(phone)
        return phone

    async def phone(self, extension: str = "101", *, expires: int = 300, **options: Any) -> Softphone:
        """A phone of our own, registered as an extension of the office."""
        options.setdefault("tone", TONES.get(extension, tones.AGENT))
        phone = await self.softphone(extension, password(extension), **options)
        response = await phone.register(expires=expires)
        assert response.status == 200, response.first
        return phone

    async def baresip(self, extension: str, *, office_port: int | None = None, **options: Any) -> Baresip:
        """A baresip with the account of an extension; registering."""
        options.setdefault("tone", TONES.get(extension, tones.AGENT))
        port = office_port or (self.the_office.sip_port if self.the_office else 0)
        folder = self.folder / f"baresip-{extension}-{len(self._baresips)}"
        phone = await Baresip.start(folder, extension, password(extension), office_port=port, **options)
        self._baresips.append(phone)
        return phone

    async def sipp(self, scenario: str, **options: Any) -> Sipp:
        """A SIPp run in the background."""
        if self.the_office:
            options.setdefault("office_port", self.the_office.sip_port)
        options.setdefault("port", free_port())
        run = await Sipp.start(self.folder / "sipp", scenario, **options)
        self._sipps.append(run)
        return run

    async def reference(self) -> Rtp:
        """What a tone looks like here and now that goes from us to us, past the office: the measure of this machine."""
        sends, hears = await Rtp.open(tones.OUTSIDE), await Rtp.open(tones.OUTSIDE)
        self._streams += [sends, hears]
        sends.start(("127.0.0.1", hears.port))
        return hears

    async def office(
        self,
        trunk: Softphone | int | None,
        *,
        agents: Sequence[str] = ("101",),
        business: dict[str, Any] | None = None,
        trunk_more: dict[str, Any] | None = None,
        mail: bool = False,
        env: dict[str, str] | None = None,
        home: Path | None = None,
        start: bool = True,
        spoken: bool = False,
    ) -> Office:
        """A running office: one business, its agents, the trunk at that port.

        Its announcements are short tones, unless they are to be ``spoken`` (a greeting given always is).
        """
        office = Office(home or self.folder / "home", self.engine, self.folder, env or {})
        self.the_office = office
        if mail:
            self.mail = MailSink()
            self.mail.start()
        port = trunk.port if isinstance(trunk, Softphone) else trunk
        await office.apply(self.office_file(port, agents, business or {}, trunk_more or {}))
        if self.spoken and self.spoken.is_dir():
            shutil.copytree(self.spoken, office.home / "prompts" / "spoken", dirs_exist_ok=True)
        if not spoken:
            office.replace_announcements({k: v for k, v in TONE_OF.items() if k not in (business or {})})
        if start:
            await asyncio.gather(office.start(), office.make_token())
        for phone in self._phones:
            phone.office = ("127.0.0.1", office.sip_port)
        return office

    def office_file(
        self, trunk_port: int | None, agents: Sequence[str], business: dict[str, Any], trunk: dict[str, Any]
    ) -> str:
        """The office file of the bench."""
        head: dict[str, Any] = {"name": "Nasim House", "timezone": "Asia/Tehran", "language": "en"}
        head["owner"] = {"email": "owner@example.com"}
        if self.mail:
            head["smtp"] = {"host": "127.0.0.1", "port": self.mail.port, "from": "frontdesk@example.com"}
        text = "[office]\n" + toml(head)
        if trunk_port:
            peer = {"id": "primary", "kind": "peer", "host": f"127.0.0.1:{trunk_port}"} | trunk
            text += "\n[[trunk]]\n" + toml(peer)
        first: dict[str, Any] = {
            "id": "bakery",
            "name": "Nasim Bakery",
            "language": "en",
            "numbers": [NUMBER],
            "greeting": "Nasim Bakery.",
            "answer_as": "Nasim Bakery, good day, how may I help you?",
            "ring_seconds": 20,
            "messages_to": ["owner@example.com"],
        }
        text += "\n[[business]]\n" + toml(first | business)
        for extension in agents:
            agent = {"id": f"agent{extension}", "name": f"Agent {extension}", "extension": extension}
            agent |= {"sip_password": password(extension), "serves": {"bakery": "shared"}}
            text += "\n[[agent]]\n" + toml(agent)
        return text

    async def close(self) -> None:
        """End everything."""
        for run in self._sipps:
            await run.stop()
        for stream in self._streams:
            await stream.close()
        for baresip in self._baresips:
            await baresip.stop()
        if self.the_office:
            await self.the_office.stop()
            self.the_office.end_switch()
            made = self.the_office.home / "prompts" / "spoken"
            if self.spoken and made.is_dir():
                shutil.copytree(made, self.spoken, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "*.part"))
        for phone in self._phones:
            await phone.close()
        if self.mail:
            self.mail.stop()
