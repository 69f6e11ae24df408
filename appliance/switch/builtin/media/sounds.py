"""Sounds ready to be sent: loaded and encoded on a thread of their own, kept while there is room."""

import asyncio
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.switch.builtin.media import wav
from appliance.switch.builtin.media.g711 import encode_ulaw

_MOST_BYTES = 16_000_000  # half an hour of prompts

_log = logging.getLogger(__name__)

_Key = tuple[str, int, int]  # path, time of change, size


class SoundCache:
    """µ-law by file; the least recently played goes first when it grows too big."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sounds")

    async def get(self, path: Path) -> bytes:
        """The file as µ-law; b"" with a line in the log when it cannot be used, since the call must go on."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._load, path)

    def _load(self, path: Path) -> bytes:
        """On the thread, which alone touches what is kept."""
        try:
            stat = path.stat()
            key = (str(path), stat.st_mtime_ns, stat.st_size)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            sound = encode_ulaw(wav.read_samples(path))
        except (OSError, wav.NotSound) as error:
            _log.error("sound=%s cannot be played: %s", path, error)
            return b""
        self._keep(key, sound)
        return sound

    def _keep(self, key: _Key, sound: bytes) -> None:
        for stale in [known for known in self._kept if known[0] == key[0]]:
            self._bytes -= len(self._kept.pop(stale))
        if len(sound) > self._most_bytes // 2:
            return
        self._kept[key] = sound
        self._bytes += len(sound)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._kept.popitem(last=False)[1])
