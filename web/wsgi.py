"""What gunicorn starts: ``gunicorn web.wsgi:app``; the office comes from the environment (FRONTDESK_HOME …)."""

import signal
from types import FrameType

from appliance import config
from web.app import create_app
from web.live.hub import hub_of

app = create_app(config.load())


def _end_streams_first() -> None:
    """On the signal to stop, end the live streams: each holds a thread, and the worker waits for its threads."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def stop(signum: int, frame: FrameType | None, before: object = before) -> None:
            hub_of(app).stop()
            if callable(before):
                before(signum, frame)

        signal.signal(number, stop)


_end_streams_first()
