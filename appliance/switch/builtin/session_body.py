"""The SDP in a message: bare, or one part of several (RFC 5621)."""

from email import message_from_bytes
from email.message import Message

from aiosipua.message import SipMessage

from appliance.switch.builtin.sdp import CONTENT_TYPE, UnknownBody


def sdp_of(message: SipMessage) -> str | None:
    """The session description, None when the message has no body. Raises UnknownBody for other bodies."""
    if not message.body.strip():
        return None
    kind = (message.content_type or "").partition(";")[0].strip().lower()
    if kind == CONTENT_TYPE:
        return message.text
    if kind.startswith("multipart/"):
        head = f"Content-Type: {message.content_type}\r\n\r\n".encode("utf-8", "replace")
        for part in message_from_bytes(head + message.body).walk():
            if isinstance(part, Message) and part.get_content_type() == CONTENT_TYPE:
                body = part.get_payload(decode=True)
                return body.decode("utf-8", "replace") if isinstance(body, bytes) else None
    raise UnknownBody(f"a body of {kind[:60] or 'no type'}")
