"""How one office is started: every setting, its name, default, unit and meaning.

Owns: reading the environment and flags. Leaves out: what the owner sets in the admin (the store).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from appliance.errors import Invalid


class BadSetting(Invalid):
    """A setting in the environment has a value that cannot be used."""

    code = "bad-setting"


@dataclass(frozen=True)
class Settings:
    """One office: one folder, one set of ports."""

    home: Path  # FRONTDESK_HOME: everything this office keeps
    bind: str = "0.0.0.0"  # noqa: S104  FRONTDESK_BIND: the address web and SIP listen on
    web_port: int = 8080  # FRONTDESK_WEB_PORT
    sip_port: int = 5060  # FRONTDESK_SIP_PORT, UDP and TCP
    sip_tls_port: int = 0  # FRONTDESK_SIP_TLS_PORT: the one after the SIP port unless told otherwise; 0: no TLS
    srtp: str = "optional"  # FRONTDESK_SRTP: off, optional, required; of phones
    rtp_first: int = 16384  # FRONTDESK_RTP_PORTS "first-last", both inclusive
    rtp_last: int = 17383
    engine: str = "auto"  # FRONTDESK_ENGINE: auto, builtin, freeswitch, simulator
    freeswitch: str = ""  # FRONTDESK_FREESWITCH: the FreeSWITCH program; empty: found by itself
    freeswitch_run: str = "child"  # FRONTDESK_FREESWITCH_RUN: child (started by us) or service (the system's)
    advertise: str = ""  # FRONTDESK_ADVERTISE: the address told to phones; empty: found per peer
    proxy: str = (
        ""  # FRONTDESK_PROXY: the address of a reverse proxy before the pages, believed in who asks; empty: none
    )
    web_url: str = ""  # FRONTDESK_WEB_URL: where people open the admin, for links in mails; empty: found by itself

    @property
    def database(self) -> Path:
        """The office's SQLite file."""
        return self.home / "office.db"

    @property
    def recordings(self) -> Path:
        """Where recordings and voicemails lie; paths in the store are relative to it."""
        return self.home / "recordings"

    @property
    def prompts(self) -> Path:
        """Where greetings, announcements and music lie."""
        return self.home / "prompts"

    @property
    def run(self) -> Path:
        """Sockets and pid files, gone with the process."""
        return self.home / "run"

    @property
    def socket(self) -> Path:
        """The Unix socket between web and core."""
        return self.run / "core.sock"

    @property
    def secret_key_file(self) -> Path:
        """The key that signs the browser's cookies, made at first start, mode 0600."""
        return self.home / "secret_key"


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise BadSetting(f"{name} is {text!r}.", hint="Give a port from 1 to 65535.")
    return int(text)


def _url(env: Mapping[str, str], name: str) -> str:
    text = env.get(name, "").strip().rstrip("/")
    if not text or (text.startswith(("http://", "https://")) and text.isprintable() and not set(text) & set(' "<>')):
        return text
    raise BadSetting(f"{name} is {text!r}.", hint="Give an address such as https://desk.example.com.")


def _proxy(env: Mapping[str, str]) -> str:
    text = env.get("FRONTDESK_PROXY", "").strip()
    try:
        return str(ip_address(text)) if text else ""
    except ValueError as error:
        raise BadSetting(
            f"FRONTDESK_PROXY is {text!r}.", hint="Give the proxy's address, such as 127.0.0.1."
        ) from error


def _port_range(env: Mapping[str, str]) -> tuple[int, int]:
    text = env.get("FRONTDESK_RTP_PORTS", "").strip() or "16384-17383"
    first, dash, last = text.partition("-")
    if dash and first.strip().isdecimal() and last.strip().isdecimal():
        low, high = int(first), int(last)
        if 1024 <= low < high <= 65535 and high - low >= 3:
            return low, high
    raise BadSetting(f"FRONTDESK_RTP_PORTS is {text!r}.", hint='Give "first-last", such as "16384-17383".')


def load(env: Mapping[str, str] | None = None, *, home: str | Path | None = None) -> Settings:
    """Settings from the environment; a home given here wins over FRONTDESK_HOME. Raises BadSetting."""
    env = os.environ if env is None else env
    first, last = _port_range(env)
    engine = env.get("FRONTDESK_ENGINE", "").strip() or "auto"
    if engine not in {"auto", "builtin", "freeswitch", "simulator"}:
        raise BadSetting(f"FRONTDESK_ENGINE is {engine!r}.", hint="Use auto, builtin, freeswitch or simulator.")
    run = env.get("FRONTDESK_FREESWITCH_RUN", "").strip() or "child"
    if run not in {"child", "service"}:
        raise BadSetting(f"FRONTDESK_FREESWITCH_RUN is {run!r}.", hint="Use child or service.")
    srtp = env.get("FRONTDESK_SRTP", "").strip() or "optional"
    if srtp not in {"off", "optional", "required"}:
        raise BadSetting(f"FRONTDESK_SRTP is {srtp!r}.", hint="Use off, optional or required.")
    sip_port = _port(env, "FRONTDESK_SIP_PORT", 5060)
    tls_text = env.get("FRONTDESK_SIP_TLS_PORT", "").strip()
    tls_port = 0 if tls_text == "0" else _port(env, "FRONTDESK_SIP_TLS_PORT", min(sip_port + 1, 65535))
    return Settings(
        home=Path(home or env.get("FRONTDESK_HOME", "").strip() or "var").expanduser().absolute(),
        bind=env.get("FRONTDESK_BIND", "").strip() or "0.0.0.0",  # noqa: S104  phones are on the network
        web_port=_port(env, "FRONTDESK_WEB_PORT", 8080),
        sip_port=sip_port,
        sip_tls_port=tls_port,
        srtp=srtp,
        rtp_first=first,
        rtp_last=last,
        engine=engine,
        freeswitch=env.get("FRONTDESK_FREESWITCH", "").strip(),
        freeswitch_run=run,
        advertise=env.get("FRONTDESK_ADVERTISE", "").strip(),
        proxy=_proxy(env),
        web_url=_url(env, "FRONTDESK_WEB_URL"),
    )
