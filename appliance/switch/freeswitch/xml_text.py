"""Filling in the XML templates so that no value can become anything but text.

FreeSWITCH reads ``$${…}`` in its files before it parses them, and ``${…}`` in actions when a call runs; some of these
run commands. So beside XML's own characters every ``$`` of a value is written as a character reference, and texts that
people type are never put into an action at all (the templates see to that).
"""

import functools
import unicodedata
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parents[3] / "dialplan"


def quoted(value: object) -> Markup:
    """The value as XML text or attribute: one line, nothing in it has a meaning to XML or to FreeSWITCH."""
    if isinstance(value, Markup):
        return value
    kept = "".join(" " if c in "\t\r\n" else c for c in str(value) if c in "\t\r\n" or not _is_forbidden(c))
    return Markup(escape(kept, quote=True).replace("$", "&#36;"))  # noqa: S704  this is the escaping


def _is_forbidden(char: str) -> bool:
    # XML 1.0 §2.2; C1 controls, lone surrogates and the non-characters help nobody either
    return unicodedata.category(char) in {"Cc", "Cs"} or char in "\ufffe\uffff"


@functools.cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=quoted,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def fill(template: str, **values: Any) -> str:
    """The template with its values; a value that is missing is an error, not an empty text."""
    return _templates().get_template(template).render(**values)


def ill_formed(text: str) -> str:
    """What keeps the text from being XML, "" when nothing does. An included file may hold several elements."""
    body = text.partition("?>")[2] if text.startswith("<?xml") else text
    try:
        ElementTree.fromstring(f"<include>{body}</include>")  # noqa: S314  our own text, no entities declared
    except ElementTree.ParseError as error:
        return str(error)
    return ""
