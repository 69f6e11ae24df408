"""What FreeSWITCH tells of a leg's sound: its own RTCP reports, the other side's, and its sums at the end.

Owns: making figures of them. The loss rate among the sums counts losses that follow each other several times over, and
its variance is that of the worst moment; what is told every few seconds by RTCP (RFC 3550 §6.4) is plain counting.
"""

from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.translate import whole
from appliance.switch.port import CallFigures

FLAWS_OF_ONE_LOSS = 3  # FreeSWITCH takes a lost packet for a flaw, and the two after it for two more
LONGEST_ROUND_TRIP_SECONDS = 60.0  # more is no figure


class Reports:
    """The reports on one leg, while it lives. Times are seconds of the loop's clock."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last: float | None = None
        self._lost = 0
        self._of_this_stream = 0
        self._jitter = 0  # in units of the codec's clock
        self._far_end: dict[str, str] = {}

    def begin(self, now: float) -> None:
        """The leg is answered. What counts is the first time."""
        self._since = now if self._since is None else self._since

    def ours(self, event: Event, now: float) -> None:
        """A SEND_RTCP_MESSAGE: what we tell the party of what came from them."""
        lost = whole(event.get("Source-Lost", ""))
        if lost < self._of_this_stream:  # their phone began a new stream, which is counted anew
            self._of_this_stream = 0
        self._lost += lost - self._of_this_stream
        self._of_this_stream, self._last = lost, now
        self._jitter = whole(event.get("Source-Jitter", ""))

    def theirs(self, event: Event) -> None:
        """A RECV_RTCP_MESSAGE: what the party tells of what it hears from us."""
        lost, round_trip = event.get("Source0-Lost", ""), _fraction(event.get("Rtt0-Avg", ""))
        if lost.isdecimal():
            self._far_end["lost_at_far_end"] = lost
        if 0 < round_trip < LONGEST_ROUND_TRIP_SECONDS:
            self._far_end["round_trip_ms"] = str(round(1000 * round_trip, 1))

    def at_the_end(self, event: Event, now: float) -> CallFigures:
        """The figures of a leg that has ended; what was lost after the last report is taken to be as before it."""
        codec, extra = event.variable("read_codec"), dict(self._far_end)
        for short, name in (("mos", "rtp_audio_in_mos"), ("quality", "rtp_audio_in_quality_percentage")):
            if value := event.variable(name):
                extra[short] = value
        lost = round(whole(event.variable("rtp_audio_in_flaw_total")) / FLAWS_OF_ONE_LOSS)
        if self._last is not None:
            since = now if self._since is None else self._since
            lost = round(self._lost * max(1.0, (now - since) / max(1.0, self._last - since)))
        return CallFigures(
            packets_received=whole(event.variable("rtp_audio_in_media_packet_count")),
            packets_lost=lost,
            jitter_ms=round(1000 * self._jitter / _clock(codec, event), 1),
            codec=codec,
            user_agent=event.variable("sip_user_agent"),
            extra=extra,
        )


def _clock(codec: str, event: Event) -> int:
    """How many units of its timestamps make a second: G.722 counts as if it were 8000 (RFC 3551 §4.5.2)."""
    return 8000 if codec.upper() == "G722" else whole(event.variable("read_rate")) or 8000


def _fraction(text: str) -> float:
    """A number with a point; 0 where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0
