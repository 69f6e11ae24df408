"""The steps of the wizard. Each is saved at once and shows what is kept: back, reload and restart lose nothing.

The wizard works on the first business and the first agent; sent twice, a step changes what its first sending made.
"""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import fields, i18n
from appliance.accounts import service as accounts
from appliance.accounts.models import User
from appliance.agents import service as agents
from appliance.agents.models import Agent
from appliance.businesses import service as businesses
from appliance.businesses.errors import NumberTaken
from appliance.businesses.models import Business
from appliance.errors import FrontdeskError, Invalid
from appliance.extensions import service as extensions
from appliance.extensions.errors import ExtensionExists
from appliance.i18n import gettext as _
from appliance.lines import service as lines
from appliance.lines.models import Trunk
from appliance.office import service as offices
from appliance.prompts import catalogue
from appliance.prompts import service as prompts
from web import auth, core
from web.accounts.people import link_address
from web.accounts.sign_in import enter
from web.agents.forms import read_agent
from web.agents.routes import phone_parts
from web.auth import role
from web.businesses.forms import identifier_for, kept_fields, read_basics, read_numbers
from web.businesses.hours_form import rows_of
from web.database import db, settings, writing
from web.formats import timezone
from web.forms import Form
from web.lines.forms import read_line
from web.office.forms import read_office
from web.prompts.routes import save_greeting

blueprint = Blueprint("set_up", __name__, url_prefix="/set-up")

STEPS = ("password", "office", "business", "greeting", "number", "agent", "done")


@blueprint.before_request
def _whole_office_only() -> None:
    """The wizard works on the first business of all and shows a phone's password: not for an owner of some."""
    if auth.visitor().user is not None and request.endpoint != "set_up.begin":
        auth.whole_office_only()


def _business() -> Business | None:
    return next(iter(businesses.list_businesses(db())), None)


def _agent() -> Agent | None:
    return next(iter(agents.list_agents(db())), None)


def _trunk() -> Trunk | None:
    return next(iter(lines.list_trunks(db())), None)


def _next_step() -> str:
    """The first step that has nothing kept yet."""
    if auth.office() is None:
        return "office"
    business = _business()
    if business is None:
        return "business"
    if _agent() is None:
        own = prompts.own_sound(db(), business.business_id, "greeting", business.language)
        if not business.greeting and own is None:
            return "greeting"
        return "agent" if business.numbers or _trunk() else "number"
    return "done"


def _show(step: str, form: Form, **more: Any) -> ResponseReturnValue:
    before = STEPS[STEPS.index(step) - 1]
    back = url_for(f"set_up.{before}") if STEPS.index(step) > 1 else ""
    page = render_template(
        f"set_up/{step}.html", form=form, steps=STEPS, step=step, back=back if before != "password" else "", **more
    )
    return make_response(page, form.status)


def _to(step: str) -> ResponseReturnValue:
    return redirect(url_for(f"set_up.{step}"), 303)


# --- the door ---


@blueprint.get("/")
@role("owner")
def resume() -> ResponseReturnValue:
    """Go on where the wizard was left."""
    return _to(_next_step())


@blueprint.route("/<secret>", methods=["GET", "POST"])
@role("anyone")
def begin(secret: str) -> ResponseReturnValue:
    """The one-time link: the owner chooses a password."""
    user = auth.visitor().user
    if user and user.is_owner and not accounts.set_up_link_needed(db()):
        return redirect(url_for("home.start"), 303)
    if accounts.was_used(db(), secret, "set-up") and not accounts.set_up_link_needed(db()):
        flash(_("Your password is chosen already: sign in to go on with the set-up."), "good")
        return redirect(url_for("accounts.sign_in", next=url_for("set_up.resume")), 303)
    accounts.open_link(db(), secret, "set-up")
    waiting = next((u for u in accounts.list_users(db()) if u.is_owner and not u.disabled_at), None)
    form = Form({"login": waiting.login if waiting else "owner"})
    if request.method == "POST":
        login = form.required("login")
        password = request.form.get("password", "")
        form.read("password", lambda text: accounts.check_strength(text, login), None)
        if password != request.form.get("again", ""):
            form.errors["again"] = _("The two passwords differ.")
        try:
            if form.is_good:
                return enter(_owner(secret, waiting, login, password), url_for("home.start"))
        except accounts.LinkGone:
            return redirect(url_for("set_up.begin", secret=secret), 303)  # sent twice: the first has done it
        except FrontdeskError as error:
            form.fail(error, "login")
    return _show("password", form)


