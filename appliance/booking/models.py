"""What a service, a slot and an appointment are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["booked", "cancelled", "no_show"]
MOST_CHARACTERS = {"customer_name": 120, "customer_number": 64, "note": 2000}
LEAST_MINUTES, MOST_MINUTES = 5, 720


@dataclass(frozen=True, order=True)
class Slot:
    """A stretch of time that could be booked: aware moments in UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Service:
    """Something a business can be booked for; ``service_id`` "" is the one that is made on first use."""

    service_id: str
    business_id: str
    name: str
    minutes: int
    position: int = 0


@dataclass(frozen=True)
class Appointment:
    """A time kept for a customer; the columns of ``appointments`` with the names people know."""

    appointment_id: str
    business_id: str
    service_id: str | None
    title: str
    starts_at: str
    ends_at: str
    customer_name: str
    customer_number: str
    note: str
    call_id: str | None
    taken_by: str | None  # agent_id
    status: Status
    created_at: str
    changed_at: str
    business_name: str = ""
    timezone: str = "UTC"  # the business's
    taken_by_name: str = ""

    @property
    def is_booked(self) -> bool:
        """Whether the customer is expected, or was there."""
        return self.status == "booked"
