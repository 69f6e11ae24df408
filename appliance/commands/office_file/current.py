"""The office in the store, in the words of the office file."""

from typing import Any

from sqlite_utils import Database

from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.commands.office_file.reading import State, Thing
from appliance.extensions import service as extensions
from appliance.lines import service as lines
from appliance.menus import service as menus
from appliance.menus.models import Menu
from appliance.office import service as office

OFFICE_FIELDS = {
    "name": "name",
    "timezone": "timezone",
    "language": "language",
    "owner.email": "owner_email",
    "smtp.host": "smtp_host",
    "smtp.port": "smtp_port",
    "smtp.from": "smtp_from",
    "smtp.username": "smtp_username",
    "smtp.password": "smtp_password",
    "smtp.security": "smtp_security",
}


def nothing() -> State:
    """The state before there is an office."""
    return {"office": {}, "trunk": {}, "business": {}, "agent": {}, "menu": {}, "phone": {}}


def read(db: Database) -> State:
    """What is there now, secrets included."""
    state = nothing()
    there = office.find_office(db)
    if there is not None:
        state["office"][""] = {key: getattr(there, field) for key, field in OFFICE_FIELDS.items()}
    for place, trunk in enumerate(lines.list_trunks(db)):
        state["trunk"][trunk.trunk_id] = _trunk(trunk, place)
    for place, business in enumerate(businesses.list_businesses(db)):
        state["business"][business.business_id] = _business(business, place)
    passwords = {e.extension: e for e in extensions.list_extensions(db)}
    for agent in agents.list_agents(db):
        phone = passwords.pop(agent.extension)
        state["agent"][agent.agent_id] = {
            "id": agent.agent_id,
            "name": agent.name,
            "extension": agent.extension,
            "sip_password": phone.sip_password,
            "email": agent.email,
            "serves": dict(agent.serves),
        }
    for extension, phone in passwords.items():
        state["phone"][extension] = {"extension": extension, "name": phone.name, "sip_password": phone.sip_password}
    for place, menu in enumerate(menus.list_menus(db)):
        state["menu"][menu.menu_id] = _menu(menu, place)
    return state


def _menu(menu: Menu, place: int) -> Thing:
    return {**menus.as_words(menu), "place": place}


def _trunk(trunk: Any, place: int) -> Thing:
    return {
        "id": trunk.trunk_id,
        "kind": trunk.kind,
        "host": trunk.host,
        "transport": trunk.transport,
        "username": trunk.username,
        "password": trunk.password,
        "place": place,
    }


def _business(business: Any, place: int) -> Thing:
    return {
        "id": business.business_id,
        "name": business.name,
        "language": business.language,
        "timezone": business.timezone,
        "numbers": business.numbers,
        "greeting": business.greeting,
        "answer_as": business.answer_as,
        "hours": dict(business.hours),
        "holidays": business.holidays,
        "exceptions": dict(business.exceptions),
        "ring_seconds": business.ring_seconds,
        "voicemail_seconds": business.voicemail_seconds,
        "messages_to": business.messages_to,
        "place": place,
    }


def stored_secrets(state: State) -> frozenset[tuple[str, str]]:
    """The trunks whose password the store has."""
    return frozenset(("trunk", name) for name, trunk in state["trunk"].items() if trunk["password"])
