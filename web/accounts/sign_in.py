"""Signing in and out, and choosing a password by a one-time link."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from appliance.accounts import service as accounts
from appliance.accounts.models import User
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from web import auth
from web.accounts.routes import blueprint
from web.auth import role
from web.database import db, writing
from web.forms import Form


def safe_target(address: str) -> str:
    """Where to go after signing in: only to our own pages."""
    # browsers leave tabs and line ends out of an address and read a backslash as a slash
    odd = any(character < " " or character in "\\\x7f" for character in address)
    ours = address.startswith("/") and not address.startswith("//") and not odd
    return address if ours else url_for("home.start")


def enter(user: User, target: str) -> Response:
    """Open a session for this person and go on; the session this browser had ends."""
    before = auth.visitor().session
    with writing() as open_db:
        if before:
            accounts.end_session(open_db, before.session_hash)
        secret = accounts.start_session(
            open_db, user, address=auth.address(), user_agent=request.headers.get("User-Agent", "")
        )
        accounts.audit(open_db, actor=user.name, user_id=user.user_id, action="login", address=auth.address())
    return auth.sign_in(redirect(target, 303), user, secret)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@role("anyone")
def sign_in() -> ResponseReturnValue:
    """Name and password."""
    form = Form()
    if request.method == "GET" and auth.visitor().user:
        return redirect(safe_target(request.args.get("next", "/")), 303)
    if request.method == "POST":
        login, password = form.required("login"), request.form.get("password", "")
        try:
            if form.is_good:
                return enter(_check(login, password), safe_target(request.form.get("next", "/")))
        except FrontdeskError as error:
            form.fail(error)
    page = render_template(
        "accounts/sign_in.html",
        form=form,
        next=request.values.get("next", ""),
        ended=request.args.get("ended"),
        needs_set_up=accounts.set_up_link_needed(db()),
    )
    return make_response(page, form.status)


def _check(login: str, password: str) -> User:
    """The person with that name and password. Raises TooManyAttempts, WrongPassword."""
    with writing() as open_db:
        accounts.begin_attempt(open_db, login, auth.address())
    user = accounts.who_is(db(), login, password)  # slow: outside the transaction
    if user is None:
        with writing() as open_db:
            accounts.audit(open_db, actor=login[:80], action="login.failed", address=auth.address())
        raise accounts.WrongPassword
    with writing() as open_db:
        accounts.attempt_succeeded(open_db, login, auth.address())
    return user


@blueprint.post("/sign-out")
@role("anyone")
def sign_out() -> ResponseReturnValue:
    """End this browser's session; fine when it had ended already."""
    session = auth.visitor().session
    if session:
        with writing() as open_db:
            accounts.end_session(open_db, session.session_hash)
            auth.audit("logout", in_db=open_db)
    flash(_("You are signed out."), "good")
    return auth.sign_out(redirect(url_for("accounts.sign_in"), 303))


@blueprint.route("/password/<secret>", methods=["GET", "POST"])
@role("anyone")
def choose_password(secret: str) -> ResponseReturnValue:
    """A new password by a one-time link: an invitation, or after it was forgotten."""
    link = accounts.open_link(db(), secret, "password")
    if link.user_id is None:
        raise accounts.LinkGone
    user = accounts.get_user(db(), link.user_id)
    if user.disabled_at:
        raise accounts.LinkGone
    form = Form()
    if request.method == "POST":
        password = request.form.get("password", "")
        form.read("password", lambda text: accounts.check_strength(text, user.login), None)
        if password != request.form.get("again", ""):
            form.errors["again"] = _("The two passwords differ.")
        if form.is_good:
            return _chosen(secret, user, password)
    return make_response(render_template("accounts/choose_password.html", form=form, person=user), form.status)


def _chosen(secret: str, user: User, password: str) -> Response:
    with writing() as open_db:
        accounts.use_link(open_db, secret, "password")
        accounts.set_password(open_db, user.user_id, password)
        accounts.audit(
            open_db, actor=user.name, user_id=user.user_id, action="password.changed", address=auth.address()
        )
    flash(_("Your password is set."), "good")
    return enter(user, url_for("home.start"))
