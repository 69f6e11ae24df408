"""Menus of a business: the list, one with its keys, removal; and the dry run of a call."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import jdatetime
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import clock, i18n
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.errors import FrontdeskError
from appliance.extensions import service as extensions
from appliance.i18n import gettext as _
from appliance.i18n import plain_digits
from appliance.menus import service as menus
from appliance.menus.errors import BadChoice
from appliance.menus.models import KEYS, LAST_CHOICES, Choice, Menu
from appliance.prompts import service as prompts
from appliance.rehearsal import service as rehearsal
from web import auth, core
from web.auth import role, wall
from web.businesses.forms import identifier_for
from web.calls.routes import day_of
from web.database import db, settings, writing
from web.forms import Form

blueprint = Blueprint("menus", __name__, url_prefix="/settings/menus")


@dataclass(frozen=True)
class Row:
    """One key of the form."""

    name: str  # of its fields: the key, or "otherwise"
    label: str
    choice: str  # as written, without the text or number that is typed
    detail: str
    error: str = ""


def _business(business_id: str) -> Business:
    return businesses.get_business(db(), business_id, wall())


@blueprint.get("/<business_id>")
@role("owner")
def index(business_id: str) -> ResponseReturnValue:
    """The menus of one business, and what would happen to a call."""
    business = _business(business_id)
    timetable = businesses.timetable(db(), business)
    zone = ZoneInfo(timetable.timezone)
    now = clock.now().astimezone(zone)
    day = day_of(request.args.get("day", "")) or now.date()
    time = plain_digits(request.args.get("time", "").strip()) or now.strftime("%H:%M")
    wrong, found = "", None
    try:
        at = rehearsal.read_moment(f"{day.isoformat()} {time}", timetable.timezone)
        found = rehearsal.rehearse(db(), business_id, at, request.args.get("from", "")[:40], visible=_visible())
    except FrontdeskError as error:
        wrong = f"{error.message} {error.hint}".strip()
    page = render_template(
        "menus/index.html",
        business=business,
        menus=menus.list_menus(db(), business_id),
        plays=_plays(),
        day=day,
        day_shown=_day_shown(day),
        time=time,
        found=found,
        wrong=wrong,
    )
    return make_response(page, 422 if wrong else 200)


def _visible() -> set[str] | None:
    limits = wall()
    return None if limits is None else set(limits)


def _day_shown(day: Any) -> str:
    if i18n.language() != "fa":
        return str(day.isoformat())
    return i18n.digits(jdatetime.date.fromgregorian(date=day).strftime("%Y/%m/%d"))


def _plays() -> dict[str, str]:
    return {
        "open": _("in opening hours"),
        "closed": _("when it is closed"),
        "always": _("always"),
        "submenu": _("only from another menu"),
    }


def _choices(menu_id: str, business_id: str, *, last: bool = False) -> list[tuple[str, str]]:
    people = {a.extension: a.name for a in agents.list_agents(db(), wall())}
    own = [e for e in extensions.list_extensions(db()) if e.extension in people or wall() is None]
    found = [
        ("queue", _("those who answer")),
        ("voicemail", _("leave a message")),
        ("number", _("call a number outside …")),
        ("announcement", _("say something, then the menu again …")),
        ("back", _("back to the menu before")),
    ]
    found += [(f"person:{e.extension}", f"{people.get(e.extension, e.name)} ({e.extension})") for e in own]
    found += [
        (f"menu:{m.menu_id}", _("the menu “%(name)s”", name=m.name))
        for m in menus.list_menus(db(), business_id)
        if m.menu_id != menu_id
    ]
    return [(value, text) for value, text in found if not last or value.partition(":")[0] in LAST_CHOICES]


def _row(name: str, label: str, choice: Choice | None, form: Form) -> Row:
    if form.sent:
        return Row(
            name,
            label,
            request.form.get(f"choice_{name}", ""),
            request.form.get(f"detail_{name}", ""),
            form.errors.get(f"choice_{name}", ""),
        )
    if choice is None:
        return Row(name, label, "", "")
    typed = choice.kind in ("number", "announcement")
    return Row(name, label, choice.kind if typed else str(choice), choice.target if typed else "")


def _page(business: Business, menu: Menu | None, form: Form) -> ResponseReturnValue:
    menu_id = menu.menu_id if menu else ""
    keys = menu.keys if menu else {}
    page = render_template(
        "menus/edit.html",
        business=business,
        menu=menu,
        form=form,
        rows=[_row(key, i18n.digits(key), keys.get(key), form) for key in KEYS],
        last=_row("otherwise", "", menu.otherwise if menu else Choice("queue"), form),
        choices=_choices(menu_id, business.business_id),
        last_choices=_choices(menu_id, business.business_id, last=True),
        plays=list(_plays().items()),
        prompt=menus.prompt_of(menu_id),
        own=prompts.own_sound(db(), business.business_id, menus.prompt_of(menu_id), business.language)
        if menu
        else None,
    )
    return make_response(page, form.status)


def _written(name: str) -> str:
    choice, detail = request.form.get(f"choice_{name}", ""), request.form.get(f"detail_{name}", "").strip()
    return f"{choice}:{detail}" if choice in ("number", "announcement") else choice


def _read(form: Form) -> dict[str, object]:
    keys = {key: _written(key) for key in KEYS if request.form.get(f"choice_{key}")}
    values: dict[str, object] = {name: form.read(name, menus.CHECKS[name], "") for name in ("name", "text", "plays")}
    values["timeout_seconds"] = form.read("timeout_seconds", lambda t: menus.CHECKS["timeout_seconds"](_whole(t)), 5)
    values["tries"] = form.read("tries", lambda t: menus.CHECKS["tries"](_whole(t)), 3)
    return {
        **values,
        "keys": keys,
        "otherwise": _written("otherwise"),
        "direct_dial": bool(request.form.get("direct_dial")),
    }


def _only_offered(form: Form, business: Business, menu_id: str) -> None:
    """Who sees some businesses may ring the phones they see, and no others."""
    before = [m for m in menus.list_menus(db(), business.business_id) if m.menu_id == menu_id]
    kept = {str(choice) for menu in before for choice in (*menu.keys.values(), menu.otherwise)}
    offered = {value for value, _text in _choices(menu_id, business.business_id)} | kept
    for name in (*KEYS, "otherwise"):
        value = request.form.get(f"choice_{name}", "")
        if value.startswith("person:") and value not in offered:
            form.fail(BadChoice(name, value, _("an extension of this office")), f"choice_{name}")


def _whole(text: str) -> object:
    cleaned = plain_digits(text.strip())
    return int(cleaned) if cleaned.isdecimal() else text


def _save(form: Form, business: Business, menu_id: str) -> bool:
    values = _read(form)
    _only_offered(form, business, menu_id)
    if not form.is_good:
        return False
    try:
        with writing() as open_db:
            menus.save_menu(open_db, menu_id, business.business_id, **values)
            auth.audit("settings.menu", menu_id, business_id=business.business_id, in_db=open_db)
    except BadChoice as error:
        form.fail(error, f"choice_{error.key or 'otherwise'}")
        return False
    except FrontdeskError as error:
        form.fail(error)
        return False
    core.tell("config-changed")
    flash(_("Saved. The next caller hears it."), "good")
    return True


@blueprint.route("/<business_id>/new", methods=["GET", "POST"])
@role("owner")
def new(business_id: str) -> ResponseReturnValue:
    """A further menu."""
    business = _business(business_id)
    here = menus.list_menus(db(), business_id)
    taken = {when for m in here for when in ("open", "closed") if m.plays in (when, "always")}
    plays = next((when for when in ("open", "closed") if when not in taken), "submenu")
    form = Form({"plays": plays, "timeout_seconds": 5, "tries": 3})
    if request.method == "POST":
        known = [m.menu_id for m in menus.list_menus(db())]
        menu_id = identifier_for(request.form.get("name", ""), known, "menu")
        if _save(form, business, menu_id):
            return redirect(url_for(".edit", business_id=business_id, menu_id=menu_id), 303)
    return _page(business, None, form)


@blueprint.route("/<business_id>/<menu_id>", methods=["GET", "POST"])
@role("owner")
def edit(business_id: str, menu_id: str) -> ResponseReturnValue:
    """One menu with its keys."""
    business = _business(business_id)
    menu = menus.get_menu(db(), business_id, menu_id)
    form = Form(menu.__dict__)
    if request.method == "POST" and _save(form, business, menu_id):
        return redirect(url_for(".edit", business_id=business_id, menu_id=menu_id), 303)
    return _page(business, menu, form)


@blueprint.post("/<business_id>/<menu_id>/delete")
@role("owner")
def delete(business_id: str, menu_id: str) -> ResponseReturnValue:
    """Remove a menu to which no other leads, and its sounds."""
    business = _business(business_id)
    menu = menus.get_menu(db(), business_id, menu_id)
    try:
        with writing() as open_db:
            menus.delete_menu(open_db, business_id, menu_id)
            for key in ("", *menu.keys):
                prompts.remove(open_db, settings(), business_id, menus.prompt_of(menu_id, key), business.language)
            auth.audit("settings.menu-removed", menu_id, business_id=business_id, in_db=open_db)
    except FrontdeskError as error:
        flash(f"{error.message} {error.hint}", "bad")
        return redirect(url_for(".edit", business_id=business_id, menu_id=menu_id), 303)
    core.tell("config-changed")
    flash(_("The menu is removed."), "good")
    return redirect(url_for(".index", business_id=business_id), 303)
