"""The relay of a benchmark: real endpoints, bridged in pairs and recorded, in a process whose CPU is measured.

Talks JSON lines: reads the phones' ports, prints its own, prints its CPU seconds whenever asked, ends with the
recordings it made.
"""

import asyncio
import gc
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from appliance.switch.builtin.media import PortPool, RecorderThread, RtpEndpoint


def say(value: Any) -> None:
    """One line to who asked."""
    print(json.dumps(value), flush=True)


async def serve(order: dict[str, Any], lines: asyncio.StreamReader) -> None:
    """Carry the calls until the input ends."""
    pool, recorder = PortPool("127.0.0.1", 20000, 32000), RecorderThread()
    recorder.start()
    legs = []
    for port in order["phones"]:
        leg = await RtpEndpoint.open(pool, recorder)
        leg.set_remote("127.0.0.1", port, "PCMU", 0, 101, sending=True, receiving=True)
        legs.append(leg)
    callers = legs[::2]
    for index, (caller, agent) in enumerate(list(pairwise(legs))[::2]):
        caller.connect(agent)
        if order["record"]:
            caller.start_recording(Path(order["folder"]) / f"{index}.wav")
    gc.collect()
    gc.freeze()
    say([leg.port for leg in legs])
    while await lines.readline():
        say({"cpu": time.process_time(), "at": time.monotonic()})
    seconds = [sound.seconds for sound in [await caller.stop_recording() for caller in callers] if sound]
    figures = [leg.figures() for leg in legs]
    for leg in legs:
        await leg.close()
    recorder.stop()
    say({"seconds": seconds, "lost": sum(figure.packets_lost for figure in figures)})


async def main() -> None:
    """One run."""
    order = json.loads(sys.stdin.readline())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await serve(order, lines)


if __name__ == "__main__":
    asyncio.run(main())
