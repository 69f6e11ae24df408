"""FreeSWITCH's configuration of one office, rendered from the templates in dialplan/.

Owns: what is written under home/freeswitch/conf, file by file, each put in place at once; only what changed is touched,
and what changed is told. Leaves out: having FreeSWITCH read it (engine), starting it (process.py).
"""

import hashlib
import ipaddress
import logging
import os
import re
import socket
import wave
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import phonenumbers

from appliance.config import Settings
from appliance.switch.freeswitch.binary import Installed, find_installed
from appliance.switch.freeswitch.commands import WATCHDOG_SECONDS
from appliance.switch.freeswitch.guard import Barred
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.refusals import ConfigOfSomebodyElse, NotRenderable
from appliance.switch.freeswitch.secrets import Secrets, write_privately
from appliance.switch.freeswitch.xml_text import fill, ill_formed
from appliance.switch.port import PhoneAccount, Standby, SwitchConfig, TrunkAccount

log = logging.getLogger(__name__)

PROFILE = "office"
REALM = "frontdesk"  # of the digest and of the directory; passwords are kept as hashes of it
MARKER = "Written by Frontdesk from its templates; changes made here are overwritten"
RTP_TIMEOUT_MS = 30_000
RTP_HOLD_TIMEOUT_MS = 3_600_000
MAX_SESSIONS = 4000  # most of them strangers' unsigned calls, which FreeSWITCH remembers for ten seconds each

REQUIRED_MODULES = (
    "mod_logfile",
    "mod_event_socket",
    "mod_commands",
    "mod_dptools",
    "mod_db",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_local_stream",
    "mod_tone_stream",
    "mod_sofia",
)
OPTIONAL_MODULES = ("mod_timerfd", "mod_spandsp", "mod_opus", "mod_conference")
_BEFORE_SOFIA = ("mod_timerfd", "mod_spandsp", "mod_opus", "mod_conference")

