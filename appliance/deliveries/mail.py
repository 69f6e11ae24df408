"""Write the mail about a message: headers, plain text, simple HTML, the voicemail's sound.

Everything a caller or agent typed is data: no line end of theirs reaches a header, no mark of theirs the HTML.
Owns: what a mail says and looks like. Leaves out: sending it (smtp.py), reading the sound's file (worker.py).
"""

import html
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from appliance import clock, i18n, phone_numbers
from appliance.deliveries.errors import NotSent
from appliance.deliveries.models import Letter
from appliance.i18n import gettext as _

MOST_SOUND_BYTES = 5 * 1024 * 1024
_MOST_SUBJECT = 110  # characters of what people typed in a subject
_LTR, _END = "\u2066", "\u2069"  # isolates: a number keeps its order in right-to-left text
_COLOURS = {"ink": "#1c2430", "soft": "#5b6675", "line": "#d9dee5", "urgent": "#b3261e", "link": "#1a5fb4"}


@dataclass(frozen=True)
class Mail:
    """A mail ready to leave."""

    sender: str
    recipient: str
    message: EmailMessage
    needs_utf8: bool  # the server must know SMTPUTF8 (RFC 6531)


def compose(letter: Letter, sender: str, sound: bytes | None) -> Mail:
    """The mail in the business's language; ``sound`` is attached. Raises NotSent for an address that is none."""
    with i18n.speaking(letter.language):
        recipient, recipient_utf8 = envelope_address(letter.recipient, "bad-recipient")
        from_, from_utf8 = envelope_address(sender, "no-sender")
        needs_utf8 = recipient_utf8 or from_utf8
        message = EmailMessage(policy=SMTPUTF8 if needs_utf8 else SMTP)
        message["From"] = Address(_one_line(letter.business_name)[:80], *_parts(from_))
        message["To"] = Address("", *_parts(recipient))
        message["Subject"] = subject(letter)
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{letter.delivery_id}@{_ascii_domain(from_)}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        if letter.urgency == "urgent":
            message["Importance"] = "high"
            message["X-Priority"] = "1"
        message.set_content(_plain(letter, sound), cte="base64")
        message.add_alternative(_html(letter, sound), subtype="html", cte="base64")
        if sound is not None:
            name = f"voicemail-{letter.created_at[:19].replace(':', '-')}.wav"
            message.add_attachment(sound, maintype="audio", subtype="wav", filename=name)
        message["Content-Language"] = letter.language  # set_content() clears what begins with Content-
        return Mail(from_, recipient, message, needs_utf8)


