"""Our answers to a carrier's challenge (RFC 3261 §22, RFC 7616)."""

from aiosipua.auth import SipDigestAuth, build_credentials
from aiosipua.headers import parse_auth, stringify_auth
from aiosipua.message import SipRequest

from appliance.switch.builtin.wire import Response

_HEADERS = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}


class Credentials:
    """One account at a carrier, and how often each of its nonces was used."""

    def __init__(self, username: str, password: str) -> None:
        self.username, self.password = username, password
        self._last: tuple[str, int] = ("", 0)

    def answer(self, request: SipRequest, response: Response) -> bool:
        """Put the answer to a 401 or 407 into the request that is sent again; False when there is none to give.

        A challenge to a request that already had an answer is a refusal, unless it calls the nonce stale.
        """
        if not self.username or response.status not in _HEADERS:
            return False
        asked, name = _HEADERS[response.status]
        challenges = [parse_auth(value) for value in response.message.get_header_values(asked)]
        challenges.sort(key=lambda challenge: challenge.params.get("algorithm", "MD5").upper() != "SHA-256")
        for challenge in challenges:
            if request.get_header(name) and challenge.params.get("stale", "").lower() != "true":
                return False
            nonce = challenge.params.get("nonce", "")
            count = self._last[1] + 1 if nonce == self._last[0] else 1
            account = SipDigestAuth(self.username, self.password)
            made = build_credentials(account, challenge, request.method, request.uri, nonce_count=count)
            if made is not None:
                self._last = (nonce, count)
                request.set_header(name, stringify_auth(made))
                return True
        return False