_TRUNK_ID = re.compile(r"^[a-z0-9][a-z0-9_-]{0,31}$")
_EXTENSION = re.compile(r"^[0-9]{1,12}$")
_BUSINESS_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
_PLAIN_USER = re.compile(r"^[0-9A-Za-z+._-]{1,64}$")
Resolve = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Changes:
    """What a render touched: files (relative), and gateways FreeSWITCH must drop before it reads their new form."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def gateways_to_drop(self) -> tuple[str, ...]:
        """Trunks whose gateway was there before and has changed or gone."""
        return tuple(sorted({Path(name).stem for name in (*self.rewritten, *self.removed) if _is_gateway(name)}))

    rewritten: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


def _is_gateway(name: str) -> bool:
    return name.startswith(f"sip_profiles/{PROFILE}/")


@dataclass(frozen=True)
class _Trunk:
    """A trunk as the templates see it."""

    id: str
    acl: str
    host: str
    host_name: str
    networks: tuple[str, ...]
    source_port: int
    via_port: int
    transport: str
    username: str
    password: str
    registers: bool
    username_pattern: str = ""


def render(
    settings: Settings,
    config: SwitchConfig,
    secrets: Secrets,
    *,
    installed: Installed | None = None,
    resolve: Resolve | None = None,
    barred: Barred | None = None,
) -> Changes:
    """Write the configuration; what was touched. Asks DNS for trunks named by host, so keep it off the loop.

    Raises ConfigOfSomebodyElse, NotRenderable.
    """
    places = Places.of(settings)
    _check_ours(places)
    places.make()
    found = installed or find_installed(settings)
    files = texts(settings, config, secrets, installed=found, resolve=resolve, barred=barred or Barred())
    for one in config.standby:
        (places.standby_recordings / one.business_id).mkdir(exist_ok=True, mode=0o700)
        put_sounds(settings, one.business_id, one.sounds)
    _put_first_music(places.music)
    return _write(places.conf, files)


def texts(
    settings: Settings,
    config: SwitchConfig,
    secrets: Secrets,
    *,
    installed: Installed | None = None,
    resolve: Resolve | None = None,
    barred: Barred = Barred(),  # noqa: B008  frozen
) -> dict[str, str]:
    """Every file of the configuration: path relative to conf -> text, freeswitch.xml last. Raises NotRenderable."""
    places = Places.of(settings)
    modules = _modules(installed)
    trunks = [_trunk(account, resolve or addresses_of) for account in config.trunks]
    values = {
        "marker": MARKER,
        "profile": PROFILE,
        "realm": REALM,
        "folder": places,
        "secrets": secrets,
        "modules": modules,
        "codecs": ",".join(_codecs(modules)),
        "max_sessions": MAX_SESSIONS,
        "rtp_first": settings.rtp_first,
        "rtp_last": settings.rtp_last,
        "sip_port": settings.sip_port,
        "tls_port": settings.sip_tls_port,
        "srtp": settings.srtp,
        "bind": "" if settings.bind == "0.0.0.0" else settings.bind,  # noqa: S104  compared, not bound
        "advertise": settings.advertise,
        "watchdog_seconds": WATCHDOG_SECONDS,
        "rtp_timeout_ms": RTP_TIMEOUT_MS,
        "rtp_hold_timeout_ms": RTP_HOLD_TIMEOUT_MS,
        # those that name a port say most about themselves, networks least: the first that fits is taken
        "trunks": sorted(trunks, key=lambda t: (not t.source_port, "/" in t.host)),
        "extensions_pattern": "|".join(sorted(_extension(phone) for phone in config.phones)),
        "barred_addresses": sorted(_as_network(address) for address in barred.addresses),
        "standby": [_standby(one, places) for one in config.standby],
    }
    files = {name.removesuffix(".j2"): fill(name, **values) for name in _FIXED if _is_wanted(name, modules)}
    for phone in config.phones:
        files[f"directory/{phone.extension}.xml"] = fill(
            "directory/phone.xml.j2", phone=_phone(phone, is_barred=phone.extension in barred.extensions)
        )
    for trunk in trunks:
        if "/" not in trunk.host:
            files[f"sip_profiles/{PROFILE}/{trunk.id}.xml"] = fill("sip_profiles/gateway.xml.j2", trunk=trunk)
    files["freeswitch.xml"] = fill("freeswitch.xml.j2", **values)
    for name, text in files.items():
        if why := ill_formed(text):
            raise NotRenderable(name, why)
    return files


_FIXED = (
    *(
        f"autoload_configs/{name}.conf.xml.j2"
        for name in (
            "switch",
            "modules",
            "logfile",
            "event_socket",
            "acl",
            "local_stream",
            "db",
            "sofia",
            "opus",
            "spandsp",
            "conference",
        )
    ),
    f"sip_profiles/{PROFILE}.xml.j2",
    *(f"dialplan/{name}.xml.j2" for name in ("public", "phones", "core", "transfers", "standby")),
)


def _is_wanted(name: str, modules: Sequence[str]) -> bool:
    part = Path(name).name.partition(".")[0]
    return f"mod_{part}" not in OPTIONAL_MODULES or f"mod_{part}" in modules


def _modules(installed: Installed | None) -> list[str]:
    there = installed.modules if installed else frozenset(REQUIRED_MODULES)
    optional = [name for name in _BEFORE_SOFIA if name in there]
    return [*REQUIRED_MODULES[:-1], *optional, REQUIRED_MODULES[-1]]


def _codecs(modules: Sequence[str]) -> list[str]:
    wide = ["OPUS"] if "mod_opus" in modules else []
    # mod_spandsp brings G.722; asked for without it FreeSWITCH says nothing and offers what is left
    return ["PCMU", "PCMA", *(["G722"] if "mod_spandsp" in modules else []), *wide]


# --- phones and trunks ---


@dataclass(frozen=True)
class _Phone:
    extension: str
    a1_hash: str  # empty: nobody gets in


def _extension(phone: PhoneAccount) -> str:
    if not _EXTENSION.match(phone.extension):
        raise NotRenderable("directory", f"extension {phone.extension!r}")
    return phone.extension


def _phone(phone: PhoneAccount, *, is_barred: bool) -> _Phone:
    if is_barred:
        return _Phone(_extension(phone), "")
    secret = f"{_extension(phone)}:{REALM}:{phone.password}"
    return _Phone(phone.extension, hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest())  # RFC 2617 A1


def _trunk(account: TrunkAccount, resolve: Resolve) -> _Trunk:
    if not _TRUNK_ID.match(account.trunk_id):
        raise NotRenderable("sip_profiles", f"trunk {account.trunk_id!r}")
    name, port = split_host(account.host)
    return _Trunk(
        id=account.trunk_id,
        acl=f"trunk-{account.trunk_id}",
        host=account.host,
        host_name=name,
        networks=_networks(account, name, resolve),
        # of TCP the port is the connection's own: the address lets in, the dialplan looks at what Via says
        source_port=port if account.transport == "udp" else 0,
        via_port=port if account.transport == "tcp" else 0,
        transport=account.transport,
        username=account.username if _PLAIN_USER.match(account.username) or account.kind == "register" else "",
        password=account.password,
        registers=account.kind == "register",
        username_pattern=re.escape(account.username) if _PLAIN_USER.match(account.username) else "(?!)",
    )


def split_host(host: str) -> tuple[str, int]:
    """``host:port`` apart, the port 0 when there is none; ``[::1]:5060`` too."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, int(rest[1:]) if rest[1:].isdecimal() else 0
    name, colon, port = host.partition(":")
    if colon and ":" not in port and port.isdecimal():
        return name, int(port)
    return host, 0


