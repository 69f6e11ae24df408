"""Keys pressed: heard in telephone events, and sent as such (RFC 4733). Pure; packets come and go elsewhere."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.switch.builtin.media.g711 import FRAME
from appliance.switch.builtin.media.packets import DIGITS, TelephoneEvent

_LONGEST = 0xFFFF  # an event held longer goes on in segments with new timestamps (RFC 4733 §2.5.1.3)
_CREEP = 800  # samples: some phones move the timestamp within one event

_PRESS_BEATS = 6  # 120 ms: carriers ask for 40 at least, and some menus miss less than 100
_PAUSE_BEATS = 4
_STARTS = 3  # at once, so that one lost packet does not shorten the press
_ENDS = 3  # the end is sent three times, since its loss would hurt most


class DigitDetector:
    """Tells each key once, when its first packet comes, whatever is lost, repeated or out of order after it."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._event = -1
        self._ended = False
        self._duration = 0

    def hear(self, event: TelephoneEvent, timestamp: int, *, marker: bool) -> str:
        """The key that was just pressed, "" when this packet tells nothing new."""
        if self._timestamp is not None:
            step = ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            if step == 0 and event.event == self._event:
                self._ended = self._ended or event.ended
                self._duration = max(self._duration, event.duration)
                return ""
            if step < 0 and step > -0x10000:
                return ""  # late, of an event told already
            over = self._ended and not event.ended
            if event.event == self._event and not over and not marker and self._goes_on(step):
                self._timestamp, self._duration = timestamp, event.duration
                self._ended = event.ended
                return ""
        self._timestamp, self._event = timestamp, event.event
        self._ended, self._duration = event.ended, event.duration
        return event.digit

    def _goes_on(self, step: int) -> bool:
        return step == _LONGEST or (self._duration > _LONGEST - _CREEP and step <= _LONGEST) or step <= _CREEP


@dataclass(frozen=True)
class EventBeat:
    """What goes out at one beat: ``copies`` packets of one event."""

    event: int
    duration: int
    first: bool
    ended: bool
    copies: int = 1


def press(digits: str) -> Iterator[EventBeat | None]:
    """Beat by beat, the packets that press these keys; None is a beat of silence between two keys.

    Characters that are no key are a pause (",", "p", "w" of phone books). Each key is started and
    ended three times over, and updated every 20 ms between.
    """
    waiting = deque(digits.upper())
    while waiting:
        key = waiting.popleft()
        if key not in DIGITS:
            yield from [None] * (_PAUSE_BEATS * 5)
            continue
        event = DIGITS.index(key)
        yield EventBeat(event, FRAME, first=True, ended=False, copies=_STARTS)
        for beat in range(1, _PRESS_BEATS):
            yield EventBeat(event, (beat + 1) * FRAME, first=False, ended=False)
        for _ in range(_ENDS):
            yield EventBeat(event, (_PRESS_BEATS + 1) * FRAME, first=False, ended=True)
        yield from [None] * _PAUSE_BEATS
