"""How values are written on pages: times, numbers, durations, in the visitor's language and the office's time zone."""

import hashlib
import re
import time
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, g, url_for
from markupsafe import Markup, escape

from appliance import clock, i18n, phone_numbers
from appliance.calls.models import Call
from appliance.i18n import gettext as _
from appliance.i18n import ngettext

_NUMBER = re.compile(r"(\+?[0-9۰-۹](?:[ -]?[0-9۰-۹]){6,})")
HUES = 8  # colours a business may have; the name always stands beside it


def timezone() -> str:
    """The office's time zone."""
    office = g.get("office")
    return office.timezone if office else "UTC"


def _at(stamp: str) -> datetime:
    return clock.parse(stamp)


def _when(stamp: str, text: str, css: str = "") -> Markup:
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        stamp,
        i18n.format_datetime(_at(stamp), timezone()),
        Markup(' class="{}"').format(css) if css else "",
        text,
    )


def day_name(stamp: str) -> str:
    """Today, Yesterday, or the date."""
    zone = ZoneInfo(timezone())
    day, today = _at(stamp).astimezone(zone).date(), clock.now().astimezone(zone).date()
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    return i18n.format_date(_at(stamp), timezone())


def as_datetime(stamp: str | None) -> Markup | str:
    """Day and time, with the day in words where it is near."""
    return _when(stamp, f"{day_name(stamp)} {i18n.format_time(_at(stamp), timezone())}") if stamp else "–"


def as_time(stamp: str | None) -> Markup | str:
    """Hours and minutes."""
    return _when(stamp, i18n.format_time(_at(stamp), timezone())) if stamp else "–"


def as_clock(stamp: str | None) -> str:
    """Hours, minutes and seconds, for timelines."""
    if not stamp:
        return "–"
    return i18n.digits(_at(stamp).astimezone(ZoneInfo(timezone())).strftime("%H:%M:%S"))


def as_number(number: str | None) -> Markup:
    """A phone number, left to right whatever surrounds it; a withheld one in words."""
    if not number:
        return Markup('<span class="quiet">{}</span>').format(_("hidden number"))
    return Markup('<bdi dir="ltr" class="number">{}</bdi>').format(phone_numbers.pretty(number))


def with_numbers(text: str) -> Markup:
    """A sentence in which phone numbers are kept from being torn apart by the direction of the text."""
    return Markup(_NUMBER.sub(r'<bdi dir="ltr" class="number">\1</bdi>', str(escape(text))))  # noqa: S704  escaped one call earlier


def in_words(seconds: float | None) -> str:
    """A duration as people say it: 45 seconds, 3 minutes."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return ngettext("%(num)s second", "%(num)s seconds", round(seconds))
    if seconds < 5400:
        return ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60))
    return ngettext("%(num)s hour", "%(num)s hours", round(seconds / 3600))


def seconds_since(stamp: str) -> float:
    """Seconds that have passed since a stamp."""
    return clock.seconds_between(stamp, clock.stamp())


def hue(name: str | None) -> int:
    """The number of a business's colour, the same every day."""
    return hashlib.sha256((name or "").encode()).digest()[0] % HUES


def initials(name: str | None) -> str:
    """Up to two letters for a badge."""
    words = [w for w in (name or "").split() if w[:1].isalpha()]
    letters = [w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)]
    return "".join(letters).upper() or "?"


@lru_cache(maxsize=64)
def _version(path: Path, _modified: float) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a static file with its version, so that browsers may keep it."""
    path = Path(__file__).parent / "static" / name
    try:
        version = _version(path, path.stat().st_mtime)
    except OSError:
        version = str(int(time.time()))  # not built yet: the page works without
    return url_for("static", filename=name, v=version)


def by_day(calls: list[Call]) -> list[tuple[str, list[Call]]]:
    """Calls under the name of their local day, in their order."""
    return [(day, list(group)) for day, group in groupby(calls, key=lambda call: day_name(call.started_at))]


def init_app(app: Flask) -> None:
    """Give templates their words, filters and addresses of files."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        datetime=as_datetime,
        time=as_time,
        clock=as_clock,
        day=day_name,
        number=as_number,
        duration=i18n.format_duration,
        words=in_words,
        with_numbers=with_numbers,
        digits=lambda value: i18n.digits(str(value)),
        hue=hue,
        initials=initials,
        since=seconds_since,
        groupby_day=by_day,
    )
    env.globals.update(
        _=_,
        gettext=_,
        ngettext=ngettext,
        asset=asset,
        direction=i18n.direction,
        language=i18n.language,
        LANGUAGES=i18n.LANGUAGES,
        timezone=timezone,
    )
