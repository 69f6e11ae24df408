"""A dialog: the two tags, where its requests go, and their order (RFC 3261 §12)."""

import ipaddress
from dataclasses import dataclass, field

from aiosipua.message import SipRequest, SipResponse

from appliance.switch.builtin import uris, wire
from appliance.switch.builtin.addresses import is_address
from appliance.switch.builtin.wire import Place, Request, Response

DialogKey = tuple[str, str]  # Call-ID and our tag


@dataclass
class Dialog:
    """One dialog, early or confirmed."""

    call_id: str
    local_tag: str
    remote_tag: str
    local_uri: str  # our From or To value, without its tag
    remote_uri: str
    target: str  # the party's Contact URI
    source: Place  # where the party's packets come from
    contact: str  # our Contact value
    routes: list[str] = field(default_factory=list)
    local_cseq: int = 0
    remote_cseq: int = -1
    follows_contact: bool = False  # trunks: packets go where Contact or Route say; phones: back to where they come from

    @property
    def key(self) -> DialogKey:
        """Call-ID and our tag."""
        return (self.call_id, self.local_tag)

    @classmethod
    def of_request(cls, request: Request, local_tag: str, contact: str) -> "Dialog":
        """The dialog an INVITE makes on our side."""
        message = request.message
        return cls(
            call_id=request.call_id,
            local_tag=local_tag,
            remote_tag=request.from_tag,
            local_uri=message.get_header("to") or "",
            remote_uri=without_tag(message.get_header("from") or ""),
            target=contact_of(message) or message.uri,
            source=request.source,
            contact=contact,
            routes=message.get_header_values("record-route"),
            remote_cseq=request.cseq,
        )

    def confirmed_by(self, response: Response) -> None:
        """Take what the response to our INVITE says (RFC 3261 §12.1.2)."""
        self.remote_tag = response.to_tag
        self.target = contact_of(response.message) or self.target
        self.routes = list(reversed(response.message.get_header_values("record-route")))

    def accepts(self, request: Request) -> bool:
        """Whether a request in this dialog is in order; remembers its number."""
        if request.cseq <= self.remote_cseq:
            return False
        self.remote_cseq = request.cseq
        return True

    def next_request(self, method: str, *, cseq: int | None = None) -> SipRequest:
        """A request of ours, without its Via. An ACK is given the number of its INVITE."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        request = SipRequest(method=method, uri=self.target)
        for route in self.routes:
            request.add_header("Route", route)
        request.set_header("Max-Forwards", "70")
        request.set_header("From", f"{self.local_uri};tag={self.local_tag}")
        request.set_header("To", self.remote_uri + (f";tag={self.remote_tag}" if self.remote_tag else ""))
        request.set_header("Call-ID", self.call_id)
        request.set_header("CSeq", f"{cseq} {method}")
        request.set_header("User-Agent", wire.PRODUCT)
        return request

    def way_back(self) -> Place | None:
        """Where to connect to when the connection the party came over is gone; None over UDP or without an address."""
        if self.source.transport != "tcp" or not self.follows_contact:
            return None
        try:
            uri = uris.address(self.routes[0] if self.routes else f"<{self.target}>").uri
        except ValueError:
            return None
        host = uri.host.strip("[]")
        return Place("tcp", host, uri.port or 5060) if is_address(host) else None

    def place(self) -> Place:
        """Where requests of ours go."""
        hop = self.routes[0] if self.routes else (f"<{self.target}>" if self.follows_contact else "")
        if not hop:
            return self.source
        try:
            uri = uris.address(hop).uri
        except ValueError:
            return self.source
        host = uri.host.strip("[]")
        if not is_address(host) or self.source.transport == "tcp" or _hides(host, self.source.host):
            return self.source
        return Place("udp", host, uri.port or 5060)


def _hides(host: str, seen: str) -> bool:
    """Whether an address in a header is a private one of a party we see under a public one: NAT."""
    return ipaddress.ip_address(host).is_private and not ipaddress.ip_address(seen).is_private


def contact_of(message: SipRequest | SipResponse) -> str:
    """The URI of the first Contact, "" when there is none that can be read."""
    values = message.get_header_values("contact")
    if not values:
        return ""
    try:
        parsed = uris.address(values[0])
    except ValueError:
        return ""
    text = values[0]
    if "<" in text:
        return without_headers(text[text.rindex("<") + 1 : text.rindex(">")].strip())
    return without_headers(text.partition(";")[0].strip()) if parsed.uri.host else ""


def without_headers(uri: str) -> str:
    """A Contact as a Request-URI, where no headers may stand (RFC 3261 §19.1.1, table 1)."""
    user, at, rest = uri.rpartition("@")
    return user + at + rest.partition("?")[0]


def without_tag(value: str) -> str:
    """A From or To value without its tag."""
    head, bracket, parameters = value.rpartition(">")
    if not bracket:
        head, _, rest = value.partition(";")
        parameters = ";" + rest if rest else ""
    kept = [p for p in parameters.split(";")[1:] if not p.strip().lower().startswith("tag")]
    return head + bracket + "".join(f";{parameter.strip()}" for parameter in kept)
