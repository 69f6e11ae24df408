"""Who asks when a reverse proxy stands before the pages: the proxy's word is taken, nobody else's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from appliance.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Believed:
    """Takes address and scheme from the headers of requests that come from the proxy itself."""

    def __init__(self, inner: "WSGIApplication", proxy: str) -> None:
        self._inner, self._proxy = inner, proxy
        self._told = ProxyFix(inner, x_for=1, x_proto=1)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        app = self._told if environ.get("REMOTE_ADDR") == self._proxy else self._inner
        return app(environ, start_response)


def init_app(app: Flask, settings: Settings) -> None:
    """Without a proxy in the settings no such header is believed."""
    if settings.proxy:
        app.wsgi_app = _Believed(app.wsgi_app, settings.proxy)  # type: ignore[method-assign]
