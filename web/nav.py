"""The menu: what stands in it for whom, and which entry is the current one."""

from dataclasses import dataclass

from flask import Flask, g, request, url_for

from appliance.i18n import gettext as _


@dataclass(frozen=True)
class Entry:
    """One entry of a menu."""

    text: str
    address: str
    icon: str
    is_current: bool


def _entry(text: str, endpoint: str, icon: str, *more_blueprints: str) -> Entry:
    blueprint = endpoint.partition(".")[0]
    current = request.endpoint == endpoint or request.blueprint in (blueprint, *more_blueprints)
    return Entry(text, url_for(endpoint), icon, current)


SETTINGS_BLUEPRINTS = ("businesses", "hours", "menus", "lines", "agents", "prompts", "office")


def main_menu() -> list[Entry]:
    """The entries of the person who is signed in."""
    user = g.visitor.user if g.get("visitor") else None
    if user is None:
        return []
    if user.role == "agent":
        return [
            _entry(_("Console"), "console.show", "headset"),
            _entry(_("Calls"), "calls.index", "phone"),
            _entry(_("Messages"), "messages.index", "note"),
            _entry(_("Agenda"), "booking.index", "clock"),
            _entry(_("Contacts"), "contacts.index", "person"),
        ]
    in_settings = request.blueprint in SETTINGS_BLUEPRINTS or (request.endpoint or "") in {
        "accounts.people",
        "accounts.person",
        "accounts.tokens",
        "accounts.audit_log",
    }
    entries = [
        _entry(_("Home"), "home.show", "home"),
        _entry(_("Calls"), "calls.index", "phone"),
        _entry(_("Messages"), "messages.index", "note"),
        _entry(_("Agenda"), "booking.index", "clock"),
        _entry(_("Contacts"), "contacts.index", "person"),
        Entry(_("Settings"), url_for("office.menu"), "gear", in_settings),
    ]
    if g.visitor.wall is None:
        entries.append(_entry(_("Health"), "health.show", "heart"))
    if user.agent_id:
        entries.insert(1, _entry(_("Console"), "console.show", "headset"))
    return entries


def init_app(app: Flask) -> None:
    """Give templates the menu."""
    app.jinja_env.globals["main_menu"] = main_menu
