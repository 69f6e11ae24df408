"""The API's door: registers the table of routes, asks for the token, turns every refusal into a problem document."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from appliance.accounts import service as accounts
from appliance.errors import FrontdeskError
from web.api import asked, problems
from web.api.health import health
from web.api.openapi import document
from web.api.routes import ROUTES, Route
from web.database import db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
api = Blueprint("api", __name__)


def _run(route: Route, **in_path: str) -> ResponseReturnValue:
    return route.view(asked.query(route.parameters), **in_path)


def _register(route: Route) -> None:
    rule = route.path.replace("{", "<").replace("}", ">")
    view: Callable[..., Any] = partial(_run, route)
    api.add_url_rule(rule, route.name, view, methods=[route.method], strict_slashes=False)


for _route in ROUTES:
    _register(_route)
api.add_url_rule("/healthz", "health", health, methods=["GET"])


@api.get("/api/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    return jsonify(document())


@api.route("/healthz", methods=[m for m in METHODS if m not in ("GET", "HEAD")])
@api.route("/api", methods=list(METHODS), strict_slashes=False)
@api.route("/api/<path:rest>", methods=list(METHODS))
def nothing(rest: str = "") -> ResponseReturnValue:
    """What no route knows: 405 where another method would do, else 404."""
    routes = current_app.url_map.bind("")
    known = []
    for method in METHODS:
        try:
            endpoint, _values = routes.match(request.path, method=method)
        except (HTTPException, RequestRedirect):
            continue
        if endpoint != request.endpoint:
            known.append(method)
    if known:
        raise MethodNotAllowed(valid_methods=known)
    raise NotFound


@api.before_request
def ask_for_token() -> ResponseReturnValue | None:
    """Let only a valid token into /api/v1."""
    if not request.path.startswith("/api/v1"):
        return None
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    found = accounts.check_token(db(), text.strip()) if scheme.lower() == "bearer" and text.strip() else None
    if found is None:
        tried = scheme.lower() == "bearer"
        return problems.problem(
            401,
            "token-unknown" if tried else "token-missing",
            "This token opens nothing." if tried else "This address needs a token.",
            hint="Make one on the box with: frontdesk token create NAME. Send it as: Authorization: Bearer …",
            headers={"WWW-Authenticate": 'Bearer realm="frontdesk"' + (', error="invalid_token"' if tried else "")},
        )
    g.token = found
    return None


@api.errorhandler(FrontdeskError)
def _refusal(error: FrontdeskError) -> ResponseReturnValue:
    return problems.of_refusal(error)


@api.errorhandler(HTTPException)
def _http(error: HTTPException) -> ResponseReturnValue:
    return problems.of_http(error)


@api.errorhandler(Exception)
def _fault(error: Exception) -> ResponseReturnValue:
    return problems.of_fault(error)
