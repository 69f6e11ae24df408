"""Every sound a call needs, as a file ready to play.

Owns: choosing between people's own sounds and the spoken text, making and caching what is spoken, the music, the tone.
Whatever happens here (no disk space, no voice, a hung child), a flow gets a file that can be played, soon.
Speaking happens in child processes, so that numpy and the voice stay out of the core's memory.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from appliance.config import Settings
from appliance.errors import FrontdeskError
from appliance.prompts import catalogue, service
from appliance.prompts.errors import SoundNotMade
from appliance.prompts.models import OwnSound, Wanted
from appliance.store import Store

log = logging.getLogger(__name__)

VERSION = 2  # of how sounds are made: a new one makes them anew
SPEAK_SECONDS = 20.0
MUSIC_SECONDS = 60.0
PATIENCE_SECONDS = 4.0  # a caller on the line waits no longer for a sound that is being made
_RETRY_SECONDS = 30.0  # after a failure callers hear the fallback without a new attempt
_CHILDREN = 2
_SHIPPED = Path(__file__).parent / "sounds"
TONE = _SHIPPED / "tone.wav"
RINGBACK = _SHIPPED / "ringback.wav"
_EMPTY_WAV_BYTES = 44


class PromptLibrary:
    """The sounds of one office. Use from one event loop; ``close()`` ends what is being made."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self._settings = settings
        self._store = store
        self._making: dict[Path, asyncio.Task[bool]] = {}
        self._failed_at: dict[Path, float] = {}
        self._slots = asyncio.Semaphore(_CHILDREN)

    async def sound(
        self,
        prompt: str,
        language: str,
        *,
        business_id: str = "",
        business_name: str = "",
        text: str = "",
        patience: float | None = PATIENCE_SECONDS,
    ) -> Path:
        """The prompt as a WAV of 8 kHz, mono, 16 bit. Never raises: in the worst case it is the tone.

        The business's own sound wins, then the office's, then ``text`` spoken, then the standard text. A sound that has
        to be made is waited for ``patience`` seconds (None: until it is made) and goes on being made after that.
        """
        try:
            own = await self._own(business_id, prompt, language)
            if own is not None:
                return own
            if text.strip():
                spoken = await self._spoken(text, language, patience)
                if spoken is not None:
                    return spoken
                log.warning("prompt=%s business=%s the text given cannot be spoken", prompt, business_id)
            standard = catalogue.standard_text(prompt, language, business_name)
            return await self._spoken(standard, language, patience) or TONE
        except (FrontdeskError, OSError, sqlite3.Error) as error:
            log.warning("prompt=%s language=%s business=%s not made: %s", prompt, language, business_id, error)
            return TONE

    async def music(self, *, patience: float | None = PATIENCE_SECONDS) -> Path:
        """A calm loop to wait to; the ringing tone when it is not ready in time. Never raises."""
        path = self._settings.prompts / "spoken" / f"music-{VERSION}.wav"
        try:
            if await self._made(path, "appliance.prompts.music", {}, MUSIC_SECONDS, patience):
                return path
        except OSError as error:
            log.warning("music not made: %s", error)
        return RINGBACK

    async def tone(self) -> Path:
        """The tone after which people speak."""
        return TONE

    async def warm(self, wanted: Iterable[Wanted]) -> None:
        """Make these sounds and the music, one after another, so that no caller waits for them. Never raises."""
        for one in wanted:
            await self.sound(
                one.prompt,
                one.language,
                business_id=one.business_id,
                business_name=one.business_name,
                text=one.text,
                patience=None,
            )
        await self.music(patience=None)

    async def save_phone_recording(self, business_id: str, prompt: str, language: str, path: Path) -> OwnSound:
        """Keep what was spoken over the phone as a prompt. Raises UnknownPrompt, Invalid, UnusableSound."""
        if self._store is None:
            raise SoundNotMade("This library has no store.")
        service.check(prompt, language)
        sound = await asyncio.to_thread(service.prepare_file, self._settings, path)
        return await self._store.write(
            service.save,
            self._settings,
            business_id=business_id,
            prompt=prompt,
            language=language,
            sound=sound,
            source="phone",
        )

    async def close(self) -> None:
        """Stop making sounds; safe to repeat."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)

    async def _own(self, business_id: str, prompt: str, language: str) -> Path | None:
        if self._store is None:
            return None
        own = await self._store.read(service.own_sound, business_id, prompt, language)
        if own is None:
            return None
        path = self._settings.prompts / own.path
        if _is_playable(path):
            return path
        log.warning("prompt=%s business=%s its sound %s is missing", prompt, business_id, own.path)
        return None

    async def _spoken(self, text: str, language: str, patience: float | None) -> Path | None:
        voice, words_a_minute = catalogue.VOICES[catalogue.language_of(text, language)]
        text = text[: catalogue.MAX_TEXT * 2]
        key = json.dumps([VERSION, voice, words_a_minute, text])
        name = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:24]
        path = self._settings.prompts / "spoken" / f"{name}.wav"
        order = {"text": text, "voice": voice, "words_a_minute": words_a_minute}
        return path if await self._made(path, "appliance.prompts.speak", order, SPEAK_SECONDS, patience) else None

    async def _made(
        self, path: Path, module: str, order: dict[str, object], seconds: float, patience: float | None
    ) -> bool:
        """Whether the file is there, made now if need be; callers who ask for the same one share the work."""
        if _is_playable(path):
            return True
        if time.monotonic() - self._failed_at.get(path, -_RETRY_SECONDS) < _RETRY_SECONDS:
            return False
        if path not in self._making:
            task = asyncio.get_running_loop().create_task(self._make(path, module, order, seconds))
            self._making[path] = task
            task.add_done_callback(lambda _done: self._making.pop(path, None))
        try:
            async with asyncio.timeout(patience):
                # shielded: a caller who hangs up, or cannot wait, does not spoil the sound for the next one
                return await asyncio.shield(self._making[path])
        except TimeoutError:
            log.warning("sound=%s not ready in time", path.name)
            return False

    async def _make(self, path: Path, module: str, order: dict[str, object], seconds: float) -> bool:
        partial = path.with_name(f".{path.stem}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            async with self._slots:
                why_not = await _run_child([module, str(partial)], json.dumps(order).encode(), seconds)
            if not why_not and _is_playable(partial):
                partial.replace(path)
                return True
            log.warning("sound=%s %s: %s", path.name, module, why_not or "it wrote no sound")
        except OSError as error:
            log.warning("sound=%s %s: %s", path.name, module, error)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        self._failed_at[path] = time.monotonic()
        return False


async def _run_child(arguments: list[str], order: bytes, seconds: float) -> str:
    """Run ``python -m …`` with the order on its input; "" when it went well, else what went wrong."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C ends the office in order, not a sound half-made
    )
    try:
        return await _outcome(child.communicate(order), child, seconds)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())


