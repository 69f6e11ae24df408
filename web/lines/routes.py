"""Lines: the list with live states, a new one, one, removal."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.errors import FrontdeskError
from appliance.i18n import gettext as _
from appliance.lines import service as lines
from appliance.lines.models import Trunk
from web import auth, core, htmx
from web.auth import role, whole_office_only
from web.businesses.forms import identifier_for
from web.database import db, settings, writing
from web.forms import Form
from web.lines.forms import read_line

blueprint = Blueprint("lines", __name__, url_prefix="/settings/lines")


@blueprint.get("/")
@role("owner")
def index() -> ResponseReturnValue:
    """Every line and whether it is up."""
    whole_office_only()
    page = "lines/_list.html" if htmx.wants_fragment() else "lines/index.html"
    return render_template(
        page,
        trunks=lines.list_trunks(db()),
        states={s.trunk_id: s for s in lines.trunk_states(db())},
        core_up=core.look(db()).is_up,
        sip_port=settings().sip_port,
    )


def kept_fields(trunk: Trunk | None) -> dict[str, object]:
    """A line as its form shows it; the password stays here."""
    if trunk is None:
        return {"kind": "register", "transport": "udp"}
    return {**trunk.__dict__, "password": "", "peer_host": trunk.host if trunk.kind == "peer" else ""}


def _page(form: Form, trunk: Trunk | None) -> ResponseReturnValue:
    return make_response(render_template("lines/edit.html", form=form, trunk=trunk), form.status)


@blueprint.route("/new", methods=["GET", "POST"])
@role("owner")
def new() -> ResponseReturnValue:
    """A further line."""
    whole_office_only()
    form = Form(kept_fields(None))
    if request.method == "GET":
        return _page(form, None)
    values = read_line(form)
    try:
        if form.is_good:
            taken = [t.trunk_id for t in lines.list_trunks(db())]
            wanted = request.form.get("name", "").strip() or str(values["host"]).partition(":")[0]
            trunk_id = identifier_for(wanted, taken, "line")
            with writing() as open_db:
                lines.save_trunk(open_db, trunk_id, must_be_new=True, **values)  # type: ignore[arg-type]
                auth.audit("settings.line-added", trunk_id, in_db=open_db)
            core.tell("config-changed")
            flash(_("The line is added; in a moment you see whether it comes up."), "good")
            return redirect(url_for("lines.index"), 303)
    except FrontdeskError as error:
        form.fail(error)
    return _page(form, None)


@blueprint.route("/<trunk_id>", methods=["GET", "POST"])
@role("owner")
def edit(trunk_id: str) -> ResponseReturnValue:
    """One line."""
    whole_office_only()
    trunk = lines.get_trunk(db(), trunk_id)
    form = Form(kept_fields(trunk))
    if request.method == "GET":
        return _page(form, trunk)
    values = read_line(form, has_password=bool(trunk.password))
    try:
        if form.is_good:
            with writing() as open_db:
                lines.save_trunk(open_db, trunk_id, **values)  # type: ignore[arg-type]
                auth.audit("settings.line", trunk_id, in_db=open_db)
            core.tell("config-changed")
            flash(_("Saved."), "good")
            return redirect(url_for("lines.index"), 303)
    except FrontdeskError as error:
        form.fail(error)
    return _page(form, trunk)


@blueprint.post("/<trunk_id>/delete")
@role("owner")
def delete(trunk_id: str) -> ResponseReturnValue:
    """Remove a line; calls under way go on."""
    whole_office_only()
    with writing() as open_db:
        lines.delete_trunk(open_db, trunk_id)
        auth.audit("settings.line-removed", trunk_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("The line is removed."), "good")
    return redirect(url_for("lines.index"), 303)
