"""What a contact is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contact:
    """A caller of one business."""

    contact_id: str
    business_id: str
    number: str  # E.164 where it could be read, else as it came
    name: str
    note: str
    is_blocked: bool
    created_at: str
