"""Public holidays of the business's country.

Owns: which places there are, which one is meant, a year's days by name in every language, and keeping them.
Leaves out: the dates themselves, which the ``holidays`` library knows. It is asked in a process of its own
(``python -m appliance.hours.almanac``), so that its megabytes and its reckoning stay out of the core
and the web. A year that cannot be had has no holidays, and is asked for again after a while; a call never waits for it.
"""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from appliance import clock, fields, i18n
from appliance.hours.errors import BadCountry
from appliance.i18n import gettext as _

log = logging.getLogger(__name__)

NO_HOLIDAYS = "none"
CHILD_SECONDS = 20.0
RETRY_SECONDS = 60.0
_YEARS_AHEAD = 2

Year = Mapping[str, Mapping[str, str]]  # by date, then by language


class NationalHolidays:
    """The holidays of a place, such as ``IR`` or ``DE-BY``."""

    def __init__(self, place: str) -> None:
        self.place = place

    def name(self, day: date) -> str:
        """What is celebrated, in the current language; "" on a day that is none."""
        if (self.place, day.year) not in _years:
            _learn(self.place, [day.year])
        return _in_words(_years.get((self.place, day.year), {}).get(day.isoformat()))

    def prepare(self) -> None:
        """Ask for the years that are needed now and next, where waiting for it does no harm. Blocks."""
        this = clock.now().year
        wanted = [y for y in range(this - 1, this + _YEARS_AHEAD + 1) if (self.place, y) not in _years]
        if wanted:
            _learn(self.place, wanted)

    def known(self) -> "KnownHolidays":
        """What is known after ``prepare``: for those who must never wait, as calls are."""
        self.prepare()
        return KnownHolidays(
            {day: n for (place, _y), days in _years.items() if place == self.place for day, n in days.items()}
        )


@dataclass(frozen=True)
class KnownHolidays:
    """Holidays that are there already, by date, then by language; days of other years are none."""

    days: Year

    def name(self, day: date) -> str:
        """See NationalHolidays."""
        return _in_words(self.days.get(day.isoformat()))


def calendar_of(chosen: str, timezone: str) -> NationalHolidays | None:
    """The holidays a business keeps: those of ``chosen``, of its time zone's country for "", none for ``none``."""
    place = place_of(chosen, timezone)
    return NationalHolidays(place) if place else None


def place_of(chosen: str, timezone: str) -> str:
    """Which place's holidays are meant; "" where there are none, or none are known."""
    if chosen == NO_HOLIDAYS:
        return ""
    place = chosen or fields.region_of(timezone) or ""
    return place if place and (chosen or place in places()) else ""


def check_place(value: object) -> str:
    """``""``, ``none``, a country such as ``IR``, or one of its regions such as ``DE-BY``. Raises BadCountry."""
    allowed = _('"none", a country such as "IR", or one of its regions such as "DE-BY"; left out: of the time zone')
    if not isinstance(value, str) or len(value) > 20:
        raise BadCountry(value, allowed)
    if value in ("", NO_HOLIDAYS):
        return value
    country, _dash, region = value.upper().partition("-")
    known = places()
    if country not in known:
        raise BadCountry(value, allowed)
    if region and region not in known[country]:
        regions = ", ".join(known[country]) or _("none")
        raise BadCountry(value, _("a region of %(country)s: %(regions)s", country=country, regions=regions))
    return value.upper()


def places() -> Mapping[str, tuple[str, ...]]:
    """Countries whose holidays are known, each with its regions."""
    if not _places:
        _places.update({country: tuple(regions) for country, regions in _ask("places").items()})
    return _places


_places: dict[str, tuple[str, ...]] = {}
_years: dict[tuple[str, int], Year] = {}
_failed_at: dict[str, float] = {}


def _in_words(names: Mapping[str, str] | None) -> str:
    return "" if names is None else names.get(i18n.language()) or names["en"]


def _learn(place: str, years: Sequence[int]) -> None:
    """Keep the holidays of these years; where the almanac fails nothing is kept, nor asked again so soon."""
    if time.monotonic() - _failed_at.get(place, -RETRY_SECONDS) < RETRY_SECONDS:
        return
    found = _ask(place, *map(str, years))
    if not found:
        _failed_at[place] = time.monotonic()
    for year in years if found else ():
        _years[(place, year)] = {day: names for day, names in found.items() if day.startswith(f"{year}-")}


def _ask(*arguments: str) -> dict[str, dict[str, str]]:
    """What the almanac says; nothing where it fails: a business is then open as its week says."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "appliance.hours.almanac", *arguments],
            capture_output=True,
            timeout=CHILD_SECONDS,
            check=True,
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.error("holidays of %s cannot be had: %s", " ".join(arguments), error)
        return {}
    return found if isinstance(found, dict) else {}
