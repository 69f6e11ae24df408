"""What a prompt's own sound is."""

from dataclasses import dataclass
from typing import Literal

Source = Literal["upload", "phone"]


@dataclass(frozen=True)
class OwnSound:
    """A sound that somebody uploaded or spoke in place of the text."""

    business_id: str  # "": the whole office
    prompt: str
    language: str
    source: Source
    path: str  # relative to the prompts folder
    seconds: float
    updated_at: str


@dataclass(frozen=True)
class PreparedSound:
    """A file already converted and lying in the prompts folder, not yet in the store."""

    path: str  # relative to the prompts folder
    seconds: float


@dataclass(frozen=True)
class Wanted:
    """A prompt somebody will hear: which, in which language, for whom, in which words ("": the standard ones)."""

    prompt: str
    language: str
    business_id: str = ""
    business_name: str = ""
    text: str = ""
