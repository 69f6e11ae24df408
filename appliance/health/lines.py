"""Checks of who can call and who can answer: businesses, numbers, trunks, phones."""

from collections.abc import Iterator

from appliance import i18n
from appliance.health import store
from appliance.health.models import Check, Patient, error, ok, warning
from appliance.i18n import gettext as _


def check_businesses(patient: Patient) -> Iterator[Check]:
    """Each business has a number and somebody who answers."""
    found = store.businesses(patient.db)
    if not found:
        yield error(
            "business",
            _("There is no business to answer for."),
            _("Add one in the admin under Businesses, or apply an office file."),
        )
        return
    wanting = False
    for business in found:
        if not business["numbers"]:
            wanting = True
            yield warning(
                "number",
                _("%(business)s has no number, so nobody can call it.", business=business["name"]),
                _("Give it its phone number in the admin, under Businesses."),
            )
        if not business["agents"]:
            wanting = True
            yield error(
                "agent",
                _("Nobody answers for %(business)s: every caller gets the voicemail.", business=business["name"]),
                _("Add an agent who serves it, in the admin under Agents."),
            )
    if not wanting:
        yield ok("business", _("Every business has a number and an agent."))


def check_trunks(patient: Patient) -> Iterator[Check]:
    """There is a line, and each line is up."""
    trunks = store.trunks(patient.db)
    if not trunks:
        yield warning(
            "trunk",
            _("There is no line to the outside: only phones registered here can call."),
            _("Add a trunk in the admin under Lines, with what your carrier wrote."),
        )
    for trunk in trunks:
        yield _trunk(patient, trunk["trunk_id"], trunk["state"], trunk["reason"])


def _trunk(patient: Patient, name: str, state: str, reason: str) -> Check:
    if patient.core is None:
        return warning(
            "trunk",
            _('Whether line "%(trunk)s" works cannot be seen while the office does not run.', trunk=name),
            _("Start the office and look again."),
        )
    if state == "up":
        return ok("trunk", _('Line "%(trunk)s" is up.', trunk=name))
    if state == "unknown":
        return ok("trunk", _('Line "%(trunk)s" has not been tried yet.', trunk=name))
    said = _(reason) if reason else _("no reason given")  # the core wrote it in the office's language
    sentence = _('Line "%(trunk)s" is down: %(reason)s.', trunk=name, reason=said.rstrip("."))
    return error("trunk", sentence, hint_for(reason))


# What engines say of a trunk that is down, by what it means. The core wrote it in the office's language.
_ACCOUNT = ("wrong password", "unknown user name")
_ADDRESS = ("The carrier's name is unknown to DNS", "The peer's name is unknown to DNS")
_SILENCE = ("no answer", "no connection")


def _means(reason: str, sayings: tuple[str, ...], words: tuple[str, ...]) -> bool:
    for language in i18n.LANGUAGES:
        with i18n.speaking(language):
            if reason in {_(saying) for saying in sayings}:
                return True
    return any(word in reason.lower() for word in words)


def hint_for(reason: str) -> str:
    """What to do about a line that is down for that reason."""
    if _means(reason, _ACCOUNT, ("password", "401", "403", "407", "forbidden")):
        return _(
            "The carrier refused user name or password: compare them with what it wrote, in the admin under Lines."
        )
    if _means(reason, _ADDRESS, ("dns", "resolve", "unknown host")):
        return _("The carrier's address cannot be found: is it written right, and does the box reach the internet?")
    if _means(reason, _SILENCE, ("silent", "timeout", "timed out", "408", "unreachable")):
        return _("The carrier does not answer: check the address and port, the internet line, and a firewall between.")
    return _("Compare the line's settings with what the carrier wrote, in the admin under Lines; then ask the carrier.")


def check_phones(patient: Patient) -> Iterator[Check]:
    """Each agent's phone is registered."""
    agents = store.agents(patient.db)
    if patient.core is None or not agents:
        return
    if not any(a["phones"] for a in agents) and not store.other_phones(patient.db):
        yield error(
            "phone",
            _("No phone is registered: nobody can answer a call."),
            _(
                "Set a phone up with server %(server)s and an extension and password from the admin, under Agents.",
                server=f"{_server(patient)}:{patient.settings.sip_port}",
            ),
        )
        return
    missing = [a for a in agents if not a["phones"] and a["status"] != "logged_out"]
    for agent in missing:
        yield warning(
            "phone",
            _(
                "The phone of %(agent)s (extension %(extension)s) is not registered.",
                agent=agent["name"],
                extension=agent["extension"],
            ),
            _("Is it on and in the network? Its password is in the admin under Agents."),
        )
    if not missing:
        yield ok("phone", _("Every agent's phone is registered."))


def _server(patient: Patient) -> str:
    settings = patient.settings
    return settings.advertise or (settings.bind if settings.bind != "0.0.0.0" else _("this box's address"))  # noqa: S104
