"""What mails say: read back by Python's own parser as a mail program would."""

import email
import email.policy
import html.parser
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.deliveries import mail, smtp
from appliance.deliveries.models import Letter


def a_letter(**more: object) -> Letter:
    given_: dict[str, object] = {
        "delivery_id": "dlv_1",
        "recipient": "ana@example.com",
        "message_id": "msg_1",
        "call_id": "call_1",
        "kind": "note",
        "for_whom": "Ali",
        "from_name": "Sara Karimi",
        "callback_number": "+982188001122",
        "body": "Please call back about the cake.\nBefore six.",
        "urgency": "normal",
        "created_at": "2026-11-24T09:30:00.000Z",
        "taken_by_name": "Ben",
        "business_name": "Nasim Bakery",
        "office_name": "Nasim House",
        "language": "en",
        "timezone": "Asia/Tehran",
        "called_number": "+982188001123",
        "recording_path": "",
        "seconds": None,
        "with_sound": True,
        "web_url": "https://desk.example.com",
    }
    return Letter(**{**given_, **more})  # type: ignore[arg-type]


def sent(letter: Letter, sound: bytes | None = None) -> EmailMessage:
    """The mail as the other side reads it."""
    raw = smtp.as_bytes(mail.compose(letter, "desk@nasim.example", sound))
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")), "RFC 5322 §2.1.1"
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert not read.defects
    return read


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_note_says_who_for_whom_what_and_where() -> None:
    message = sent(a_letter())
    assert message["Subject"] == "Message for Ali from Sara Karimi: Please call back about the cake. Before six."
    assert message["From"] == "Nasim Bakery <desk@nasim.example>"
    assert message["To"] == "ana@example.com"
    assert message["Message-ID"] == "<dlv_1@nasim.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None
    text = body(message)
    for line in (
        "Message for Ali",
        "From: Sara Karimi",
        "Call back: +98 21 8800 1122",
        "Received: Nov 24, 2026 13:00",
        "Taken by: Ben",
        "Please call back about the cake.\nBefore six.",
        "Open the message: https://desk.example.com/messages/msg_1",
        "Open the call: https://desk.example.com/calls/call_1",
    ):
        assert line in text


def test_voicemail_carries_its_sound_and_length() -> None:
    letter = a_letter(kind="voicemail", for_whom="", from_name="", body="", seconds=42.4, taken_by_name="")
    message = sent(letter, b"RIFF" + bytes(5000))
    assert message["Subject"] == "Voicemail from +98 21 8800 1122 (0:42)"
    (sound,) = message.iter_attachments()
    assert (sound.get_content_type(), sound.get_filename()) == ("audio/wav", "voicemail-2026-11-24T09-30-00.wav")
    assert sound.get_content() == b"RIFF" + bytes(5000)
    assert "The recording is attached." in body(message)
    assert "not attached" in body(sent(letter))


def test_persian_mail_is_right_to_left_with_its_own_calendar_and_digits() -> None:
    message = sent(a_letter(language="fa", business_name="نانوایی نسیم"))
    page = body(message, "html")
    assert '<html lang="fa" dir="rtl">' in page
    assert "۳ آذر ۱۴۰۵" in page
    assert "۱۳:۰۰" in page
    assert '<bdi dir="ltr">+98 21 8800 1122</bdi>' in page
    assert message["From"].addresses[0].display_name == "نانوایی نسیم"
    assert message["Content-Language"] == "fa"


def test_urgent_message_says_so_to_people_and_programs() -> None:
    message = sent(a_letter(urgency="urgent"))
    assert message["Subject"].startswith("Urgent: ")
    assert message["Importance"] == "high"
    assert sent(a_letter())["Importance"] is None


def test_unknown_caller_has_a_word() -> None:
    assert sent(a_letter(from_name="", callback_number="", for_whom=""))["Subject"].startswith(
        "Message from an unknown caller"
    )


def test_long_text_is_whole_in_the_mail_and_cut_at_a_word_in_the_subject() -> None:
    long = "слово " * 1600
    message = sent(a_letter(body=long.strip(), from_name="ه" * 120))
    assert long.strip() in body(message)
    assert len(message["Subject"]) < 200
    assert message["Subject"].endswith("слово…")


def test_without_a_known_address_there_is_no_link() -> None:
    message = sent(a_letter(web_url=""))
    assert "http" not in body(message)
    assert "href" not in body(message, "html").replace('href="tel:', "")


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


OUR_TAGS = {"html", "head", "meta", "title", "body", "div", "h1", "table", "tr", "td", "p", "br", "bdi", "a"}
TYPED = st.text(st.characters(codec="utf-8"), max_size=150)


@given(TYPED, TYPED, TYPED, TYPED, st.sampled_from(["en", "fa", "ru", "ms"]), st.sampled_from(["note", "voicemail"]))
def test_no_text_breaks_a_header_or_the_html(
    whom: str, name: str, number: str, text: str, language: str, kind: str
) -> None:
    letter = a_letter(
        for_whom=whom,
        from_name=name,
        callback_number=number,
        body=text,
        business_name=name,
        taken_by_name=whom,
        language=language,
        kind=kind,
        seconds=3.0,
    )
    message = sent(letter)
    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "Content-Language",
        "MIME-Version",
        "Content-Type",
    }
    reader = _Reader()
    reader.feed(body(message, "html"))
    assert reader.tags <= OUR_TAGS
    assert all(link.startswith(("https://desk.example.com/", "tel:+")) for link in reader.links)


@pytest.mark.parametrize(
    "name",
    [
        "Eve\r\nBcc: all@example.com",
        "Eve\nX: 1",
        "a\u2028b",
        "\x00",
        '"><script>alert(1)</script>',
        "=?utf-8?q?x?=",
        "😀" * 60,
    ],
)
def test_injection_in_a_name_stays_a_name(name: str) -> None:
    message = sent(a_letter(from_name=name, business_name=name, for_whom=name))
    assert message["Bcc"] is None
    assert message["X"] is None
    assert [a.addr_spec for a in message["To"].addresses] == ["ana@example.com"]
    assert [a.addr_spec for a in message["From"].addresses] == ["desk@nasim.example"]
    assert "<script" not in body(message, "html")
