"""Keys of the API."""

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.accounts import service as accounts
from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from web import auth
from web.accounts.routes import blueprint
from web.auth import role, whole_office_only
from web.database import db, writing
from web.forms import Form


@blueprint.route("/settings/tokens", methods=["GET", "POST"])
@role("owner")
def tokens() -> ResponseReturnValue:
    """The keys there are; a new one is shown once."""
    whole_office_only()
    form, fresh = Form(), ""
    if request.method == "POST":
        name = form.required("name")
        try:
            if form.is_good:
                with writing() as open_db:
                    fresh = accounts.create_token(open_db, name)
                    auth.audit("token.created", name, in_db=open_db)
                form = Form(sent=False)
        except FrontdeskError as error:
            form.fail(error, "name")
    page = render_template("accounts/tokens.html", form=form, fresh=fresh, tokens=accounts.list_tokens(db()))
    return make_response(page, form.status)


@blueprint.post("/settings/tokens/<token_id>/revoke")
@role("owner")
def revoke_token(token_id: str) -> ResponseReturnValue:
    """End a key; safe to repeat."""
    whole_office_only()
    name = next((t.name for t in accounts.list_tokens(db()) if t.token_id == token_id), token_id)
    with writing() as open_db:
        accounts.revoke_token(open_db, token_id)
        auth.audit("token.revoked", name, in_db=open_db)
    flash(_("This token opens nothing any more."), "good")
    return redirect(url_for("accounts.tokens"), 303)
