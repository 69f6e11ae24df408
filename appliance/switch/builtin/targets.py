"""Where a call of ours goes, and how it introduces itself.

Owns: Request-URI, From, To, identity headers (RFC 3323, RFC 3325) of first INVITEs. Leaves out: the race (forking.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.switch.builtin import uris, wire
from appliance.switch.builtin.addresses import is_address, split_host
from appliance.switch.builtin.credentials import Credentials
from appliance.switch.builtin.dialog import Dialog, without_headers
from appliance.switch.builtin.exchange import Exchange
from appliance.switch.builtin.wire import Place
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected
from appliance.switch.port import Binding, Party, TrunkAccount


@dataclass
class Destination:
    """One INVITE to send."""

    dialog: Dialog
    headers: dict[str, str] = field(default_factory=dict)
    credentials: Credentials | None = None


def _dialog(exchange: Exchange, place: Place, *, target: str, sender: str, to: str, contact_user: str) -> Dialog:
    return Dialog(
        call_id=wire.new_call_id(),
        local_tag=wire.new_tag(),
        remote_tag="",
        local_uri=sender,
        remote_uri=to,
        target=target,
        source=place,
        contact=f"<{exchange.uri_for(contact_user, place)}>",
    )


def _named(name: str, uri: str) -> str:
    return f"{uris.quoted(name)} <{uri}>" if name else f"<{uri}>"


def _plain(uri: str) -> str:
    """A URI of ours without its transport parameter, as From and identity headers want it."""
    return uri.partition(";")[0]


def to_phones(
    exchange: Exchange, extension: str, bindings: Sequence[Binding], show: Party, headers: dict[str, str]
) -> list[Destination]:
    """One INVITE for each phone that can be reached. Raises CallRejected when there is none."""
    found = []
    for binding in bindings:
        place = Place.parse(binding.source)
        if not exchange.sockets.reaches(place):
            continue
        user = uris.uri_user(show.number) or "anonymous"
        sender = _named(show.name or show.number or "Anonymous", _plain(exchange.uri_for(user, place)))
        to = f"<{_plain(exchange.uri_for(uris.uri_user(extension), place))}>"
        dialog = _dialog(
            exchange, place, target=without_headers(binding.contact), sender=sender, to=to, contact_user=user
        )
        found.append(Destination(dialog, dict(headers)))
    if not found:
        raise CallRejected(Cause.NOT_REGISTERED, sip_status=480)
    return found


async def to_trunk(
    exchange: Exchange, trunk: TrunkAccount, number: str, show: Party, headers: dict[str, str]
) -> Destination:
    """The INVITE over a trunk. Raises CallRejected when the trunk has no address to send it to."""
    place = await place_of(exchange, trunk)
    if place is None:
        raise CallRejected(Cause.NETWORK, sip_status=503)
    if not await exchange.sockets.connect(place):
        raise CallRejected(Cause.NETWORK, sip_status=503)
    user, made = uris.uri_user(number), dict(headers)
    shown = uris.uri_user(show.number)
    ours = _plain(exchange.uri_for(shown or "anonymous", place))
    contact_user = uris.uri_user(trunk.username) or shown or "anonymous"
    if trunk.kind == "register":
        sender = _named(show.name or show.number, f"sip:{uris.uri_user(trunk.username)}@{trunk.host}")
        if shown:
            made.setdefault("P-Asserted-Identity", f"<sip:{shown}@{trunk.host}>")
    else:
        sender = _named(show.name, ours)
    if not shown:
        made.setdefault("Privacy", "id")
        if trunk.kind != "register":
            sender = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    suffix = ";transport=tcp" if place.transport == "tcp" else ""
    target = f"sip:{user}@{trunk.host}{suffix}"
    dialog = _dialog(
        exchange, place, target=target, sender=sender, to=f"<sip:{user}@{trunk.host}>", contact_user=contact_user
    )
    dialog.follows_contact = True
    credentials = Credentials(trunk.username, trunk.password) if trunk.username else None
    return Destination(dialog, made, credentials)


async def place_of(exchange: Exchange, trunk: TrunkAccount) -> Place | None:
    """The address of a trunk; None for a network of peers, and for a name nobody knows."""
    if "/" in trunk.host:
        return None
    try:
        host, port = split_host(trunk.host)
    except ValueError:
        return None
    addresses = await exchange.resolver.addresses(host)
    usable = [a for a in addresses if is_address(a)]
    return Place(trunk.transport, usable[0], port) if usable else None
