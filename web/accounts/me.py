"""One's own page: language, password, where one is signed in."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import i18n
from appliance.accounts import service as accounts
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from web import auth
from web.accounts.routes import blueprint
from web.accounts.sign_in import enter
from web.auth import role
from web.database import db, writing
from web.forms import Form


def _page(form: Form) -> ResponseReturnValue:
    session = auth.visitor().session
    page = render_template(
        "accounts/me.html",
        form=form,
        sessions=accounts.list_sessions(db(), auth.me().user_id),
        this_session=session.session_hash if session else "",
    )
    return make_response(page, form.status)


@blueprint.get("/me")
@role("owner", "agent")
def me() -> ResponseReturnValue:
    """Language, password, open sessions."""
    return _page(Form())


@blueprint.post("/me/language")
@role("owner", "agent")
def change_language() -> ResponseReturnValue:
    """The language of one's pages."""
    language = request.form.get("chosen", "")
    with writing() as open_db:
        accounts.set_language(open_db, auth.me().user_id, language)
    if language:
        i18n.set_language(language)
    flash(_("Your language is changed."), "good")
    return redirect(url_for("accounts.me"), 303)


@blueprint.post("/me/password")
@role("owner", "agent")
def change_password() -> ResponseReturnValue:
    """A new password, given the old one; every other browser is signed out."""
    form, user = Form(), auth.me()
    new = request.form.get("password", "")
    form.read("password", lambda text: accounts.check_strength(text, user.login), None)
    if new != request.form.get("again", ""):
        form.errors["again"] = _("The two passwords differ.")
    if form.is_good:
        try:
            with writing() as open_db:
                accounts.begin_attempt(open_db, user.login, auth.address())
            if accounts.who_is(db(), user.login, request.form.get("old", "")) is None:
                form.errors["old"] = _("This is not your password.")
        except FrontdeskError as error:
            form.fail(error)
    if not form.is_good:
        return _page(form)
    with writing() as open_db:
        accounts.attempt_succeeded(open_db, user.login, auth.address())
        accounts.set_password(open_db, user.user_id, new)
        auth.audit("password.changed", user.login, in_db=open_db)
    flash(_("Your password is changed. Every other browser is signed out."), "good")
    return enter(user, url_for("accounts.me"))


@blueprint.post("/me/sign-out-everywhere")
@role("owner", "agent")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of this person, this one too."""
    with writing() as open_db:
        accounts.end_all_sessions(open_db, auth.me().user_id)
        auth.audit("logout.everywhere", in_db=open_db)
    flash(_("You are signed out everywhere."), "good")
    return auth.sign_out(redirect(url_for("accounts.sign_in"), 303))


@blueprint.post("/me/sessions/<session_hash>/end")
@role("owner", "agent")
def end_one_session(session_hash: str) -> ResponseReturnValue:
    """End one of one's own sessions; fine when it has ended."""
    mine = {s.session_hash for s in accounts.list_sessions(db(), auth.me().user_id)}
    if session_hash in mine:
        with writing() as open_db:
            accounts.end_session(open_db, session_hash)
            auth.audit("logout.other", in_db=open_db)
    flash(_("That browser is signed out."), "good")
    return redirect(url_for("accounts.me"), 303)
