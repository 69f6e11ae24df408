"""Digest authentication of those who call us (RFC 7616, RFC 8760; MD5 for older phones).

Nonces are stateless: time and a keyed hash. What is kept, bounded, is how often each nonce was used (replays).
Owns: challenges and their verification. Leaves out: whose password it is (registrar.py) and our own
answers to challenges (credentials.py).
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from aiosipua.headers import parse_auth
from aiosipua.message import SipResponse

from appliance.switch.builtin.wire import Request

REALM = "frontdesk"
NONCE_SECONDS = 300.0
_MOST_NONCES = 8192
_WINDOW = 64  # uses of one nonce that may overtake each other on the way
_MOST_PHONES = 1024
_PATIENCE = 2  # challenges without any answer, after which a phone is thought to know MD5 alone
_MD5_ONLY = re.compile(r"baresip v[01]\.")  # refuses the whole response for an algorithm it does not know
_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}

Verdict = Literal["ok", "absent", "stale", "wrong"]


class Doorkeeper:
    """Challenges requests and judges the answers."""

    def __init__(self, clock: Callable[[], float], password_of: Callable[[str], str | None]) -> None:
        """``password_of`` an account; None when there is none. ``clock`` in seconds, any origin."""
        self._clock = clock
        self._password_of = password_of
        self._key = secrets.token_bytes(32)
        self._nobody = secrets.token_urlsafe(24)  # stands in for the password of accounts that do not exist
        self._unanswered: OrderedDict[tuple[str, str], int] = OrderedDict()  # challenges in a row, by phone
        self._uses: OrderedDict[str, tuple[int, int]] = OrderedDict()  # nonce -> highest nc, bits of those below
        self._forgotten_before = 0.0

    def challenge(self, request: Request, response: SipResponse, *, stale: bool) -> None:
        """Add a challenge for each algorithm (RFC 8760 §2.4), MD5 first.

        SHA-256 first would be the RFC's order, but many phones and SIPp read the first challenge alone and know
        only MD5; against random passwords that costs little. Phones that fall over any second challenge get MD5 alone.
        """
        nonce = self._nonce(self._clock())
        end = ", stale=true" if stale else ""
        for algorithm in ("MD5",) if self._wants_plain(request) else _HASHES:
            response.add_header(
                "WWW-Authenticate",
                f'Digest realm="{REALM}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{end}',
            )

    def _wants_plain(self, request: Request) -> bool:
        agent = request.header("user-agent")
        phone = (request.source.host, agent[:80])
        times = self._unanswered.pop(phone, 0)
        self._unanswered[phone] = times + 1
        while len(self._unanswered) > _MOST_PHONES:
            self._unanswered.popitem(last=False)
        return times >= _PATIENCE or _MD5_ONLY.match(agent) is not None

    def judge(self, request: Request) -> tuple[Verdict, str]:
        """The verdict on a request's credentials, and the account they name."""
        for value in request.message.get_header_values("authorization"):
            credentials = parse_auth(value, credentials=True)
            parameters = {name.lower(): text for name, text in credentials.params.items()}
            if credentials.scheme.lower() == "digest" and parameters.get("realm") == REALM:
                self._unanswered.pop((request.source.host, request.header("user-agent")[:80]), None)
                return self._judge(request, parameters), parameters.get("username", "")
        return "absent", ""

    def _judge(self, request: Request, given: dict[str, str]) -> Verdict:
        nonce = given.get("nonce", "")
        issued = self._issued_at(nonce)
        if issued is None:
            return "stale"  # not ours, or from before a restart
        hashing = _HASHES.get(given.get("algorithm", "MD5").upper())
        if hashing is None or given.get("qop", "auth").lower() != "auth":
            return "wrong"
        password = self._password_of(given.get("username", ""))
        expected = _response(hashing, given, request.method, password if password is not None else self._nobody)
        matches = hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode())
        # a digest made for another resource must not open this one
        if not matches or password is None or not _is_about(given.get("uri", ""), request):
            return "wrong"
        if self._clock() - issued > NONCE_SECONDS or not self._is_first_use(nonce, issued, given.get("nc", "1")):
            return "stale"
        return "ok"

    # --- nonces ---
    def _nonce(self, at: float) -> str:
        head = int(at * 1000).to_bytes(8, "big") + secrets.token_bytes(4)
        return base64.urlsafe_b64encode(head + self._seal(head)).decode()

    def _seal(self, head: bytes) -> bytes:
        return hmac.digest(self._key, head, "sha256")[:18]

    def _issued_at(self, nonce: str) -> float | None:
        try:
            raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except ValueError:
            return None
        if len(raw) != 30 or not hmac.compare_digest(raw[12:], self._seal(raw[:12])):
            return None
        return int.from_bytes(raw[:8], "big") / 1000

    def _is_first_use(self, nonce: str, issued: float, count_text: str) -> bool:
        """Whether this nonce count was not seen yet; remembers it."""
        try:
            count = int(count_text, 16)
        except ValueError:
            return False
        known = self._uses.get(nonce)
        if known is None:
            if issued <= self._forgotten_before:
                return False
            self._uses[nonce] = (count, 0)
            self._evict()
            return True
        highest, below = known
        if count > highest:
            shift = count - highest
            below = ((below << shift) | (1 << (shift - 1))) & ((1 << _WINDOW) - 1) if shift <= _WINDOW else 0
            self._uses[nonce] = (count, below)
            return True
        bit = highest - count - 1
        if bit < 0 or bit >= _WINDOW or below >> bit & 1:
            return False
        self._uses[nonce] = (highest, below | 1 << bit)
        return True

    def _evict(self) -> None:
        while len(self._uses) > _MOST_NONCES:
            nonce, _ = self._uses.popitem(last=False)
            self._forgotten_before = max(self._forgotten_before, self._issued_at(nonce) or 0.0)


def _response(hashing: "Callable[[bytes], hashlib._Hash]", given: dict[str, str], method: str, password: str) -> str:
    def h(*parts: str) -> str:
        return hashing(":".join(parts).encode()).hexdigest()

    secret = h(given.get("username", ""), REALM, password)
    about = h(method, given.get("uri", ""))
    if "qop" not in given:  # RFC 2069 phones; their nonce serves once
        return h(secret, given.get("nonce", ""), about)
    return h(secret, given.get("nonce", ""), given.get("nc", ""), given.get("cnonce", ""), "auth", about)


def _is_about(digest_uri: str, request: Request) -> bool:
    """Whether the digest's uri may stand for the Request-URI: same user. Phones differ in host, port and parameters."""
    user, _, _ = digest_uri.partition(":")[2].rpartition("@")
    return user.partition(":")[0] == (request.uri.user or "").partition(":")[0] or not user
