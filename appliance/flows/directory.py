"""Everything a call needs to know of the configuration, read once per change and kept in memory.

So that a call is answered without waiting for a disk.
"""

import contextlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from appliance import clock, fields, phone_numbers
from appliance.agents import service as agents
from appliance.agents.models import Agent
from appliance.errors import FrontdeskError
from appliance.hours import rules as hours_rules
from appliance.hours import service as hours
from appliance.hours.holidays import NationalHolidays
from appliance.hours.models import Timetable, Week
from appliance.menus import service as menus
from appliance.menus.models import Answering
from appliance.store import config_version
from appliance.switch.port import PhoneAccount, Standby, SwitchConfig, TrunkAccount

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Business:
    """A client whose calls are answered, as the flows see it."""

    business_id: str
    name: str
    language: str
    timezone: str
    greeting: str
    answering: Answering
    ring_seconds: int
    voicemail_seconds: int
    numbers: tuple[str, ...]


@dataclass
class Directory:
    """One version of the configuration."""

    version: int = 0
    language: str = "en"
    region: str | None = None
    businesses: dict[str, Business] = field(default_factory=dict)
    business_of_number: dict[str, str] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    extension_names: dict[str, str] = field(default_factory=dict)
    switch: SwitchConfig = field(default_factory=SwitchConfig)

    def business_called(self, dialled: str) -> Business | None:
        """Which business a dialled number belongs to: E.164, national, or with the plus left out by a carrier."""
        for form in self._forms(dialled):
            if form in self.business_of_number:
                return self.businesses[self.business_of_number[form]]
        return None

    def _forms(self, dialled: str) -> list[str]:
        forms = [dialled, "+" + dialled.lstrip("+")]
        with contextlib.suppress(phone_numbers.BadNumber):
            forms.append(phone_numbers.to_e164(dialled, self.region))
        return forms

    def outbound_trunks(self) -> list[str]:
        """Trunks over which a number can be dialled, in order; a network of devices is none."""
        return [t.trunk_id for t in self.switch.trunks if "/" not in t.host]


def load(db: Database) -> Directory:
    """Read the configuration as it stands."""
    office = next(iter(db.query("SELECT * FROM office")), None)
    if office is None:
        return Directory()
    numbers: dict[str, list[str]] = {}
    for row in db.query("SELECT number, business_id FROM numbers ORDER BY position, number"):
        numbers.setdefault(row["business_id"], []).append(row["number"])
    people = {a.agent_id: a for a in agents.list_agents(db)}
    businesses = {
        row["business_id"]: Business(
            business_id=row["business_id"],
            name=row["name"],
            language=row["language"],
            timezone=row["timezone"] or office["timezone"],
            greeting=row["greeting"],
            answering=Answering(
                _timetable(row, row["timezone"] or office["timezone"]),
                {m.menu_id: m for m in menus.list_menus(db, row["business_id"])},
                agents.extensions_serving(people.values(), row["business_id"]),
            ),
            ring_seconds=row["ring_seconds"],
            voicemail_seconds=row["voicemail_seconds"],
            numbers=tuple(numbers.get(row["business_id"], ())),
        )
        for row in db.query("SELECT * FROM businesses ORDER BY position, name")
    }
    extensions = list(db.query("SELECT * FROM extensions ORDER BY extension"))
    return Directory(
        version=config_version.read(db),
        language=office["language"],
        region=fields.region_of(office["timezone"]),
        businesses=businesses,
        business_of_number={n: b.business_id for b in businesses.values() for n in b.numbers},
        agents=people,
        extension_names={e["extension"]: e["name"] for e in extensions},
        switch=SwitchConfig(
            phones=tuple(PhoneAccount(e["extension"], e["sip_password"], e["name"]) for e in extensions),
            trunks=tuple(
                TrunkAccount(t["trunk_id"], t["kind"], t["host"], t["transport"], t["username"], t["password"])
                for t in db.query("SELECT * FROM trunks ORDER BY position, trunk_id")
            ),
            standby=tuple(_standby(b, people.values()) for b in businesses.values() if b.numbers),
        ),
    )


def _timetable(row: dict[str, Any], timezone: str) -> Timetable:
    """When a business is open; hours that cannot be read keep nobody from being answered."""
    try:
        timetable = hours.timetable(
            json.loads(row["hours"]),
            timezone,
            exceptions=json.loads(row["exceptions"]),
            holidays=row["holidays"],
            closed_since=row["closed_since"],
            closed_until=row["closed_until"],
        )
        if isinstance(timetable.holidays, NationalHolidays):
            timetable = replace(timetable, holidays=timetable.holidays.known())  # a call never waits for an almanac
        hours_rules.opening(timetable, clock.now())
    except (FrontdeskError, ValueError, KeyError):  # KeyError: zoneinfo's for a zone this machine lacks
        log.exception("business=%s its hours cannot be read", row["business_id"])
        return Timetable(Week({}, always=True), "UTC")
    return timetable


def _standby(business: Business, people: Iterable[Agent]) -> Standby:
    # whatever their status: with no core there is nobody who minds it
    return Standby(
        business_id=business.business_id,
        numbers=business.numbers,
        extensions=tuple(sorted(a.extension for a in people if business.business_id in a.serves)),
        ring_seconds=business.ring_seconds,
        voicemail_seconds=business.voicemail_seconds,
    )