async def _outcome(
    talk: Coroutine[Any, Any, tuple[bytes, bytes]], child: asyncio.subprocess.Process, seconds: float
) -> str:
    try:
        async with asyncio.timeout(seconds):
            _out, complaint = await talk
    except TimeoutError:
        return f"took longer than {seconds:.0f} s"
    if child.returncode == 0:
        return ""
    lines = complaint.decode(errors="replace").strip().splitlines()
    return f"ended with {child.returncode} {lines[-1] if lines else ''}".strip()


def _is_playable(path: Path) -> bool:
    try:
        return path.stat().st_size > _EMPTY_WAV_BYTES
    except OSError:
        return False


def wanted_by_business(business_id: str, name: str, language: str, greeting: str = "") -> list[Wanted]:
    """Every prompt a caller of this business may hear, in the order they are likely to."""
    return [
        Wanted(prompt, language, business_id, name, greeting if prompt == "greeting" else "")
        for prompt in catalogue.REPLACEABLE
    ] + [Wanted(prompt, language) for prompt in ("call_is_recorded", "call_failed", "transfer_failed", "not_available")]


def wanted_by_office(language: str) -> list[Wanted]:
    """Every prompt people in the office may hear."""
    return [
        Wanted(prompt, language)
        for prompt in (
            "your_phone_works",
            "record_after_tone",
            "prompt_saved",
            "prompt_not_saved",
            "not_available",
            "unknown_number",
            "call_failed",
        )
    ]
