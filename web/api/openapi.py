"""The OpenAPI 3.1 document, made from the table of routes."""

from typing import Any

from appliance import __version__
from web.api.problems import CONTENT_TYPE
from web.api.routes import ROUTES, Route
from web.api.schemas import SCHEMAS

_REASONS = {
    400: "A parameter or the body cannot be used.",
    401: "No token, or one that opens nothing.",
    404: "There is no such thing.",
    409: "It is not as it would have to be for this.",
    416: "The recording has no such range.",
    500: "A fault in the box.",
    503: "A part of the office does not answer.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {"/healthz": {"get": _health()}, "/api/openapi.json": {"get": _itself()}}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Frontdesk",
            "version": __version__,
            "description": "Calls, messages and agents of one office. Make a token with: frontdesk token create NAME",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
            "responses": {str(status): _problem(reason) for status, reason in _REASONS.items()},
        },
    }


def _problem(reason: str) -> dict[str, Any]:
    return {"description": reason, "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _operation(route: Route) -> dict[str, Any]:
    refusals = {401, 500, *route.refusals, *((404,) if route.in_path else ()), 400}
    answers: dict[str, Any] = {"200": {"description": route.summary, "content": _json(route.answer)}}
    if route.answer == "audio/wav":
        sound = {"audio/wav": {"schema": {"type": "string", "contentMediaType": "audio/wav"}}}
        answers = {
            "200": {"description": "The whole recording.", "content": sound},
            "206": {"description": "The range that was asked for.", "content": sound},
        }
    answers |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refusals)}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": (route.view.__doc__ or "").strip(),
        "parameters": [
            *({"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in route.in_path),
            *(
                {"name": p.name, "in": "query", "description": p.meaning, "schema": dict(p.schema)}
                for p in route.parameters
            ),
        ],
        "responses": answers,
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": _json(route.body)}
    return operation


def _health() -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "Whether calls are answered",
        "security": [],
        "responses": {
            "200": {"description": "They are.", "content": _json("Health")},
            "503": {
                "description": "They are not: the core does not run, or the store cannot be read.",
                "content": _json("Health"),
            },
        },
    }


def _itself() -> dict[str, Any]:
    return {
        "operationId": "openapi",
        "summary": "This document",
        "security": [],
        "responses": {
            "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    }
