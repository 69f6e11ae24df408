"""Session timers (RFC 4028): a call whose far end vanished without a word ends all the same."""

import asyncio
from collections.abc import Callable

from aiosipua.message import SipMessage

from appliance.switch.builtin.uris import number
from appliance.switch.builtin.wire import Request, Response, header

OFFERED_SECONDS = 1800
LEAST_SECONDS = 90


class IntervalTooSmall(Exception):
    """The other side asks for refreshes more often than we serve: 422."""


def _read(text: str) -> tuple[int, str]:
    """Seconds and the refresher ("uac", "uas" or "") of a Session-Expires; 0 for none or nonsense."""
    seconds, _, parameters = text.partition(";")
    try:
        interval = number(seconds, 2**31)
    except ValueError:
        return 0, ""
    name, _, who = parameters.replace(" ", "").lower().partition("=")
    return interval, who if name == "refresher" and who in ("uac", "uas") else ""


class SessionTimer:
    """The timer of one dialog."""

    def __init__(self, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        self._refresh, self._expire = refresh, expire
        self._handles: list[asyncio.TimerHandle] = []
        self.interval = 0
        self.we_refresh = False

    def offer(self, message: SipMessage, *, least: int = 0) -> None:
        """Put what we want into a request of ours."""
        least = max(least, LEAST_SECONDS)
        interval = max(self.interval or OFFERED_SECONDS, least)
        refresher = ";refresher=uac" if self.interval and self.we_refresh else ""
        message.set_header("Session-Expires", f"{interval}{refresher}")
        message.set_header("Min-SE", str(least))

    def asked(self, request: Request, answer: SipMessage) -> None:
        """Take what a request wants and say so in our 2xx. Raises IntervalTooSmall."""
        interval, refresher = _read(request.header("session-expires"))
        their_support = "timer" in request.tokens("supported")
        if not interval:
            self.stop()
            return
        if interval < LEAST_SECONDS:
            raise IntervalTooSmall
        refresher = refresher or ("uac" if their_support else "uas")
        answer.set_header("Session-Expires", f"{interval};refresher={refresher}")
        if refresher == "uac":
            answer.set_header("Require", "timer")
        self._start(interval, we_refresh=refresher == "uas")

    def answered(self, response: Response) -> None:
        """Take what the 2xx to our request says."""
        interval, refresher = _read(header(response.message, "session-expires"))
        if interval:
            self._start(interval, we_refresh=refresher != "uas")
        else:
            self.stop()

    def _start(self, interval: int, *, we_refresh: bool) -> None:
        self.stop()
        self.interval, self.we_refresh = interval, we_refresh
        loop = asyncio.get_running_loop()
        if we_refresh:
            self._handles.append(loop.call_later(interval / 2, self._refresh))
        grace = min(32.0, interval / 3)
        self._handles.append(loop.call_later(interval - grace, self._expire))

    def stop(self) -> None:
        """No timer any more."""
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
        self.interval = 0


def least_of(response: Response) -> int:
    """The Min-SE of a 422; 0 when it names none."""
    return _read(response.header("min-se"))[0]
