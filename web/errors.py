"""Refusals as pages: the only file that knows which HTTP status a kind of error has."""

import logging

from flask import Flask, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from appliance.errors import FrontdeskError, Kind
from appliance.i18n import gettext as _
from web import htmx

log = logging.getLogger(__name__)

STATUS: dict[Kind, int] = {"not_found": 404, "invalid": 422, "conflict": 409, "forbidden": 403, "unavailable": 503}


def _sentences(status: int) -> tuple[str, str]:
    return {
        400: (_("The browser sent something that cannot be understood."), _("Go back and try again.")),
        403: (_("This page is not for you."), _("Sign in as somebody else, or ask the owner.")),
        404: (_("There is nothing here."), _("The address may be old, or what was here is gone.")),
        405: (_("This address cannot be used that way."), _("Go back and try again.")),
        413: (_("That was too large."), _("Files may have up to 10 MB.")),
    }.get(
        status,
        (
            _("Something went wrong in the box, and it was written down."),
            _("Try again. If it stays so, the Health page may tell more."),
        ),
    )


def page(status: int, message: str, hint: str) -> Response:
    """An error page, a notice within the page, or a problem document, by who asks."""
    if request.path.startswith("/api/"):
        answer = jsonify(type="about:blank", title=message, status=status, detail=hint)
        answer.content_type = "application/problem+json"
        answer.status_code = status
        return answer
    if htmx.wants_fragment():
        response = make_response(render_template("_notice.html", message=message, hint=hint, tone="bad"), status)
        return htmx.quietly(response) if request.method == "GET" else htmx.as_notice(response)
    return make_response(render_template("error.html", status=status, message=message, hint=hint), status)


def _refusal(error: FrontdeskError) -> ResponseReturnValue:
    return page(STATUS[error.kind], error.message, error.hint)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    status = error.code or 500
    response = page(status, *_sentences(status))
    if status == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
    return response


def _fault(error: Exception) -> ResponseReturnValue:
    log.exception("path=%s method=%s fault", request.path, request.method, exc_info=error)
    return page(500, *_sentences(500))


def init_app(app: Flask) -> None:
    """Turn refusals, HTTP errors and faults into pages."""
    app.register_error_handler(FrontdeskError, _refusal)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)
