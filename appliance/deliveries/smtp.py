"""Send one mail over SMTP, and put a name to whatever goes wrong.

Security: ``tls`` from the first byte; ``starttls`` required; ``none`` never; ``auto`` TLS on port 465, else STARTTLS
where the server offers it. Certificates are always checked. Without encryption a password leaves only for this machine,
or when ``none`` was chosen.
"""

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator
from email.generator import BytesGenerator
from io import BytesIO

import aiosmtplib
from aiosmtplib import errors as smtp_errors

from appliance.deliveries.errors import NotSent
from appliance.deliveries.mail import Mail
from appliance.deliveries.models import MailServer

STEP_SECONDS = 30.0  # for one answer of the server
WHOLE_SECONDS = 180.0  # for one mail: a server that trickles is no better than a silent one


async def send(server: MailServer, mail: Mail) -> None:
    """Hand the mail over; returns when the server has taken it. Raises NotSent."""
    try:
        async with asyncio.timeout(WHOLE_SECONDS), _translated(), _connected(server) as client:
            await _hand_over(client, mail)
    except TimeoutError as error:
        raise NotSent("timed-out") from error


@contextlib.asynccontextmanager
async def _connected(server: MailServer) -> AsyncIterator[aiosmtplib.SMTP]:
    implicit = server.security == "tls" or (server.security == "auto" and server.port == 465)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=implicit,
        start_tls=False,
        timeout=STEP_SECONDS,
        local_hostname=_own_name(),
        tls_context=ssl.create_default_context(),
    )
    try:
        await client.connect()
        with contextlib.suppress(smtp_errors.SMTPHeloError):
            await client.ehlo()  # a server that knows HELO only has no extensions
        encrypted = implicit or await _encrypt(client, server)
        if server.username:
            await _sign_in(client, server, encrypted)
        yield client
        with contextlib.suppress(smtp_errors.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=5)  # the mail is theirs by now, whatever they answer
    finally:
        client.close()


async def _encrypt(client: aiosmtplib.SMTP, server: MailServer) -> bool:
    if server.security == "none":
        return False
    if not client.supports_extension("starttls"):
        if server.security == "starttls":
            raise NotSent("no-starttls")
        return False
    try:
        await client.starttls()
    except smtp_errors.SMTPResponseException as error:
        raise NotSent("tls-failed", f"{error.code} {error.message}") from error
    with contextlib.suppress(smtp_errors.SMTPHeloError):
        await client.ehlo()
    return True


async def _sign_in(client: aiosmtplib.SMTP, server: MailServer, encrypted: bool) -> None:
    if not encrypted and server.security != "none" and not is_this_machine(server.host):
        raise NotSent("no-encryption")
    if not client.supports_extension("auth"):
        raise NotSent("no-login")
    try:
        await client.login(server.username, server.password)
    except smtp_errors.SMTPAuthenticationError as error:
        raise NotSent("bad-login", f"{error.code} {error.message}") from error
    except smtp_errors.SMTPResponseException:
        raise
    except (smtp_errors.SMTPServerDisconnected, smtp_errors.SMTPTimeoutError):
        raise
    except smtp_errors.SMTPException as error:
        raise NotSent("no-login", str(error)) from error


async def _hand_over(client: aiosmtplib.SMTP, mail: Mail) -> None:
    data = as_bytes(mail)
    options: list[str] = []
    if mail.needs_utf8:
        if not client.supports_extension("smtputf8"):
            raise NotSent("bad-recipient", f"{mail.recipient} (SMTPUTF8)", permanent=True)
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    if client.supports_extension("size"):
        limit = client.esmtp_extensions.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(data):
            raise NotSent("too-large", f"{len(data)} > {limit}", permanent=True)
        options.append(f"SIZE={len(data)}")
    encoding = "utf-8" if mail.needs_utf8 else "ascii"
    try:
        await client.mail(mail.sender, options=options, encoding=encoding)
        await client.rcpt(mail.recipient, encoding=encoding)
        await client.data(data)
    except smtp_errors.SMTPSenderRefused as error:
        raise _refused(error, "sender-refused", "busy", never_permanent=True) from error
    except smtp_errors.SMTPRecipientRefused as error:
        raise _refused(error, "recipient-refused", "recipient-later") from error
    except smtp_errors.SMTPDataError as error:
        raise _refused(error, "mail-refused", "mail-later") from error


