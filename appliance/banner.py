"""What `frontdesk up` tells: where the admin is, where phones register, how to make a first call."""

from appliance.addresses import local_address
from appliance.config import Settings
from appliance.i18n import gettext as _
from appliance.switch.loader import Choice

ENGINES = {"builtin": "built-in", "freeswitch": "FreeSWITCH", "simulator": "simulator"}


def banner(settings: Settings, engine: Choice, set_up_secret: str) -> str:
    """Four things to know, in the office's language."""
    host = local_address(settings)
    admin = f"http://{host}:{settings.web_port}/"
    if set_up_secret:
        admin = _("%(url)s  (works once, for seven days)", url=f"{admin}set-up/{set_up_secret}")
    lines = [
        "",
        _("Frontdesk is answering."),
        "",
        _("  Admin       %(url)s", url=admin),
        _("  SIP phones  %(address)s  (UDP or TCP)", address=f"{host}:{settings.sip_port}"),
        *_over_tls(settings, engine, host),
        _("  Calls by    %(engine)s", engine=_engine(engine)),
        _("  First call  Open the admin: at its end it gives you a phone account. Register a SIP phone with it, then"),
        _("              dial the business's number from another phone registered here, or over your SIP line."),
        "",
        _("  Ctrl-C ends everything. What is kept lies in %(home)s.", home=str(settings.home)),
        "",
    ]
    return "\n".join(lines)


def _over_tls(settings: Settings, engine: Choice, host: str) -> list[str]:
    if engine.name != "freeswitch" or not settings.sip_tls_port:
        return []
    return [_("              %(address)s  (TLS, encrypted)", address=f"{host}:{settings.sip_tls_port}")]


def _engine(engine: Choice) -> str:
    name = ENGINES[engine.name]
    return f"{name} ({engine.why})" if engine.why else name
