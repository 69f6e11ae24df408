"""Who calls when: arrivals as they come to a bakery and a clinic. Pure: the same seed gives the same month."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from appliance.demo.cast import Person

Mood = Literal["talks", "gives_up_greeting", "gives_up_waiting"]

# Calls an hour by the hour of the day: a bakery is called before lunch and on the way home, a clinic when it opens
BUSY = {
    "bakery": {
        8: 0.2,
        9: 0.8,
        10: 1.2,
        11: 1.3,
        12: 0.8,
        13: 0.5,
        14: 0.4,
        15: 0.5,
        16: 0.9,
        17: 1.0,
        18: 0.2,
        20: 0.1,
    },
    "clinic": {7: 0.3, 8: 1.5, 9: 1.4, 10: 1.1, 11: 0.9, 12: 0.6, 13: 0.4, 14: 0.5, 15: 0.6, 16: 0.7, 17: 0.3, 19: 0.1},
}
SATURDAY, THURSDAY, FRIDAY = 5, 3, 4  # as date.weekday() counts
OF_THE_DAY = {SATURDAY: 1.25, THURSDAY: 0.8, FRIDAY: 0.12}


@dataclass(frozen=True)
class Arrival:
    """One call that comes in."""

    at: datetime  # UTC
    business_id: str
    number: str  # "" : withheld
    mood: Mood
    patience_seconds: float
    name: str = ""


def month(people: list[Person], luck: random.Random, *, until: datetime, days: int, timezone: str) -> Iterator[Arrival]:
    """The arrivals of the last days, in order, ending before ``until``."""
    zone = ZoneInfo(timezone)
    first = until.astimezone(zone).date() - timedelta(days=days)
    found = [
        arrival
        for day in range(days + 1)
        for business_id in BUSY
        for arrival in _day(first + timedelta(days=day), business_id, people, luck, zone)
    ]
    yield from sorted((a for a in found if a.at < until), key=lambda a: a.at)


def _day(day: date, business_id: str, people: list[Person], luck: random.Random, zone: ZoneInfo) -> Iterator[Arrival]:
    callers = [p for p in people if p.business_id == business_id]
    weights = [3.0 if p.name else 0.7 for p in callers]
    for hour, rate in BUSY[business_id].items():
        rate *= OF_THE_DAY.get(day.weekday(), 1.0)
        minute = luck.expovariate(rate) * 60
        while minute < 60:
            at = datetime.combine(day, time(hour), zone) + timedelta(minutes=minute)
            caller = luck.choices(callers, weights)[0]
            mood: Mood = luck.choices(("talks", "gives_up_greeting", "gives_up_waiting"), (93, 2, 5))[0]
            number = "" if not caller.name and luck.random() < 0.06 else caller.number
            patience = luck.uniform(3, 12) if mood == "gives_up_waiting" else luck.uniform(40, 90)
            yield Arrival(at.astimezone(UTC), business_id, number, mood, patience, caller.name)
            minute += luck.expovariate(rate) * 60
