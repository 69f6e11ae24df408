"""The registrar: which phone is where (RFC 3261 §10).

Owns: bindings, their expiry, the answer to REGISTER. Leaves out: who may register (digest.py, dispatch.py).
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiosipua.headers import Address
from aiosipua.message import SipResponse

from appliance import clock
from appliance.switch.builtin import uris
from appliance.switch.builtin.wire import Place, Request
from appliance.switch.port import Binding

log = logging.getLogger(__name__)

LEAST_SECONDS = 10
MOST_SECONDS = 3600
BEHIND_NAT_SECONDS = 120  # keeps the router's UDP mapping from fading
MOST_PHONES = 10  # per extension


class Refused(Exception):
    """A REGISTER that is in order but cannot be granted."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers


@dataclass(slots=True)
class _Phone:
    contact: str  # the URI as the phone gave it
    place: Place
    user_agent: str
    registered_at: str
    expires: float  # loop time
    expires_at: str
    call_id: str = ""
    cseq: int = -1
    instance: str = ""


@dataclass(slots=True)
class _Wish:
    contact: str
    seconds: int
    instance: str


class Registrar:
    """All bindings of the office."""

    def __init__(self, on_change: Callable[[str], None]) -> None:
        """``on_change`` is told the extension."""
        self._on_change = on_change
        self._phones: dict[str, list[_Phone]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._places: frozenset[Place] = frozenset()
        self._hosts: frozenset[str] = frozenset()

    # --- REGISTER ---
    def register(self, extension: str, request: Request, response: SipResponse) -> None:
        """Carry out a REGISTER whose sender is known, and fill its 200. Raises Refused, ValueError."""
        values = request.message.get_header_values("contact")
        phones = list(self._living(extension))
        if any(value.strip() == "*" for value in values):
            if len(values) != 1 or request.header("expires").strip() != "0":
                raise ValueError("a wildcard needs Expires: 0")
            wishes = [_Wish(phone.contact, 0, phone.instance) for phone in phones]
        else:
            wishes = [self._wish(uris.address(value), value, request) for value in values]
        kept = {phone.contact: phone for phone in phones}
        changed = False
        for wish in wishes:
            known = self._same(phones, wish, request.source)
            if known is not None:
                if known.call_id == request.call_id and request.cseq <= known.cseq:
                    raise Refused(500)
                kept.pop(known.contact, None)
            if wish.seconds:
                kept[wish.contact] = self._phone(wish, request, known)
            changed = changed or known is None or not wish.seconds or known.place != request.source
        if len(kept) > MOST_PHONES:
            raise Refused(503, Retry_After="60")
        self._keep(extension, list(kept.values()))
        self._fill(extension, response)
        if changed:
            self._on_change(extension)

    def _wish(self, contact: Address, value: str, request: Request) -> _Wish:
        text = contact.params.get("expires") or request.header("expires") or str(MOST_SECONDS)
        try:
            seconds = uris.number(text, 2**32 - 1)
        except ValueError:
            seconds = MOST_SECONDS  # RFC 3261 §20.19: a malformed value means the default
        if 0 < seconds < LEAST_SECONDS:
            raise Refused(423, Min_Expires=str(LEAST_SECONDS))
        uri = value[value.rindex("<") + 1 : value.rindex(">")].strip() if "<" in value else value.partition(";")[0]
        if contact.uri.scheme == "tel":
            raise ValueError("a phone is no number")
        if contact.uri.host.strip("[]") != request.source.host and request.source.transport == "udp":
            seconds = min(seconds, BEHIND_NAT_SECONDS)
        return _Wish(uri.strip(), min(seconds, MOST_SECONDS), contact.params.get("+sip.instance") or "")

    @staticmethod
    def _same(phones: Sequence[_Phone], wish: _Wish, source: Place) -> _Phone | None:
        """The binding a Contact speaks of: the same URI, the same device from another port (RFC 5626), or the same
        socket under another user name, as phones that restarted come back."""
        for phone in phones:
            restarted = phone.place == source and _socket_in(phone.contact) == _socket_in(wish.contact)
            if phone.contact == wish.contact or (wish.instance and phone.instance == wish.instance) or restarted:
                return phone
        return None

    def _phone(self, wish: _Wish, request: Request, known: _Phone | None) -> _Phone:
        return _Phone(
            contact=wish.contact,
            place=request.source,
            user_agent=uris.shown(request.header("user-agent")),
            registered_at=known.registered_at if known is not None else clock.stamp(),
            expires=self._loop.time() + wish.seconds,
            expires_at=clock.stamp(clock.now() + timedelta(seconds=wish.seconds)),
            call_id=request.call_id,
            cseq=request.cseq,
            instance=wish.instance,
        )

    def _fill(self, extension: str, response: SipResponse) -> None:
        for phone in self._living(extension):
            left = max(1, round(phone.expires - self._loop.time()))
            response.add_header("Contact", f"<{phone.contact}>;expires={left}")
        response.set_header("Date", clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"))

    # --- bindings ---
    def bindings(self, extension: str | None = None) -> list[Binding]:
        """The phones registered now."""
        names = [extension] if extension is not None else list(self._phones)
        return [
            Binding(name, phone.contact, str(phone.place), phone.user_agent, phone.registered_at, phone.expires_at)
            for name in names
            for phone in self._living(name)
        ]

    def give_back(self, bindings: Sequence[Binding]) -> None:
        """Take bindings known before a restart. Those over TCP are gone with their connections."""
        for binding in bindings:
            try:
                place = Place.parse(binding.source)
                left = (clock.parse(binding.expires_at) - clock.now()).total_seconds()
            except ValueError:
                continue
            if left <= 0 or place.transport != "udp":
                continue
            phone = _Phone(
                binding.contact,
                place,
                binding.user_agent,
                binding.registered_at,
                self._loop.time() + min(left, MOST_SECONDS),
                binding.expires_at,
            )
            others = [p for p in self._living(binding.extension) if p.contact != phone.contact]
            self._keep(binding.extension, [*others, phone])

    def forget(self, extension: str) -> None:
        """The account is gone or has another password."""
        if self._phones.get(extension):
            self._keep(extension, [])
            self._on_change(extension)

    def lost(self, place: Place) -> None:
        """A connection closed: the phone behind it cannot be rung any more."""
        if place not in self._places:
            return
        for extension, phones in list(self._phones.items()):
            left = [phone for phone in phones if phone.place != place]
            if len(left) != len(phones):
                self._keep(extension, left)
                self._on_change(extension)

    def knows(self, place: Place) -> bool:
        """Whether a registered phone sends from exactly there."""
        return place in self._places

    def knows_host(self, host: str) -> bool:
        """Whether some registered phone sends from that host."""
        return host in self._hosts

    def close(self) -> None:
        """No timer is left."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    # --- inside ---
    def _living(self, extension: str) -> Iterator[_Phone]:
        now = self._loop.time()
        return (phone for phone in self._phones.get(extension, []) if phone.expires > now)

    def _keep(self, extension: str, phones: list[_Phone]) -> None:
        if phones:
            self._phones[extension] = phones
        else:
            self._phones.pop(extension, None)
        timer = self._timers.pop(extension, None)
        if timer is not None:
            timer.cancel()
        if phones:
            first = min(phone.expires for phone in phones)
            self._timers[extension] = self._loop.call_at(first + 0.05, self._expire, extension)
        self._index()

    def _index(self) -> None:
        places = [phone.place for phones in self._phones.values() for phone in phones]
        self._places = frozenset(places)
        self._hosts = frozenset(place.host for place in places)

    def _expire(self, extension: str) -> None:
        before = len(self._phones.get(extension, []))
        living = list(self._living(extension))
        self._keep(extension, living)
        if len(living) != before:
            log.info("extension=%s a phone's registration expired", extension)
            self._on_change(extension)


def _socket_in(contact: str) -> str:
    """Host and port of a Contact URI."""
    return contact.rpartition("@")[2].partition(";")[0]