def _networks(account: TrunkAccount, name: str, resolve: Resolve) -> tuple[str, ...]:
    if "/" in account.host:
        return (str(ipaddress.ip_network(account.host, strict=False)),)
    try:
        return (_as_network(name),)
    except ValueError:
        found = tuple(_as_network(address) for address in resolve(name))
    if not found:
        log.warning("trunk=%s its host cannot be found; its calls are refused until it can", account.trunk_id)
    return found


def _as_network(address: str) -> str:
    return str(ipaddress.ip_network(ipaddress.ip_address(address)))


def addresses_of(name: str) -> Sequence[str]:
    """What DNS says of a name, empty when nothing."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(name, None, socket.AF_INET)})
    except OSError:
        return ()


# --- standby ---


@dataclass(frozen=True)
class _Standby:
    business_id: str
    numbers_pattern: str
    extensions: tuple[str, ...]
    dial_string: str
    ring_seconds: int
    voicemail_seconds: int
    sounds: Path
    recordings: Path


def _standby(one: Standby, places: Places) -> _Standby:
    if not _BUSINESS_ID.match(one.business_id):
        raise NotRenderable("dialplan/standby.xml", f"business {one.business_id!r}")
    extensions = tuple(extension for extension in one.extensions if _EXTENSION.match(extension))
    return _Standby(
        business_id=one.business_id,
        numbers_pattern="|".join(_number_pattern(number) for number in one.numbers) or "(?!)",
        extensions=extensions,
        dial_string=",".join(_rung_by_the_standby(extension) for extension in extensions),
        ring_seconds=one.ring_seconds,
        voicemail_seconds=one.voicemail_seconds,
        sounds=places.standby_sounds(one.business_id),
        recordings=places.standby_recordings / one.business_id,
    )


def _rung_by_the_standby(extension: str) -> str:
    """One phone of a business; who picks up is written on the caller's channel, for the books."""
    told = f"frontdesk_dialled={extension},api_on_answer='uuid_setvar ${{uuid}} frontdesk_answered_by {extension}'"
    return f"[{told}]user/{extension}@{REALM}"


def _number_pattern(number: str) -> str:
    """As carriers write it: with the plus, 00, nothing before the country, or national with its 0."""
    digits = re.sub(r"[^0-9]", "", number)
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return rf"\+?{digits}" if digits else "(?!)"
    national = phonenumbers.national_significant_number(parsed)
    return rf"(?:\+|00)?{parsed.country_code}{national}|0?{national}"


def put_sounds(settings: Settings, business_id: str, sounds: Mapping[str, Path]) -> None:
    """Have the standby of a business say these (prompt -> WAV); FreeSWITCH needs not be told."""
    folder = Places.of(settings).standby_sounds(business_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, sound in sounds.items():
        if re.fullmatch(r"[a-z_]{1,40}", name):
            _link(folder / f"{name}.wav", sound)


def put_music(settings: Settings, sound: Path) -> bool:
    """Have people who wait hear this file from the stream's next round on; whether it is another one.

    Not by ``local_stream reload``: of a stream that nobody hears it ended the new one with the old (seen on 1.11).
    """
    folder = Places.of(settings).music
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _link(folder / "music.wav", sound)


def _link(path: Path, target: Path) -> bool:
    if path.is_symlink() and path.readlink() == target:
        return False
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(path)
    return True


def _put_first_music(folder: Path) -> None:
    """Silence, until there is music: a stream without a file would not start."""
    path = folder / "music.wav"
    if path.is_symlink() or path.exists():
        return
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * 2))


# --- files ---


def _check_ours(places: Places) -> None:
    main = places.conf / "freeswitch.xml"
    if not places.conf.exists() or not any(places.conf.iterdir()):
        return
    try:
        if MARKER in main.read_text(encoding="utf-8", errors="replace"):
            return
    except FileNotFoundError:
        if not any(p.suffix == ".xml" for p in places.conf.rglob("*")) or (places.conf / ".frontdesk").exists():
            return
    raise ConfigOfSomebodyElse(places.conf)


def _write(conf: Path, files: Mapping[str, str]) -> Changes:
    """Put what differs in place, then take away what is no longer wanted."""
    written, rewritten = [], []
    for folder in sorted({conf / Path(name).parent for name in files} | {conf / "sip_profiles" / PROFILE}):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (conf / ".frontdesk").touch(mode=0o600)
    for name, text in files.items():
        path = conf / name
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        if before == text:
            continue
        write_privately(path, text)
        written.append(name)
        if before is not None:
            rewritten.append(name)
    removed = tuple(sorted(_stale(conf, files)))
    for name in removed:
        (conf / name).unlink(missing_ok=True)
    return Changes(tuple(written), removed, tuple(rewritten))


def _stale(conf: Path, files: Iterable[str]) -> set[str]:
    return {str(path.relative_to(conf)) for path in conf.rglob("*.xml")} - set(files)
