"""Public holidays of the business's country.

Owns: which places there are, which one is meant, a year's days by name in every language, and keeping them.
Leaves out: the dates themselves, which the ``holidays`` library knows. It is asked in a process of its own
(``python -m appliance.hours.almanac``), a year at a time, so that its megabytes and its reckoning stay out of the core
and the web. A year that cannot be had has no holidays, and is asked for again.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from datetime import date

from appliance import clock, fields, i18n
from appliance.hours.errors import BadCountry
from appliance.i18n import gettext as _

log = logging.getLogger(__name__)

NO_HOLIDAYS = "none"
CHILD_SECONDS = 20.0
_YEARS_AHEAD = 2

Year = Mapping[str, Mapping[str, str]]  # by date, then by language


class NationalHolidays:
    """The holidays of a place, such as ``IR`` or ``DE-BY``."""

    def __init__(self, place: str) -> None:
        self.place = place

    def name(self, day: date) -> str:
        """What is celebrated, in the current language; "" on a day that is none."""
        names = _year(self.place, day.year).get(day.isoformat())
        return "" if names is None else names.get(i18n.language()) or names["en"]

    def prepare(self) -> None:
        """Ask for the years that are needed now and next, where waiting for it does no harm. Blocks."""
        this = clock.now().year
        for year in range(this - 1, this + _YEARS_AHEAD + 1):
            _year(self.place, year)


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


def _year(place: str, year: int) -> Year:
    if (place, year) not in _years:
        found = _ask(place, str(year))
        if not found:
            return {}
        _years[(place, year)] = found
    return _years[(place, year)]


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
