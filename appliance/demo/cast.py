"""The demo's people: agents with their shifts, callers with and without a name."""

import random
from dataclasses import dataclass
from datetime import time

from sqlite_utils import Database

from appliance.contacts import service as contacts


@dataclass(frozen=True)
class Shift:
    """When an agent's phone is there, and when they have lunch; local hours."""

    agent_id: str
    extension: str
    begin: time
    end: time
    lunch: time


SHIFTS = (
    Shift("sara", "101", time(8, 51), time(17, 2), time(12, 30)),
    Shift("reza", "102", time(7, 55), time(15, 4), time(11, 50)),
    Shift("ben", "103", time(9, 58), time(18, 1), time(14, 0)),
)
SHORT_DAY_ENDS = time(13, 3)
LUNCH_MINUTES = 30
CALLS_BACK = {"bakery": ("101", "103"), "clinic": ("102",)}  # whose phone calls out in which name
NAMES = {
    "bakery": [
        "Arash Tehrani", "Leila Moradi", "Daniel Weber", "Nasrin Sadeghi", "Omid Jafari", "Coffee shop at the park",
        "Roya Ebrahimi", "Kian Farahani", "Sophie Laurent", "Alborz Flour Mill", "Parisa Hashemi", "Tom Baker",
        "Hotel Laleh, kitchen", "Mahsa Rahimi", "Yusuf Demir", "Elham Ghorbani",
    ],
    "clinic": [
        "فاطمه حسینی", "علی محمدی", "زهرا کریمی", "حسین رضایی", "مریم موسوی", "امیر قاسمی", "نرگس صادقی",
        "محمد نجفی", "شیرین اکبری", "بهرام یوسفی", "لیلا جعفری", "سعید رحیمی", "پریسا کاظمی",
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who calls a business now and again."""

    business_id: str
    number: str
    name: str  # "" : nobody knows yet


def callers(luck: random.Random) -> list[Person]:
    """The callers: people with a name, who call more often, and as many that nobody knows."""
    people = []
    for business_id, names in NAMES.items():
        for name in [*names, *[""] * (2 * len(names))]:
            # 900 is followed by a 0 in no number of a subscriber
            people.append(Person(business_id, f"+989000{luck.randrange(10**6):06d}", name))
    return people


def introduce(db: Database, people: list[Person]) -> None:
    """Enter the callers who are known by name, and one who is not welcome."""
    for person in people:
        if person.name:
            contacts.save_contact(db, person.business_id, person.number, name=person.name)
    stranger = next(p for p in people if not p.name)
    contacts.save_contact(db, stranger.business_id, stranger.number, name="Sells toner", note="Calls every week.")
    contacts.set_blocked(db, stranger.business_id, stranger.number, blocked=True)
