"""Refusals as RFC 9457 problem documents."""

import json
import logging
import sqlite3
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import HTTPException

from appliance.errors import FrontdeskError, Kind

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
STATUS: dict[Kind, int] = {"not_found": 404, "invalid": 400, "conflict": 409, "forbidden": 403, "unavailable": 503}
_DETAILS = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not know that method.",
    413: "The request is too large.",
    415: "Send the body as application/json.",
    416: "The recording has no such range.",
    500: "Something went wrong in the box, and it was written down.",
}


def problem(status: int, code: str, detail: str, *, hint: str = "", headers: dict[str, str] | None = None) -> Response:
    """A problem document; ``code`` is stable, ``detail`` is for people."""
    document = {
        "type": f"urn:frontdesk:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
    }
    if hint:
        document["hint"] = hint
    response = Response(json.dumps(document, ensure_ascii=False), status, content_type=CONTENT_TYPE)
    response.headers.update(headers or {})
    return response


def of_refusal(error: FrontdeskError) -> Response:
    """A refusal of the house."""
    return problem(STATUS[error.kind], error.code, error.message, hint=error.hint)


def of_http(error: HTTPException) -> Response:
    """An error that Flask found."""
    status = error.code or 500
    headers = {}
    if status == 405:
        headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if status == 416:
        headers["Content-Range"] = next((v for k, v in error.get_headers() if k == "Content-Range"), "bytes */*")
    code = HTTPStatus(status).phrase.lower().replace(" ", "-")
    return problem(status, code, _DETAILS.get(status, HTTPStatus(status).description), headers=headers)


def of_fault(error: Exception) -> Response:
    """A fault of ours: written to the log, told without its inside; a store that cannot be written now is a 503."""
    if isinstance(error, sqlite3.OperationalError) and any(w in str(error) for w in ("locked", "full", "readonly")):
        log.warning("path=%s method=%s store=%s", request.path, request.method, error)
        hint = "Try again in a moment; if it stays so, ask the box: frontdesk doctor"
        said = "The office's store cannot be written to at the moment."
        return problem(503, "store-unavailable", said, hint=hint, headers={"Retry-After": "5"})
    log.exception("path=%s method=%s fault", request.path, request.method, exc_info=error)
    return problem(500, "fault", _DETAILS[500])
