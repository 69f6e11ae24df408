"""People who may sign in: invite by link, limit to businesses, disable."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from appliance.accounts import service as accounts
from appliance.accounts.models import User
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.errors import FrontdeskError, Invalid
from appliance.i18n import gettext as _
from web import auth
from web.accounts.routes import blueprint
from web.auth import role, whole_office_only
from web.database import db, settings, writing
from web.forms import Form


def link_address(secret: str) -> str:
    """The address of a link to choose a password."""
    if settings().web_url:
        return settings().web_url.rstrip("/") + url_for("accounts.choose_password", secret=secret)
    return url_for("accounts.choose_password", secret=secret, _external=True)


def _list_page(form: Form, link: str = "", invited: User | None = None) -> ResponseReturnValue:
    page = render_template(
        "accounts/people.html",
        form=form,
        users=accounts.list_users(db()),
        agents={a.agent_id: a for a in agents.list_agents(db())},
        link=link,
        invited=invited,
    )
    return make_response(page, form.status)


@blueprint.route("/settings/people", methods=["GET", "POST"])
@role("owner")
def people() -> ResponseReturnValue:
    """Everybody, and the form to invite somebody."""
    whole_office_only()
    form = Form()
    if request.method == "GET":
        return _list_page(form)
    login, kind = form.required("login"), request.form.get("kind", "")
    try:
        if form.is_good:
            return _invite(login, kind)
    except FrontdeskError as error:
        form.fail(error, "login" if isinstance(error, accounts.LoginTaken | Invalid) else "")
    return _list_page(form)


def _invite(login: str, kind: str) -> ResponseReturnValue:
    agent_id = kind.removeprefix("agent:") if kind.startswith("agent:") else None
    if kind != "owner" and agent_id is None:
        raise Invalid(_("Choose what this person does."))
    with writing() as open_db:
        if agent_id:
            agent = agents.get_agent(open_db, agent_id)
            if accounts.user_of_agent(open_db, agent_id):
                raise accounts.LoginTaken(agent.name)
        user = accounts.create_user(
            open_db,
            login=login,
            name=request.form.get("name", ""),
            role="agent" if agent_id else "owner",
            agent_id=agent_id,
        )
        secret = accounts.create_link(open_db, "password", user.user_id)
        auth.audit("people.invited", user.login, in_db=open_db)
    return _list_page(Form(sent=False), link_address(secret), user)


def _person_page(person: User, form: Form, link: str = "") -> ResponseReturnValue:
    page = render_template(
        "accounts/person.html",
        person=person,
        form=form,
        link=link,
        sessions=accounts.list_sessions(db(), person.user_id),
        businesses=businesses.list_businesses(db()),
    )
    return make_response(page, form.status)


def _kept(person: User) -> dict[str, object]:
    limits = accounts.visible_businesses(db(), person) if person.is_owner else None
    return {"login": person.login, "name": person.name, "limited_to": limits or ()}


def _limit(open_db: Database, person: User) -> None:
    chosen = {b.business_id for b in businesses.list_businesses(open_db, set(request.form.getlist("limited_to")))}
    # nothing ticked where nothing was left to tick must not open the whole office
    if chosen or accounts.visible_businesses(open_db, person):
        accounts.set_businesses(open_db, person.user_id, chosen)


@blueprint.route("/settings/people/<user_id>", methods=["GET", "POST"])
@role("owner")
def person(user_id: str) -> ResponseReturnValue:
    """One person: name, login, the businesses an owner is limited to."""
    whole_office_only()
    found = accounts.get_user(db(), user_id)
    form = Form(_kept(found))
    if request.method == "GET":
        return _person_page(found, form)
    login = form.required("login")
    try:
        if form.is_good:
            with writing() as open_db:
                accounts.rename(open_db, user_id, login=login, name=request.form.get("name", ""))
                if found.is_owner and user_id != auth.me().user_id:
                    _limit(open_db, found)
                auth.audit("people.changed", login, in_db=open_db)
            flash(_("Saved."), "good")
            return redirect(url_for("accounts.person", user_id=user_id), 303)
    except FrontdeskError as error:
        form.fail(error, "login")
    return _person_page(found, form)


@blueprint.post("/settings/people/<user_id>/link")
@role("owner")
def new_link(user_id: str) -> ResponseReturnValue:
    """A new link to choose a password; the earlier one stops working."""
    whole_office_only()
    found = accounts.get_user(db(), user_id)
    with writing() as open_db:
        secret = accounts.create_link(open_db, "password", user_id)
        auth.audit("people.link", found.login, in_db=open_db)
    return _person_page(found, Form(_kept(found), sent=False), link_address(secret))


@blueprint.post("/settings/people/<user_id>/disable")
@role("owner")
def disable(user_id: str) -> ResponseReturnValue:
    """Let this person in no longer; safe to repeat."""
    whole_office_only()
    found = accounts.get_user(db(), user_id)
    with writing() as open_db:
        accounts.disable(open_db, user_id)
        auth.audit("people.disabled", found.login, in_db=open_db)
    flash(_("This person can no longer sign in."), "good")
    return redirect(url_for("accounts.person", user_id=user_id), 303)


@blueprint.post("/settings/people/<user_id>/enable")
@role("owner")
def enable(user_id: str) -> ResponseReturnValue:
    """Let this person in again; safe to repeat."""
    whole_office_only()
    found = accounts.get_user(db(), user_id)
    with writing() as open_db:
        accounts.enable(open_db, user_id)
        auth.audit("people.enabled", found.login, in_db=open_db)
    flash(_("This person can sign in again."), "good")
    return redirect(url_for("accounts.person", user_id=user_id), 303)
