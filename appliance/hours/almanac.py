"""What the ``holidays`` library knows, as JSON: ``python -m appliance.hours.almanac places``, or ``… IR 2026 2027``.

A process of its own: see holidays.py. Prints {"IR": [], "DE": ["BB", …], …} or {"2026-03-21": {"en": …, "fa": …}, …}.
"""

import json
import sys

import holidays

# the library's name of each of our languages, the first that a country has
_LANGUAGES = {"en": ("en_US", "en_GB"), "fa": ("fa_IR",), "ru": ("ru",), "ms": ("ms_MY",)}
_ALIASES = {"UK"}  # a second name of GB


def places() -> dict[str, list[str]]:
    """Every country and its regions."""
    found = holidays.list_supported_countries(include_aliases=False)
    return {country: list(regions) for country, regions in sorted(found.items()) if country not in _ALIASES}


def days(place: str, years: list[int]) -> dict[str, dict[str, str]]:
    """The public holidays of some years by date, named in our languages where the library can, else in English."""
    country, _dash, region = place.partition("-")
    names: dict[str, dict[str, str]] = {}
    known = holidays.country_holidays(country).supported_languages
    for language, wanted in {"en": _LANGUAGES["en"], **_LANGUAGES}.items():
        chosen = next((name for name in wanted if name in known), None)
        if chosen is None and language != "en":
            continue
        found = holidays.country_holidays(country, subdiv=region or None, years=years, language=chosen)
        for day, name in found.items():
            if day.year in years:
                names.setdefault(day.isoformat(), {})[language] = name
    return dict(sorted(names.items()))


def main() -> int:
    """Answer what the arguments ask."""
    place = sys.argv[1]
    answer = places() if place == "places" else days(place, [int(number) for number in sys.argv[2:]])
    sys.stdout.write(json.dumps(answer, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
