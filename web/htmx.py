"""All that knows HTMX's headers. A history restore must get the whole page, so it does not count as a fragment."""

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response


def wants_fragment() -> bool:
    """Whether a part of the page is asked for, not the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def go_to(address: str) -> Response:
    """Send the browser to another page: after a form, or from within a fragment."""
    if wants_fragment():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address, 303)


def with_events(answer: ResponseReturnValue, *events: str) -> Response:
    """Have the page raise these events after the answer has been put in place."""
    response: Response = make_response(answer)
    response.headers["HX-Trigger-After-Swap"] = ", ".join(events)
    return response


def quietly(response: Response) -> Response:
    """Leave the page as it is."""
    response.headers["HX-Reswap"] = "none"
    return response


def as_notice(response: Response) -> Response:
    """Show the answer in the page's place for notices, wherever it was asked from."""
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