def envelope_address(address: str, code: str) -> tuple[str, bool]:
    """The address as the envelope carries it, and whether only SMTPUTF8 can carry it. Raises NotSent with the code."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain or any(c.isspace() or not c.isprintable() or c in '<>,;"' for c in address):
        raise NotSent(code, address, permanent=code == "bad-recipient")
    try:
        # a domain of any script has an ASCII form; the part before the @ has none
        domain = domain if domain.isascii() else domain.encode("idna").decode()
        if len(f"{local}@{domain}".encode()) > 254 or not all(0 < len(label) < 64 for label in domain.split(".")):
            raise ValueError("longer than a mail address can be (RFC 5321)")
        Address(username=local if local.isascii() else "x", domain=domain)
    except (UnicodeError, ValueError) as error:
        raise NotSent(code, address, permanent=code == "bad-recipient") from error
    return f"{local}@{domain}", not local.isascii()


def _parts(address: str) -> tuple[str, str]:
    local, _at, domain = address.rpartition("@")
    return local, domain


def _ascii_domain(address: str) -> str:
    return _parts(address)[1] or "frontdesk.invalid"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text).split())


def _shortened(text: str, most: int) -> str:
    text = _one_line(text)
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def caller(letter: Letter, *, isolated: bool = True) -> str:
    """Who called: the name, else the number, else a word for somebody unknown."""
    if letter.from_name.strip():
        return _shortened(letter.from_name, 60)
    if letter.callback_number:
        return _number(letter.callback_number, isolated=isolated)
    return _("an unknown caller")


def _number(number: str, *, isolated: bool = True) -> str:
    pretty = _shortened(phone_numbers.pretty(number), 64)
    return f"{_LTR}{pretty}{_END}" if isolated and i18n.direction() == "rtl" else pretty


def subject(letter: Letter) -> str:
    """What the mail is about, on one line."""
    if letter.kind == "test":
        return _("Test mail from %(office)s", office=_shortened(letter.office_name, 60))
    who, whom = caller(letter), _shortened(letter.for_whom, 60)
    if letter.kind == "voicemail":
        line = _("Voicemail from %(caller)s (%(duration)s)", caller=who, duration=i18n.format_duration(letter.seconds))
    elif whom:
        line = _("Message for %(whom)s from %(caller)s", whom=whom, caller=who)
    else:
        line = _("Message from %(caller)s", caller=who)
    beginning = _shortened(letter.body, max(20, _MOST_SUBJECT - len(line)))
    if beginning:
        line = f"{line}: {beginning}"
    return _("Urgent: %(subject)s", subject=line) if letter.urgency == "urgent" else line


def _heading(letter: Letter) -> str:
    if letter.kind == "test":
        return _("Mail from this office arrives.")
    if letter.kind == "voicemail":
        return _("Voicemail for %(business)s", business=_one_line(letter.business_name))
    if letter.for_whom:
        return _("Message for %(whom)s", whom=_one_line(letter.for_whom))
    return _("Message for %(business)s", business=_one_line(letter.business_name))


def _facts(letter: Letter, *, isolated: bool) -> list[tuple[str, str]]:
    """What is known, as pairs of a word and its value."""
    at = i18n.format_datetime(clock.parse(letter.created_at), letter.timezone)
    length = i18n.format_duration(letter.seconds) if letter.kind == "voicemail" else ""
    known = [
        (_("Urgency"), _("urgent") if letter.urgency == "urgent" else ""),
        (_("From"), _one_line(letter.from_name)),
        (_("Call back"), _number(letter.callback_number, isolated=isolated) if letter.callback_number else ""),
        (_("Length"), length),
        (_("Sent") if letter.kind == "test" else _("Received"), at),
        (_("Business"), _one_line(letter.business_name) if letter.message_id else ""),
        (_("Number called"), _number(letter.called_number, isolated=isolated) if letter.called_number else ""),
        (_("Taken by"), _one_line(letter.taken_by_name)),
    ]
    return [(word, value) for word, value in known if value]


def _about_the_sound(letter: Letter, sound: bytes | None) -> str:
    if letter.kind != "voicemail":
        return ""
    if sound is not None:
        return _("The recording is attached.")
    return _("The recording is not attached: listen to it in Frontdesk.")


def _links(letter: Letter) -> list[tuple[str, str]]:
    base = letter.web_url.rstrip("/")
    if not base:
        return []
    if letter.message_id is None:
        return [(_("Open Frontdesk"), f"{base}/")]
    links = [(_("Open the message"), f"{base}/messages/{letter.message_id}")]
    if letter.call_id:
        links.append((_("Open the call"), f"{base}/calls/{letter.call_id}"))
    return links


def _footer(letter: Letter) -> str:
    return _("Sent by Frontdesk at %(office)s.", office=_one_line(letter.office_name or letter.business_name))


def _plain(letter: Letter, sound: bytes | None) -> str:
    parts = [_heading(letter), "\n".join(f"{word}: {value}" for word, value in _facts(letter, isolated=True))]
    parts += [letter.body, _about_the_sound(letter, sound)]
    parts.append("\n".join(f"{word}: {url}" for word, url in _links(letter)))
    return "\n\n".join(part for part in parts if part) + f"\n\n-- \n{_footer(letter)}\n"


def _html(letter: Letter, sound: bytes | None) -> str:
    direction, start = i18n.direction(), "right" if i18n.direction() == "rtl" else "left"
    c, e = _COLOURS, html.escape
    rows = "".join(
        f'<tr><td style="padding:2px 0;padding-inline-end:16px;color:{c["soft"]};white-space:nowrap;'
        f'vertical-align:top;text-align:{start}">{e(word)}</td>'
        f'<td style="padding:2px 0;text-align:{start}">{_html_value(letter, value)}</td></tr>'
        for word, value in _facts(letter, isolated=False)
    )
    body = e(letter.body).replace("\n", "<br>")
    said = f'<p dir="auto" style="margin:16px 0;font-size:16px;line-height:1.5">{body}</p>' if body else ""
    about = _about_the_sound(letter, sound)
    note = f'<p style="margin:16px 0;color:{c["soft"]}">{e(about)}</p>' if about else ""
    links = " &nbsp; ".join(
        f'<a href="{e(url)}" style="color:{c["link"]}">{e(word)}</a>' for word, url in _links(letter)
    )
    colour = c["urgent"] if letter.urgency == "urgent" else c["ink"]
    return (
        f'<!doctype html>\n<html lang="{e(letter.language)}" dir="{direction}">\n<head><meta charset="utf-8">'
        f"<title>{e(subject(letter))}</title></head>\n"
        f'<body style="margin:0;padding:24px;font-family:system-ui,Tahoma,Arial,sans-serif;font-size:15px;'
        f'color:{c["ink"]}">\n<div dir="{direction}" style="max-width:560px;margin:0 auto;text-align:{start}">\n'
        f'<h1 style="font-size:19px;margin:0 0 12px;color:{colour}">{e(_heading(letter))}</h1>\n'
        f'<table role="presentation" style="border-collapse:collapse">{rows}</table>\n{said}\n{note}\n'
        f'<p style="margin:16px 0">{links}</p>\n'
        f'<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid {c["line"]};font-size:13px;'
        f'color:{c["soft"]}">{e(_footer(letter))}</p>\n</div>\n</body>\n</html>\n'
    )


def _html_value(letter: Letter, value: str) -> str:
    for number in (letter.callback_number, letter.called_number):
        if number and value == _number(number, isolated=False):
            shown = f'<bdi dir="ltr">{html.escape(value)}</bdi>'
            if phone_numbers.is_e164(number):
                return f'<a href="tel:{html.escape(number)}" style="color:{_COLOURS["link"]}">{shown}</a>'
            return shown
    return f"<bdi>{html.escape(value)}</bdi>"
