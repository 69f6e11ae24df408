"""People's own sounds in place of the spoken text: upload, keep, remove. Plain functions for web, commands and core.

Owns: checking and converting what somebody gives us, the rows. Leaves out: speaking texts (library.py).
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlite_utils import Database

from appliance.config import Settings
from appliance.errors import Invalid, NotFound
from appliance.i18n import LANGUAGES
from appliance.i18n import gettext as _
from appliance.prompts import catalogue, store
from appliance.prompts.errors import SoundNotMade, UnusableSound
from appliance.prompts.models import OwnSound, PreparedSound, Source
from appliance.store import transaction

MAX_BYTES = 10 * 1024 * 1024
CONVERT_SECONDS = 60.0
OWN_FOLDER = "own"
_KEEP_REPLACED_SECONDS = 3600.0  # a call may be about to play the file that was just replaced


def own_sounds(db: Database, business_id: str = "") -> list[OwnSound]:
    """The sounds a business (or the office: "") has of its own."""
    return store.all_of(db, business_id)


def own_sound(db: Database, business_id: str, prompt: str, language: str) -> OwnSound | None:
    """The sound callers hear in place of the text: the business's own, else the office's; None: it is spoken."""
    return store.get(db, business_id, prompt, language) or (
        store.get(db, "", prompt, language) if business_id else None
    )


def file_of(settings: Settings, sound: OwnSound) -> Path:
    """The file of a sound. Raises NotFound when it is gone."""
    path = settings.prompts / sound.path
    if not path.is_file():
        raise NotFound(_("The sound file is missing."), hint=_("Upload or record it again."))
    return path


def check(prompt: str, language: str) -> None:
    """Raises UnknownPrompt, or Invalid for an unknown language."""
    if not catalogue.is_of_menu(prompt):
        catalogue.find(prompt)
    if language not in LANGUAGES:
        raise Invalid(
            _("There is no language %(language)s.", language=language[:20]),
            hint=_("Use one of %(languages)s.", languages=", ".join(LANGUAGES)),
        )


def prepare(settings: Settings, data: bytes) -> PreparedSound:
    """Convert what somebody gave us into the prompts folder. Slow: not in a transaction, not on the loop.

    Raises UnusableSound and SoundNotMade.
    """
    if not data:
        raise UnusableSound(_("The file is empty."), hint=_("Choose a sound file: WAV, MP3, OGG or FLAC."))
    if len(data) > MAX_BYTES:
        raise UnusableSound(
            _("The file is larger than %(megabytes)s MB.", megabytes=MAX_BYTES // 1024 // 1024),
            hint=_("Use a shorter recording, or MP3 or OGG."),
        )
    try:
        with tempfile.NamedTemporaryFile(prefix="frontdesk-sound-") as source:
            source.write(data)
            source.flush()
            return prepare_file(settings, Path(source.name))
    except OSError as error:
        raise SoundNotMade(_("The sound could not be stored."), hint=_("See whether the disk is full.")) from error


def prepare_file(settings: Settings, source: Path) -> PreparedSound:
    """The same for a file that lies on the box, such as one recorded over the phone."""
    target = _new_target(settings)
    try:
        # a fixed argument list, the file is data: nothing of the upload reaches a shell or an option
        done = subprocess.run(
            [sys.executable, "-m", "appliance.prompts.convert", str(source), str(target)],
            capture_output=True,
            timeout=CONVERT_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout or b"{}")
    except subprocess.TimeoutExpired:
        answer = {"refused": "too-long"}
    except ValueError:
        answer = {}
    return prepared(settings, target, answer)


def _new_target(settings: Settings) -> Path:
    folder = settings.prompts / OWN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="", suffix=".wav", dir=folder, delete=False) as made:
        return Path(made.name)


def prepared(settings: Settings, target: Path, answer: dict[str, object]) -> PreparedSound:
    """What the converter's answer means. Raises UnusableSound."""
    seconds = answer.get("seconds")
    if isinstance(seconds, int | float) and seconds > 0 and target.stat().st_size > 44:
        return PreparedSound(str(target.relative_to(settings.prompts)), float(seconds))
    target.unlink(missing_ok=True)
    if answer.get("refused") == "too-long":
        raise UnusableSound(_("The sound is longer than 5 minutes."), hint=_("Use a shorter recording."))
    if answer.get("refused") == "silent":
        raise UnusableSound(
            _("Nothing can be heard in this sound."), hint=_("Record it again, closer to the microphone.")
        )
    raise UnusableSound(_("This file is no sound that can be played."), hint=_("Use WAV, MP3, OGG or FLAC."))


def save(
    db: Database,
    settings: Settings,
    *,
    business_id: str,
    prompt: str,
    language: str,
    sound: PreparedSound,
    source: Source,
) -> OwnSound:
    """Put a prepared sound in place, within the caller's transaction. Raises UnknownPrompt, Invalid."""
    check(prompt, language)
    own, _replaced = store.put(db, business_id, prompt, language, source, sound)
    sweep(db, settings)
    return own


def upload(db: Database, settings: Settings, business_id: str, prompt: str, language: str, data: bytes) -> OwnSound:
    """Convert and keep an uploaded sound. Opens its own transaction, after the slow part, unless one is open.

    Raises UnknownPrompt, Invalid, UnusableSound, SoundNotMade.
    """
    check(prompt, language)
    sound = prepare(settings, data)
    if db.conn.in_transaction:
        return save(
            db, settings, business_id=business_id, prompt=prompt, language=language, sound=sound, source="upload"
        )
    with transaction(db):
        return save(
            db, settings, business_id=business_id, prompt=prompt, language=language, sound=sound, source="upload"
        )


def save_phone_recording(
    db: Database, settings: Settings, business_id: str, prompt: str, language: str, path: Path
) -> OwnSound:
    """The same for a WAV recorded over the phone; ``path`` stays. Opens its own transaction unless one is open."""
    check(prompt, language)
    sound = prepare_file(settings, path)
    wanted = {"business_id": business_id, "prompt": prompt, "language": language}
    if db.conn.in_transaction:
        return save(db, settings, **wanted, sound=sound, source="phone")
    with transaction(db):
        return save(db, settings, **wanted, sound=sound, source="phone")


def remove(db: Database, settings: Settings, business_id: str, prompt: str, language: str) -> None:
    """Go back to the spoken text, within the caller's transaction. Nothing happens when there was no sound."""
    store.delete(db, business_id, prompt, language)
    sweep(db, settings)


def sweep(db: Database, settings: Settings) -> None:
    """Delete own sounds that nothing points to any more, an hour after they were made or replaced."""
    in_use = store.paths(db)
    old = time.time() - _KEEP_REPLACED_SECONDS
    for path in (settings.prompts / OWN_FOLDER).glob("*.wav"):
        if str(path.relative_to(settings.prompts)) not in in_use and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
