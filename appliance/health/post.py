"""Checks of what is sent out: the mail server, the outbox."""

import socket
from collections.abc import Iterator

from appliance.deliveries import reasons
from appliance.health import store
from appliance.health.models import Check, Patient, error, ok, warning
from appliance.i18n import gettext as _
from appliance.i18n import ngettext

CONNECT_SECONDS = 5.0


def check_mail(patient: Patient) -> Iterator[Check]:
    """A mail server is set and takes mails."""
    office = store.office(patient.db)
    waiting = store.waiting(patient.db)
    if office is not None and not office["smtp_host"]:
        count = int(waiting["waiting"])
        kept = ngettext("%(num)s mail waits for one.", "%(num)s mails wait for one.", count) if count else ""
        sentence = _("No mail server is set, so no message goes out by mail.")
        yield warning(
            "mail",
            f"{sentence} {kept}".strip(),
            _("Set one in the admin under Settings, Mail: what waits then leaves by itself."),
        )
    elif waiting["tried"]:
        yield _not_leaving(str(waiting["last_error"]))
    elif office is not None:
        why = _unreachable(str(office["smtp_host"]), int(office["smtp_port"])) if patient.thorough else ""
        if why:
            yield _not_leaving(why)
        elif store.any_delivered(patient.db):
            yield ok("mail", _("Mails go out through %(host)s.", host=office["smtp_host"]))
        else:
            yield ok("mail", _("The mail server is %(host)s; no mail has gone out yet.", host=office["smtp_host"]))


def _not_leaving(why: str) -> Check:
    return error(
        "mail",
        _("Mails do not leave: %(why)s.", why=reasons.sentence(why).rstrip(".")),
        _("Check the mail server's address, port, user name and password in the admin under Settings, Mail."),
    )


def _unreachable(host: str, port: int) -> str:
    """Why nothing answers at the mail server's address, as a delivery would note it; "" when something does."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except socket.gaierror:
        return "no-such-host"
    except TimeoutError:
        return "timed-out"
    except OSError:
        return "no-connection"
    return ""


def check_outbox(patient: Patient) -> Iterator[Check]:
    """Nothing is stuck or was given up."""
    office = store.office(patient.db)
    waiting, failed = store.waiting(patient.db), store.failed(patient.db)
    has_server = office is not None and bool(office["smtp_host"])
    if waiting["overdue"] and patient.core is not None and has_server:
        yield error(
            "outbox",
            ngettext(
                "%(num)s delivery should have left a quarter of an hour ago.",
                "%(num)s deliveries should have left a quarter of an hour ago.",
                int(waiting["overdue"]),
            ),
            _("Stop the office and start it again; if it stays so, send us the log."),
        )
    if failed:
        yield warning(
            "outbox",
            ngettext("%(num)s delivery was given up.", "%(num)s deliveries were given up.", failed),
            _("See why in the admin under Messages, mend it, and press Try again."),
        )
