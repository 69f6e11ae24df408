"""The Health page: the same list as ``frontdesk doctor``."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from appliance.errors import FrontdeskError
from appliance.health import service as health
from web import core
from web.auth import role, whole_office_only
from web.database import db, settings

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/")
@role("owner")
def show() -> ResponseReturnValue:
    """Every check, what fails first; it names businesses, agents and lines of the whole office."""
    whole_office_only()
    status = None
    try:
        status = core.client().ask("status", timeout=5.0)
    except FrontdeskError:
        status = None
    order = {"error": 0, "warning": 1, "passed": 2, "skipped": 3}
    checks = sorted(health.run_checks(settings(), db(), status), key=lambda c: order.get(c.result, 4))
    return render_template("health/show.html", checks=checks, core=core.look(db()), status=status)
