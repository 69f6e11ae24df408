"""Announcements of each business: listen, change the text, upload, record by phone, go back to the spoken text."""

import asyncio
from pathlib import Path
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from appliance import i18n
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.errors import FrontdeskError, Invalid
from appliance.extensions import service as extensions
from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _
from appliance.menus import service as menus
from appliance.prompts import catalogue
from appliance.prompts import service as prompts
from appliance.prompts.library import TONE, PromptLibrary
from web import auth, core
from web.accounts.sign_in import safe_target
from web.auth import role, wall
from web.calls.words import cause_in_words
from web.database import db, settings, writing

blueprint = Blueprint("prompts", __name__, url_prefix="/settings/announcements")

RECORD_SECONDS = 200.0


@blueprint.get("/")
@role("owner")
def index() -> ResponseReturnValue:
    """Choose a business; with one there is nothing to choose."""
    found = businesses.list_businesses(db(), wall())
    if len(found) == 1:
        return redirect(url_for("prompts.of_business", business_id=found[0].business_id), 303)
    return render_template("prompts/index.html", businesses=found)


def _of_menus(business_id: str) -> dict[str, tuple[str, str]]:
    """What menus say: their title and text by the name of the prompt."""
    found: dict[str, tuple[str, str]] = {}
    for menu in menus.list_menus(db(), business_id):
        found[menus.prompt_of(menu.menu_id)] = (_("Menu: %(name)s", name=menu.name), menu.text)
        for key, choice in menu.keys.items():
            if choice.kind == "announcement":
                title = _("Menu %(name)s, key %(key)s", name=menu.name, key=i18n.digits(key))
                found[menus.prompt_of(menu.menu_id, key)] = (title, choice.target)
    return found


def _text(business: Business, prompt: str) -> str:
    if catalogue.is_of_menu(prompt):
        return _of_menus(business.business_id).get(prompt, ("", ""))[1]
    if prompt == "greeting" and business.greeting.strip():
        return business.greeting
    return catalogue.standard_text(prompt, business.language, business.name)


@blueprint.get("/<business_id>")
@role("owner")
def of_business(business_id: str) -> ResponseReturnValue:
    """Everything callers of one business may hear."""
    business = businesses.get_business(db(), business_id, wall())
    registered = {r.extension for r in extensions.registered_phones(db())}
    return render_template(
        "prompts/of_business.html",
        business=business,
        prompts=[
            (
                name,
                catalogue.title(name),
                _text(business, name),
                prompts.own_sound(db(), business_id, name, business.language),
            )
            for name in catalogue.REPLACEABLE
        ]
        + [
            (name, title, text, prompts.own_sound(db(), business_id, name, business.language))
            for name, (title, text) in _of_menus(business_id).items()
        ],
        phones=[a for a in agents.list_agents(db(), {business_id}) if a.extension in registered],
    )


def spoken(text: str, language: str) -> Path:
    """The sound of a text in the box's voice. Raises Invalid when it cannot be spoken."""
    if language not in LANGUAGES:
        raise Invalid(_("There is no such language."))
    text = text.strip()
    if not text or len(text) > catalogue.MAX_TEXT:
        raise Invalid(_("Type what the box shall say, up to 1000 characters."))
    path = asyncio.run(PromptLibrary(settings()).sound("greeting", language, text=text))
    if path == TONE:
        raise Invalid(_("The box could not speak this text just now."), hint=_("Try again, or upload a sound."))
    return path


def _sound(path: Path) -> ResponseReturnValue:
    response = send_file(path, mimetype="audio/wav", conditional=True, max_age=0)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.post("/preview")
@role("owner")
def preview() -> ResponseReturnValue:
    """The typed text, spoken."""
    name, text = request.form.get("name", ""), request.form.get("greeting", "")
    language = request.form.get("language", "en")
    return _sound(spoken(text or catalogue.standard_text("greeting", language, name), language))


@blueprint.get("/<business_id>/<prompt>.wav")
@role("owner")
def listen(business_id: str, prompt: str) -> ResponseReturnValue:
    """What callers hear now."""
    business = businesses.get_business(db(), business_id, wall())
    own = prompts.own_sound(db(), business_id, prompt, business.language)
    if own:
        return _sound(prompts.file_of(settings(), own))
    return _sound(spoken(_text(business, prompt), business.language))