def _refused(
    error: smtp_errors.SMTPResponseException, for_good: str, for_now: str, *, never_permanent: bool = False
) -> NotSent:
    said = f"{error.code} {error.message}"
    if error.code == 552 or error.message.startswith(("5.3.4", "5.2.3")):
        return NotSent("too-large", said, permanent=True)
    if error.code == 530 or error.message.startswith("5.7.0"):
        return NotSent("bad-login", said)  # it wants a sign-in first: mendable by the owner
    if 500 <= error.code < 600:
        return NotSent(for_good, said, permanent=not never_permanent)
    return NotSent(for_now, said)


@contextlib.asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Everything the library and the network may raise, as NotSent."""
    try:
        yield
    except NotSent:
        raise
    except smtp_errors.SMTPConnectResponseError as error:
        raise NotSent(
            "busy" if error.code in range(400, 600) else "not-smtp", f"{error.code} {error.message}"
        ) from error
    except smtp_errors.SMTPTimeoutError as error:
        raise NotSent("timed-out") from error
    except smtp_errors.SMTPConnectError as error:
        raise _not_connected(error) from error
    except smtp_errors.SMTPServerDisconnected as error:
        raise (_tls_trouble(error) or NotSent("connection-lost")) from error
    except smtp_errors.SMTPResponseException as error:
        # codes outside SMTP's own mean that the answer could not be read at all
        code = "mail-later" if 200 <= error.code < 600 else "not-smtp"
        raise NotSent(code, f"{error.code} {error.message}") from error
    except ssl.SSLError as error:
        raise (_tls_trouble(error) or NotSent("tls-failed", str(error))) from error
    except OSError as error:
        raise NotSent("connection-lost", error.strerror or "") from error
    except (smtp_errors.SMTPException, ValueError, UnicodeError) as error:
        raise NotSent("unexpected", str(error)) from error


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _tls_trouble(error: BaseException) -> NotSent | None:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotSent("bad-certificate", cause.verify_message)
        if isinstance(cause, ssl.SSLError):
            return NotSent("tls-failed", cause.reason or "")
    return None


def _not_connected(error: smtp_errors.SMTPConnectError) -> NotSent:
    trouble = _tls_trouble(error)
    if trouble:
        return trouble
    for cause in _chain(error)[1:]:
        if isinstance(cause, socket.gaierror):
            return NotSent("no-such-host", cause.strerror or "")
        if isinstance(cause, smtp_errors.SMTPServerDisconnected | ConnectionResetError):
            return NotSent("connection-lost")
        if isinstance(cause, OSError):
            # asyncio words it as a failed call; the system says "Connection refused"
            return NotSent("no-connection", os.strerror(cause.errno) if cause.errno else "")
    return NotSent("no-connection")


def is_this_machine(host: str) -> bool:
    """Whether the host is the box itself."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _own_name() -> str:
    """How we greet the server: our name where it is one, else the literal of this machine (RFC 5321 §4.1.3)."""
    name = socket.gethostname()
    plain = name.isascii() and all(c.isalnum() or c in "-." for c in name) and name[:1].isalnum()
    return name if plain and "." in name else "[127.0.0.1]"


def as_bytes(mail: Mail) -> bytes:
    """The mail as it goes over the wire."""
    out = BytesIO()
    BytesGenerator(out, policy=mail.message.policy).flatten(mail.message)
    head, blank, rest = out.getvalue().partition(b"\r\n\r\n")
    # the library folds right after "Subject:" when the first word is far: legal, but some readers show an empty subject
    return re.sub(rb"(?m)^([A-Za-z-]+):\r\n ", rb"\1: ", head) + blank + rest
