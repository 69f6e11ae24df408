"""What every answer carries so that a browser does no harm: a strict content policy, no framing, no store."""

from flask import Flask, Response, request

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def _add(response: Response) -> Response:
    head = response.headers
    head.setdefault("Content-Security-Policy", CONTENT_POLICY)
    head.setdefault("X-Content-Type-Options", "nosniff")
    head.setdefault("X-Frame-Options", "DENY")
    head.setdefault("Referrer-Policy", "same-origin")
    head.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    head.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
    if request.is_secure:
        head.setdefault("Cross-Origin-Opener-Policy", "same-origin")  # over plain HTTP browsers only complain of it
        head.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint == "static":
        # the address of a file carries its version, so it may be kept; without one it is asked for anew
        head["Cache-Control"] = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
    else:
        head.setdefault("Cache-Control", "no-store")
        head.add("Vary", "HX-Request")
    return response


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    app.after_request(_add)