def _owner(secret: str, waiting: User | None, login: str, password: str) -> User:
    with writing() as open_db:
        accounts.use_link(open_db, secret, "set-up")
        if waiting is None:
            user = accounts.create_user(open_db, login=login, name=login, role="owner", password=password)
        else:
            accounts.rename(open_db, waiting.user_id, login=login, name=waiting.name)
            accounts.set_password(open_db, waiting.user_id, password)
            user = accounts.get_user(open_db, waiting.user_id)
        accounts.audit(open_db, actor=user.name, user_id=user.user_id, action="settings.set-up", address=auth.address())
    return user


# --- the office ---


@blueprint.route("/office", methods=["GET", "POST"])
@role("owner")
def office() -> ResponseReturnValue:
    """Name, language, time zone, mail."""
    kept, user = auth.office(), auth.me()
    guess = user.login if "@" in user.login else ""
    form = Form(dict(kept.__dict__) if kept else {"language": i18n.language(), "owner_email": guess})
    if request.method == "POST":
        values = read_office(form)
        if form.is_good:
            with writing() as open_db:
                if offices.find_office(open_db):
                    offices.update_office(open_db, **values)
                else:
                    offices.create_office(open_db, **values)  # type: ignore[arg-type]
                auth.audit("settings.office", in_db=open_db)
            core.tell("config-changed")
            return _to("business")
    return _show("office", form, zones=sorted(fields.time_zones()))


# --- the business ---


@blueprint.route("/business", methods=["GET", "POST"])
@role("owner")
def business() -> ResponseReturnValue:
    """Name, language, hours, the sentence to answer with."""
    kept_office, kept = auth.office(), _business()
    if kept_office is None:
        return _to("office")
    form = Form(
        kept_fields(kept) if kept else {"name": kept_office.name, "language": kept_office.language, "always_open": True}
    )
    if request.method == "POST":
        values = read_basics(form)
        try:
            if form.is_good:
                _save_business(kept, values, kept_office.owner_email)
                return _to("greeting")
        except FrontdeskError as error:
            form.fail(error)
    return _show("business", form, rows=rows_of(kept.hours if kept else {}, form))


def _save_business(kept: Business | None, values: dict[str, object], owner_email: str) -> None:
    with writing() as open_db:
        if kept:
            businesses.update_business(open_db, kept.business_id, **values)
        elif not businesses.list_businesses(open_db):  # sent twice at once: the second finds the first's
            more = {"messages_to": [owner_email]} if owner_email else {}
            business_id = identifier_for(str(values["name"]), (), "business")
            businesses.create_business(open_db, business_id, **values, **more)  # type: ignore[arg-type]
        auth.audit("settings.business", str(values["name"]), in_db=open_db)
    core.tell("config-changed")


# --- the greeting ---


@blueprint.route("/greeting", methods=["GET", "POST"])
@role("owner")
def greeting() -> ResponseReturnValue:
    """Typed and spoken by the box, or uploaded."""
    kept = _business()
    if kept is None:
        return _to("business")
    own = prompts.own_sound(db(), kept.business_id, "greeting", kept.language)
    text = kept.greeting or catalogue.standard_text("greeting", kept.language, kept.name)
    form = Form({"source": "upload" if own else "spoken", "greeting": text})
    if request.method == "POST":
        source, file = request.form.get("source", "spoken"), request.files.get("sound")
        sound = file.read() if file else b""
        try:
            if source == "upload" and not sound and own is None:
                raise Invalid(_("Choose a sound file, or let the box speak the text."))
            save_greeting(kept, source, request.form.get("greeting", "") or text, sound)
            return _to("number")
        except FrontdeskError as error:
            form.fail(error, "sound" if source == "upload" else "greeting")
    return _show("greeting", form, business=kept, own=own)


# --- the number and the line ---


@blueprint.route("/number", methods=["GET", "POST"])
@role("owner")
def number() -> ResponseReturnValue:
    """The number in any form, and how calls come in."""
    kept, trunk = _business(), _trunk()
    if kept is None:
        return _to("business")
    later = {"kind": "later" if kept.numbers else ""}
    line = (
        {**trunk.__dict__, "password": "", "peer_host": trunk.host if trunk.kind == "peer" else ""} if trunk else later
    )
    form = Form({"numbers": "\n".join(kept.numbers), **line})
    if request.method == "POST":
        try:
            if _save_number(form, kept, trunk):
                return _to("agent")
        except FrontdeskError as error:
            form.fail(error, "numbers" if isinstance(error, NumberTaken) else "")
    return _show("number", form, business=kept, trunk=trunk)


