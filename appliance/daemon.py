"""The process of the core: signals, its end, what a person must mend before it can begin.

``python -m appliance.daemon`` runs it; the supervisor starts it again when it dies. Leaves out: the core (core.py).
"""

import asyncio
import logging
import signal
import sys

from appliance import __version__, clock, config
from appliance.core import Core
from appliance.errors import FrontdeskError
from appliance.process import allow_many_sockets, die_with_parent, hold, log_to_stderr
from appliance.store import connect, migrate

log = logging.getLogger(__name__)


async def _run(settings: config.Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    core = Core(settings)
    if core.switch.outlives_core:
        loop.add_signal_handler(signal.SIGHUP, core.leave_soon)
        # who started us was killed, and did not end the office: a signal of its own, since at that moment the parent
        # may still look alive (prctl(2): it comes with the end of the parent's thread, not of its process)
        die_with_parent(signal.SIGHUP)
    try:
        try:
            await core.start()
        except Exception:
            if core.switch.outlives_core and core.has_started_switch:
                log.exception("the core cannot begin; the calls go on without it")
                await core.leave(1)  # in order it would end them
            raise
        log.info("core ready engine=%s version=%s at=%s", core.switch.name, __version__, clock.stamp())
        waiting = asyncio.create_task(stop.wait())
        failing = asyncio.create_task(core.failed())
        await asyncio.wait({waiting, failing}, return_when=asyncio.FIRST_COMPLETED)
        if not failing.done() and core.switch.outlives_office:
            await core.leave()  # the switch goes on with its calls
        if failing.done() and core.switch.outlives_core:
            log.error("the core begins anew; its calls go on", exc_info=failing.exception())
            await core.leave()
        if failing.done():
            failing.result()
        failing.cancel()
        await asyncio.gather(failing, return_exceptions=True)
    finally:
        try:
            await core.stop()
        except Exception:  # what brought us here is what the caller of this must see
            log.exception("the core did not stop in order")


def main() -> int:
    """Run the core of the office that the environment names; exit code 3 for what a person must mend."""
    log_to_stderr("core")
    die_with_parent()
    allow_many_sockets()
    # a thread that works (store, recorder) gives the loop its turn sooner than after the usual 5 ms
    sys.setswitchinterval(0.001)
    try:
        settings = config.load()
        for folder in (settings.home, settings.recordings, settings.prompts, settings.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # a second core would take the calls of the first for cut off, and close them in the books
        with hold(settings, "core"):
            db = connect(settings.database)
            migrate(db)
            db.close()
            asyncio.run(_run(settings))
    except FrontdeskError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)  # noqa: T201
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
