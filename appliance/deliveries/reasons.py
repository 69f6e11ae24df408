"""Why a delivery has not arrived: a stable code, what the other side said, and a sentence for a person.

Stored is ``code`` or ``code: detail``; the sentence is made when it is shown, in the reader's language.
"""

from appliance.i18n import gettext as _

MOST_DETAIL = 300


def text(code: str, detail: str = "") -> str:
    """What is stored: the code, and what the other side said on one line."""
    said = " ".join("".join(c if c.isprintable() else " " for c in detail).split())[:MOST_DETAIL]
    return f"{code}: {said}" if said else code


def code_of(stored: str) -> str:
    """The code alone."""
    return stored.partition(":")[0]


def sentence(stored: str) -> str:
    """What a person reads. An unknown code is shown as it is."""
    if not stored:
        return ""
    code, _colon, detail = stored.partition(": ")
    known = _sentences().get(code)
    if known is None:
        return stored
    return f"{known} ({detail})" if detail else known


def _sentences() -> dict[str, str]:
    return {
        "no-smtp": _("Waiting: no mail server is set."),
        "no-sender": _("Waiting: no sender address is set."),
        "no-such-host": _("The mail server's name cannot be found."),
        "no-connection": _("The mail server cannot be reached."),
        "timed-out": _("The mail server did not answer in time."),
        "connection-lost": _("The mail server broke off the connection."),
        "not-smtp": _("What answers at this address is no mail server."),
        "busy": _("The mail server takes no mail at the moment."),
        "bad-certificate": _("The mail server's certificate cannot be trusted."),
        "tls-failed": _("No encrypted connection to the mail server could be made."),
        "no-encryption": _("The mail server offers no encryption, so the password was not sent."),
        "no-starttls": _("The mail server offers no encryption (STARTTLS)."),
        "bad-login": _("The mail server does not accept the user name or password."),
        "no-login": _("The mail server offers no way to sign in."),
        "sender-refused": _("The mail server does not accept the sender's address."),
        "recipient-refused": _("The mail server does not accept the recipient's address."),
        "recipient-later": _("The recipient's mailbox takes no mail at the moment."),
        "mail-refused": _("The mail server does not accept the mail."),
        "mail-later": _("The mail server could not take the mail at the moment."),
        "too-large": _("The mail is too large for the mail server; it goes again without the sound."),
        "bad-recipient": _("The recipient's address cannot be used."),
        "not-written": _("The mail could not be written."),
        "message-gone": _("The message no longer exists."),
        "unexpected": _("Something unexpected went wrong."),
    }


PERMANENT = frozenset({"recipient-refused", "mail-refused", "bad-recipient", "message-gone"})
