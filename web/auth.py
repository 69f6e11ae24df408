"""Who asks: the session behind the cookie, the roles of each route, the wall.

One decorator says who may use a route; a route without it stops the start. Leaves out: passwords (accounts).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from flask import Flask, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database
from werkzeug.wrappers import Response

from appliance import i18n
from appliance.accounts import service as accounts
from appliance.accounts.models import Session, User
from appliance.errors import Forbidden
from appliance.i18n import gettext as _
from appliance.office import service as offices
from appliance.office.models import Office
from web import htmx
from web.database import db, settings, writing

Route = TypeVar("Route", bound=Callable[..., ResponseReturnValue])

ANYONE = "anyone"
OUTSIDE = frozenset({"static"})  # endpoints that need no role: public files
OWN_GUARD = frozenset({"api"})  # blueprints that check bearer tokens themselves


class RouteWithoutRole(RuntimeError):
    """A route does not say who may use it."""


@dataclass(frozen=True)
class Visitor:
    """Who asks: a signed-in person with their wall, or nobody."""

    user: User | None = None
    session: Session | None = None
    wall: frozenset[str] | None = frozenset()  # None: the whole office


def role(*roles: str) -> Callable[[Route], Route]:
    """Say who may use a route: ``owner``, ``agent``, or ``anyone``."""

    def mark(route: Route) -> Route:
        route.frontdesk_roles = frozenset(roles)  # type: ignore[attr-defined]
        return route

    return mark


def check_roles(app: Flask) -> None:
    """Refuse to start with a route that nobody guards. Raises RouteWithoutRole."""
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.partition(".")[0]
        if rule.endpoint in OUTSIDE or blueprint in OWN_GUARD:
            continue
        if not getattr(app.view_functions[rule.endpoint], "frontdesk_roles", None):
            raise RouteWithoutRole(f"{rule.rule} ({rule.endpoint}) does not say who may use it: add @role(…)")


# --- the visitor of this request ---


def visitor() -> Visitor:
    """Who asks."""
    found: Visitor = g.visitor
    return found


def me() -> User:
    """The signed-in person; use only in routes that need one."""
    user = visitor().user
    assert user is not None
    return user


def wall() -> set[str] | None:
    """The businesses this person may see; None: the whole office."""
    limits = visitor().wall
    return None if limits is None else set(limits)


def office() -> Office | None:
    """The office; None before it is set up."""
    found: Office | None = g.office
    return found


def whole_office_only() -> None:
    """For what concerns every business: refuse an owner who is limited to some. Raises Forbidden."""
    if visitor().wall is not None:
        raise Forbidden(_("This concerns the whole office; you look after some of its businesses."))


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""


def audit(action: str, thing: str = "", *, business_id: str | None = None, in_db: Database | None = None) -> None:
    """Write down that this visitor did something; in the transaction of ``in_db``, or at once."""
    user = visitor().user
    accounts.audit(
        in_db or db(),
        actor=user.name if user else "",
        user_id=user.user_id if user else None,
        action=action,
        object=thing,
        business_id=business_id,
        address=address(),
    )


# --- cookies ---


def session_cookie() -> str:
    """The cookie's name; it holds the port, since two offices on one machine share their host's cookies."""
    return f"frontdesk_session_{settings().web_port}"


def language_cookie() -> str:
    """The cookie for people who have not signed in."""
    return f"frontdesk_language_{settings().web_port}"


def sign_in(response: Response, user: User, secret: str) -> Response:
    """Give the browser its session."""
    _set_cookie(response, session_cookie(), secret, accounts.SESSION_LENGTH[user.role])
    return response


def sign_out(response: Response) -> Response:
    """Take the session from the browser."""
    response.delete_cookie(session_cookie(), samesite="Lax")
    return response


def _set_cookie(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    response.set_cookie(
        name, value, max_age=lifetime, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )


# --- at the start and end of every request ---


def _read_visitor() -> Visitor:
    secret = request.cookies.get(session_cookie(), "")
    found = accounts.session_of(db(), secret) if secret else None
    if found is None:
        return Visitor()
    session, user = found
    limits = accounts.visible_businesses(db(), user)
    # what a page fetches by itself does not keep a session alive: only a person's doing does
    by_itself = htmx.wants_fragment() and request.method == "GET"
    if not by_itself and (request.blueprint or "") != "live" and accounts.slide_is_due(session):
        with writing() as open_db:
            accounts.slide(open_db, session, user)
        g.slid = (user, secret)
    return Visitor(user, session, None if limits is None else frozenset(limits))


def _language(user: User | None, of_office: Office | None) -> str:
    if user and user.language:
        return user.language
    chosen = request.args.get("language", "") or request.cookies.get(language_cookie(), "")
    if chosen in i18n.LANGUAGES and user is None:
        return chosen
    if of_office:
        return of_office.language
    if chosen in i18n.LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(i18n.LANGUAGES)) or "en"


def _meet() -> ResponseReturnValue | None:
    g.visitor, g.office = Visitor(), None
    i18n.set_language("en")
    if request.endpoint in OUTSIDE or request.blueprint in OWN_GUARD:
        return None
    g.office = offices.find_office(db())
    g.visitor = _read_visitor()
    i18n.set_language(_language(g.visitor.user, g.office))
    return _refuse_or_none() if request.endpoint else None


def _refuse_or_none() -> ResponseReturnValue | None:
    allowed = _view_roles()
    if ANYONE in allowed:
        return None
    user = visitor().user
    if user is None:
        return _to_sign_in()
    if user.role not in allowed:
        raise Forbidden(_("This page is not for you."), hint=_("Sign in as somebody else, or ask the owner."))
    return None


def _view_roles() -> frozenset[str]:
    return getattr(current_app.view_functions[request.endpoint or ""], "frontdesk_roles", frozenset())


def _to_sign_in() -> ResponseReturnValue:
    if accounts.set_up_link_needed(db()):
        return htmx.go_to(url_for("accounts.sign_in"))
    back = request.full_path.rstrip("?") if request.method == "GET" and not htmx.wants_fragment() else ""
    target = url_for("accounts.sign_in", next=back or None, ended=None if back in ("", "/") else 1)
    if request.method == "GET" and not htmx.wants_fragment():
        return htmx.go_to(target)
    response = htmx.go_to(url_for("accounts.sign_in", ended=1))
    if htmx.wants_fragment() or request.headers.get("X-Requested-By") == "draft":
        response.status_code = 401
    return response


def _part(response: Response) -> Response:
    slid: tuple[User, str] | None = g.pop("slid", None)
    if slid:
        sign_in(response, *slid)
    chosen = request.args.get("language", "")
    if chosen in i18n.LANGUAGES and request.endpoint not in OUTSIDE:
        _set_cookie(response, language_cookie(), chosen, timedelta(days=365))
    return response


def init_app(app: Flask) -> None:
    """Look who asks before every route, and let nobody through whom it is not for."""
    app.before_request(_meet)
    app.after_request(_part)
