"""The rows of people's own sounds."""

from sqlite_utils import Database

from appliance import clock
from appliance.prompts.models import OwnSound, PreparedSound, Source

_COLUMNS = "business_id, prompt, language, source, path, seconds, updated_at"


def put(
    db: Database, business_id: str, prompt: str, language: str, source: Source, sound: PreparedSound
) -> tuple[OwnSound, str]:
    """Set the sound; the row and the path of the one it replaces ("" for none)."""
    before = get(db, business_id, prompt, language)
    own = OwnSound(business_id, prompt, language, source, sound.path, sound.seconds, clock.stamp())
    db.execute(
        f"INSERT OR REPLACE INTO prompts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  fixed columns
        [own.business_id, own.prompt, own.language, own.source, own.path, own.seconds, own.updated_at],
    )
    return own, before.path if before else ""


def get(db: Database, business_id: str, prompt: str, language: str) -> OwnSound | None:
    """The sound of exactly this business ("" for the office), prompt and language."""
    rows = db.query(
        f"SELECT {_COLUMNS} FROM prompts WHERE business_id = ? AND prompt = ? AND language = ?",  # noqa: S608
        [business_id, prompt, language],
    )
    for row in rows:
        return OwnSound(**row)
    return None


def all_of(db: Database, business_id: str) -> list[OwnSound]:
    """The sounds of a business, or of the office for ""."""
    rows = db.query(
        f"SELECT {_COLUMNS} FROM prompts WHERE business_id = ? ORDER BY prompt, language",  # noqa: S608
        [business_id],
    )
    return [OwnSound(**row) for row in rows]


def delete(db: Database, business_id: str, prompt: str, language: str) -> None:
    """Forget the sound."""
    db.execute(
        "DELETE FROM prompts WHERE business_id = ? AND prompt = ? AND language = ?", [business_id, prompt, language]
    )


def paths(db: Database) -> set[str]:
    """The paths of all sounds in use."""
    return {str(row["path"]) for row in db.query("SELECT path FROM prompts")}
