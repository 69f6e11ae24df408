"""Cross-site request forgery: every change must carry a token only our own pages know.

The token is bound to the session; before sign-in, to a cookie of the visit. Not for the API, which takes no cookies.
"""

import hashlib
import hmac
import secrets
from typing import ClassVar

from flask import Flask, current_app, g, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from appliance.errors import Invalid
from appliance.i18n import gettext as _
from web.auth import OUTSIDE, OWN_GUARD, visitor
from web.database import settings

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class BadToken(Invalid):
    """The request did not come from one of our pages, or the page is older than the session."""

    code: ClassVar[str] = "bad-token"

    def __init__(self) -> None:
        super().__init__(
            _("This page was open for too long, so nothing was changed."),
            hint=_("Go back, reload the page, and try again."),
        )


def _visit_cookie() -> str:
    return f"frontdesk_visit_{settings().web_port}"


def token() -> str:
    """The token for the forms of this visitor."""
    session = visitor().session
    if session:
        about = "session:" + session.session_hash
    else:
        visit = g.get("visit") or request.cookies.get(_visit_cookie(), "")
        if len(visit) < 20:
            visit = secrets.token_urlsafe(24)
        g.visit = visit
        about = "visit:" + visit
    key: bytes = current_app.config["SECRET_KEY"]
    return hmac.new(key, ("csrf:" + about).encode(), hashlib.sha256).hexdigest()


def field() -> Markup:
    """The hidden field every form carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, escape(token()))


def _check() -> None:
    nothing_there = request.endpoint is None  # routing answers 404 or 405 in a moment
    if nothing_there or request.method in SAFE or request.endpoint in OUTSIDE or request.blueprint in OWN_GUARD:
        return
    sent = request.headers.get(HEADER, "") or request.form.get(FIELD, "")
    if not sent or not hmac.compare_digest(sent.encode(), token().encode()):
        raise BadToken


def _remember_visit(response: Response) -> Response:
    visit = g.get("visit")
    if visit and request.cookies.get(_visit_cookie()) != visit:
        response.set_cookie(_visit_cookie(), visit, httponly=True, samesite="Lax", secure=request.is_secure, path="/")
    return response


def init_app(app: Flask) -> None:
    """Check every change; give templates ``csrf_field()`` and ``csrf_token()``."""
    app.before_request(_check)
    app.after_request(_remember_visit)
    app.jinja_env.globals.update(csrf_field=field, csrf_token=token)