def _save_number(form: Form, kept: Business, trunk: Trunk | None) -> bool:
    numbers = read_numbers(form, kept.timezone or timezone())
    kind = request.form.get("kind", "")
    if kind not in ("register", "peer", "later"):
        form.errors["kind"] = _("Choose one.")
    if kind in ("register", "peer") and not numbers and "numbers" not in form.errors:
        form.errors["numbers"] = _("Callers need a number: the one your carrier gave you.")
    values = read_line(form, has_password=bool(trunk and trunk.password)) if kind in ("register", "peer") else None
    if not form.is_good:
        return False
    with writing() as open_db:
        businesses.set_numbers(open_db, kept.business_id, numbers)
        if values:
            lines.save_trunk(open_db, trunk.trunk_id if trunk else "primary", **values)  # type: ignore[arg-type]
        elif trunk:
            lines.delete_trunk(open_db, trunk.trunk_id)
        auth.audit("settings.line", kept.business_id, business_id=kept.business_id, in_db=open_db)
    core.tell("config-changed")
    return True


# --- the first agent ---


@blueprint.route("/agent", methods=["GET", "POST"])
@role("owner")
def agent() -> ResponseReturnValue:
    """Name, extension, and a login for the console if wanted."""
    kept, of_business = _agent(), _business()
    if of_business is None:
        return _to("business")
    user = accounts.user_of_agent(db(), kept.agent_id) if kept else None
    form = Form(
        {**kept.__dict__, "who": "me" if user and user.is_owner else "other", "login": user.login if user else ""}
        if kept
        else {"extension": extensions.next_free(db()), "who": "me"}
    )
    if request.method == "POST":
        values = read_agent(form)
        try:
            if form.is_good:
                _save_agent(kept, values, of_business)
                return _to("done")
        except FrontdeskError as error:
            taken = isinstance(error, ExtensionExists | agents.AgentExists)
            form.fail(error, "extension" if taken else "login" if isinstance(error, accounts.LoginTaken) else "")
    return _show("agent", form, kept=kept, user=user)


def _save_agent(kept: Agent | None, values: dict[str, str], of_business: Business) -> None:
    with writing() as open_db:
        found = kept or next(iter(agents.list_agents(open_db)), None)
        if found is None:
            extensions.create_extension(open_db, values["extension"], name=values["name"])
            agent_id = identifier_for(values["name"].split()[0], (), "agent")
            serves = {of_business.business_id: "shared"}
            found = agents.create_agent(open_db, agent_id, values["name"], values["extension"], serves, values["email"])
        else:
            if values["extension"] != found.extension:
                extensions.renumber(open_db, {found.extension: values["extension"]})
            agents.update_agent(open_db, found.agent_id, name=values["name"], email=values["email"])
        _link_user(open_db, found.agent_id, values)
        auth.audit("settings.agent", found.agent_id, in_db=open_db)
        offices.finish_set_up(open_db)
    core.tell("config-changed")


def _link_user(open_db: Any, agent_id: str, values: dict[str, str]) -> None:
    """Who opens the console as this agent: the owner, somebody by a login of their own, or nobody yet."""
    linked, me = accounts.user_of_agent(open_db, agent_id), auth.me()
    if request.form.get("who") == "me":
        if linked and linked.user_id != me.user_id:
            return
        accounts.set_agent(open_db, me.user_id, agent_id)
        if me.name == me.login:
            accounts.rename(open_db, me.user_id, login=me.login, name=values["name"])
        return
    if linked and linked.user_id == me.user_id:
        accounts.set_agent(open_db, me.user_id, None)
        linked = None
    login = request.form.get("login", "").strip() or values["email"]
    if login and linked is None:
        accounts.create_user(open_db, login=login, name=values["name"], role="agent", agent_id=agent_id)
    elif login and linked and linked.login != login:
        accounts.rename(open_db, linked.user_id, login=login, name=values["name"])


# --- done ---


def _done_page(link: str = "") -> ResponseReturnValue:
    first = _agent()
    if first is None:
        return _to("agent")
    user = accounts.user_of_agent(db(), first.agent_id)
    business = _business()
    parts = phone_parts(first)
    return _show(
        "done",
        Form(sent=False),
        user=user,
        link=link,
        business=business,
        has_line=bool(_trunk()),
        **parts,
        sip_port=settings().sip_port,
    )


@blueprint.get("/done")
@role("owner")
def done() -> ResponseReturnValue:
    """The phone's account, and the phone rung."""
    first = _agent()
    if first:
        auth.audit("phone.account", first.agent_id)
    return _done_page()


@blueprint.post("/done/link")
@role("owner")
def invite() -> ResponseReturnValue:
    """A link with which the first agent chooses a password."""
    first = _agent()
    user = accounts.user_of_agent(db(), first.agent_id) if first else None
    if user is None:
        return _to("agent")
    with writing() as open_db:
        secret = accounts.create_link(open_db, "password", user.user_id)
        auth.audit("people.link", user.login, in_db=open_db)
    return _done_page(link_address(secret))
