"""The application factory: puts the pages, the guards and the format together. No page is defined here."""

import importlib
import os
import secrets

from flask import Blueprint, Flask

from appliance.config import Settings
from web import auth, csrf, database, errors, formats, headers, nav, proxy
from web.accounts.routes import blueprint as accounts
from web.agents.routes import blueprint as agents
from web.booking.routes import blueprint as booking
from web.businesses.routes import blueprint as businesses
from web.calls.routes import blueprint as calls
from web.console.routes import blueprint as console
from web.contacts.routes import blueprint as contacts
from web.health.routes import blueprint as health
from web.home.routes import blueprint as home
from web.hours.routes import blueprint as hours
from web.lines.routes import blueprint as lines
from web.live.hub import start_hub
from web.live.routes import blueprint as live
from web.menus.routes import blueprint as menus
from web.messages.routes import blueprint as messages
from web.office.routes import blueprint as office
from web.prompts.routes import blueprint as prompts
from web.recordings.routes import blueprint as recordings
from web.set_up.routes import blueprint as set_up

PAGES: tuple[Blueprint, ...] = (
    home,
    hours,
    accounts,
    set_up,
    calls,
    recordings,
    messages,
    booking,
    contacts,
    console,
    office,
    businesses,
    lines,
    menus,
    agents,
    prompts,
    health,
    live,
)
LARGEST_REQUEST = 12 * 1024 * 1024  # a sound of 10 MB and the form around it


def secret_key(settings: Settings) -> bytes:
    """The key that signs, made at the first start, readable by the office's user alone."""
    path = settings.secret_key_file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # another process made one meanwhile: that one holds
        finally:
            fresh.unlink()
    return path.read_bytes().strip()


def create_app(settings: Settings) -> Flask:
    """The pages of one office. Raises RouteWithoutRole when a page does not say who may see it."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        SESSION_COOKIE_NAME=f"frontdesk_notes_{settings.web_port}",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["frontdesk.settings"] = settings
    database.init_app(app)
    headers.init_app(app)
    formats.init_app(app)
    errors.init_app(app)
    auth.init_app(app)
    csrf.init_app(app)
    nav.init_app(app)
    for page in PAGES:
        app.register_blueprint(page)
    _register_api(app)
    start_hub(app, settings)
    auth.check_roles(app)
    proxy.init_app(app, settings)
    return app


def _register_api(app: Flask) -> None:
    """The API has its own guard (bearer tokens) and errors; the pages work without it."""
    try:
        module = importlib.import_module("web.api.blueprint")
    except ModuleNotFoundError as missing:
        if missing.name and not missing.name.startswith("web.api"):
            raise
        return
    app.register_blueprint(module.api)
