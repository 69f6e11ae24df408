"""Languages: which ones there are, the current one, and how text, dates, digits and durations are written in it.

One gettext for pages, mails, prompts and errors: the language is a context variable, set per request, mail or call.
Owns: translation and locale formatting. Leaves out: the catalogues (locale/<language>/LC_MESSAGES/messages.po).
"""

import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jdatetime
from babel import Locale
from babel.dates import format_date as babel_date
from babel.dates import format_time as babel_time
from babel.support import NullTranslations, Translations

LANGUAGES = {"en": "English", "fa": "فارسی", "ru": "Русский", "ms": "Bahasa Melayu"}
RIGHT_TO_LEFT = frozenset({"fa"})
LOCALE_FOLDER = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("language", default="en")
_TYPED_DIGITS = {ord(c): str(i % 10) for i, c in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩")}
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


@functools.cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(LOCALE_FOLDER, [language], domain="messages")


def language() -> str:
    """The current language."""
    return _language.get()


def set_language(language: str) -> None:
    """Make a language current in this context; an unknown one means English."""
    _language.set(language if language in LANGUAGES else "en")


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within the block, text is in that language."""
    token = _language.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _language.reset(token)


def gettext(message: str, **values: object) -> str:
    """The message in the current language, ``%(name)s`` filled in."""
    text = str(_catalogue(_language.get()).gettext(message))
    return text % values if values else text


def ngettext(singular: str, plural: str, n: int, **values: object) -> str:
    """The message for a count; ``%(num)s`` is the count in the language's digits."""
    text = str(_catalogue(_language.get()).ngettext(singular, plural, n))
    return text % {"num": digits(str(n)), **values}


_ = gettext


def direction(language: str | None = None) -> str:
    """``rtl`` or ``ltr``."""
    return "rtl" if (language or _language.get()) in RIGHT_TO_LEFT else "ltr"


def digits(text: str) -> str:
    """Digits as the current language writes them."""
    return text.translate(_PERSIAN_DIGITS) if _language.get() == "fa" else text


def decimal(number: float, places: int = 1) -> str:
    """A number with its fraction as the current language writes it: 3.5; 3,5; ۳٫۵."""
    point = {"fa": "٫", "ru": ","}.get(_language.get(), ".")
    return digits(f"{number:.{places}f}".replace(".", point))


def plain_digits(text: str) -> str:
    """Persian and Arabic digits, as people type them, as 0 to 9."""
    return text.translate(_TYPED_DIGITS)


def format_date(at: datetime, timezone: str) -> str:
    """A day in the local calendar: ``24 Nov 2026``; Jalali for Persian (``۳ آذر ۱۴۰۵``)."""
    local = at.astimezone(ZoneInfo(timezone))
    if _language.get() == "fa":
        jalali = jdatetime.date.fromgregorian(date=local.date(), locale=jdatetime.FA_LOCALE)
        return digits(f"{jalali.day} {jalali.j_months_fa[jalali.month - 1]} {jalali.year}")
    return babel_date(local.date(), "medium", locale=Locale(_language.get()))


def format_time(at: datetime, timezone: str) -> str:
    """Hours and minutes on the local clock."""
    local = at.astimezone(ZoneInfo(timezone))
    return digits(babel_time(local, "HH:mm", locale=Locale(_language.get())))


def format_datetime(at: datetime, timezone: str) -> str:
    """Day and time."""
    return f"{format_date(at, timezone)} {format_time(at, timezone)}"


def format_duration(seconds: float | None) -> str:
    """``0:07``, ``12:34``, ``1:02:03``; a dash for None."""
    if seconds is None:
        return "–"
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return digits(f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}")
