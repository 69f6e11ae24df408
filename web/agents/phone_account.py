"""A phone's account as people and cameras read it: address, port, user, password; as text and as a QR code."""

import ipaddress
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import quote, urlsplit

import segno
from markupsafe import Markup

from appliance.addresses import bound_address
from appliance.config import Settings

_LOCAL = {"localhost", "127.0.0.1", "::1", ""}


@dataclass(frozen=True)
class PhoneAccount:
    """What to type into a phone."""

    server: str
    port: int
    user: str
    password: str
    name: str
    transport: str = "UDP"

    @property
    def uri(self) -> str:
        """``sip:101:secret@192.0.2.5:5060;transport=udp``, what a softphone's camera reads."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        user = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"sip:{user}@{host}:{self.port};transport={self.transport.lower()}"

    def qr(self) -> Markup:
        """The QR code as SVG, to stand in the page."""
        out = BytesIO()
        segno.make(self.uri, error="m", micro=False).save(
            out,
            kind="svg",
            xmldecl=False,
            svgns=True,
            svgclass="qr",
            lineclass=None,
            omitsize=True,
            scale=5,
            border=3,
            dark="#000",
            light="#fff",
        )
        return Markup(out.getvalue().decode())  # noqa: S704  drawn by us: paths, no text of anybody


def server_address(settings: Settings, asked_host: str) -> str:
    """The address to tell phones: as set, as bound, else as this browser reached the box, else the machine's own."""
    if settings.advertise:
        return settings.advertise
    if settings.bind not in ("0.0.0.0", "::", ""):  # noqa: S104  compares, binds nothing
        return settings.bind
    host = urlsplit(f"//{asked_host}").hostname or ""
    if host in _LOCAL:
        return bound_address(settings)
    try:
        return bound_address(settings) if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def account_of(settings: Settings, asked_host: str, extension: str, password: str, name: str) -> PhoneAccount:
    """The account of an extension."""
    return PhoneAccount(server_address(settings, asked_host), settings.sip_port, extension, password, name)