def save_greeting(business: Business, source: str, text: str, upload: bytes | None) -> None:
    """Keep the greeting: the typed text, and the uploaded sound in its place or none. Raises what the slices refuse."""
    sound = (
        prompts.prepare(settings(), upload) if source == "upload" and upload else None
    )  # slow: before the transaction
    with writing() as open_db:
        businesses.update_business(open_db, business.business_id, greeting=text)
        if sound:
            prompts.save(
                open_db,
                settings(),
                business_id=business.business_id,
                prompt="greeting",
                language=business.language,
                sound=sound,
                source="upload",
            )
        elif source == "spoken":
            prompts.remove(open_db, settings(), business.business_id, "greeting", business.language)
        auth.audit("settings.greeting", business.business_id, business_id=business.business_id, in_db=open_db)
    core.tell("config-changed")


def _back(business_id: str) -> ResponseReturnValue:
    back = request.form.get("back", "")
    return redirect(safe_target(back) if back else url_for("prompts.of_business", business_id=business_id), 303)


@blueprint.post("/<business_id>/greeting/text")
@role("owner")
def change_text(business_id: str) -> ResponseReturnValue:
    """Another text for the greeting; the box speaks it."""
    business = businesses.get_business(db(), business_id, wall())
    try:
        save_greeting(business, "spoken", request.form.get("greeting", ""), None)
        flash(_("Saved. The next caller hears it."), "good")
    except FrontdeskError as error:
        flash(f"{error.message} {error.hint}", "bad")
    return _back(business_id)


@blueprint.post("/<business_id>/<prompt>/upload")
@role("owner")
def upload(business_id: str, prompt: str) -> ResponseReturnValue:
    """A sound of one's own in place of the text."""
    business = businesses.get_business(db(), business_id, wall())
    file = request.files.get("sound")
    try:
        if prompt not in catalogue.REPLACEABLE and prompt not in _of_menus(business_id):
            raise Invalid(_("This announcement cannot be replaced."))
        prompts.upload(db(), settings(), business_id, prompt, business.language, file.read() if file else b"")
        auth.audit("settings.announcement", prompt, business_id=business_id)
        core.tell("config-changed")
        flash(_("Saved. The next caller hears it."), "good")
    except FrontdeskError as error:
        flash(f"{error.message} {error.hint}", "bad")
    return _back(business_id)


@blueprint.post("/<business_id>/<prompt>/record")
@role("owner")
def record(business_id: str, prompt: str) -> ResponseReturnValue:
    """Ring a phone and record what is said after the tone."""
    business = businesses.get_business(db(), business_id, wall())
    extension = request.form.get("extension", "")
    values: dict[str, Any] = {
        "extension": extension,
        "business_id": business_id,
        "prompt": prompt,
        "language": business.language,
    }
    try:
        if extension not in {a.extension for a in agents.list_agents(db(), {business_id})}:
            raise Invalid(_("Choose a phone of somebody who answers for this business."))
        core.client().ask("record-prompt", timeout=RECORD_SECONDS, **values)
    except FrontdeskError as error:
        why = cause_in_words(core.cause_in(error)) or error.message
        flash(_("Nothing was recorded: %(why)s.", why=why.rstrip(".")), "warn")
        return _back(business_id)
    auth.audit("settings.announcement", prompt, business_id=business_id)
    core.tell("config-changed")
    flash(_("Recorded. Listen to it below."), "good")
    return _back(business_id)


@blueprint.post("/<business_id>/<prompt>/remove")
@role("owner")
def remove(business_id: str, prompt: str) -> ResponseReturnValue:
    """Back to the spoken text; safe to repeat."""
    business = businesses.get_business(db(), business_id, wall())
    with writing() as open_db:
        prompts.remove(open_db, settings(), business_id, prompt, business.language)
        auth.audit("settings.announcement", prompt, business_id=business_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("The box speaks this announcement again."), "good")
    return _back(business_id)
