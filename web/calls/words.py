"""A call's timeline in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from appliance import i18n
from appliance.calls import quality
from appliance.calls.models import Call, CallEvent
from appliance.i18n import gettext as _
from appliance.i18n import ngettext
from web.formats import as_number, in_words


@dataclass(frozen=True)
class Line:
    """One line of a timeline."""

    at: str
    text: Markup | str
    tone: str = ""  # good, bad or nothing
    by: str = ""


def cause_in_words(cause: str | None) -> str:
    """Why something ended, as a person says it."""
    known = {
        "normal": _("hung up"),
        "busy": _("busy"),
        "no-answer": _("nobody picked up"),
        "rejected": _("declined"),
        "unknown-number": _("the number does not exist"),
        "not-registered": _("no phone was registered"),
        "cancelled": _("the caller gave up"),
        "answered-elsewhere": _("answered elsewhere"),
        "forbidden": _("not allowed"),
        "incompatible": _("the phones have no common sound format"),
        "congestion": _("too many calls at once"),
        "media-timeout": _("the phone vanished: its sound stopped"),
        "session-expired": _("the connection was not kept alive"),
        "timeout": _("no answer to signalling"),
        "network": _("refused by the network, or lost"),
        "service-unavailable": _("the line is not available"),
        "interrupted": _("the office was restarted under the call"),
    }
    return known.get(cause or "", cause or "")


def ended_by_in_words(by: str | None) -> str:
    """Who ended a call."""
    known = {
        "caller": _("the caller"),
        "agent": _("the agent"),
        "callee": _("the other party"),
        "office": _("the office"),
        "network": _("the network"),
    }
    return known.get(by or "", by or "")


def where_given_up(call: Call) -> str:
    """Where a missed caller gave up, and after how long."""
    places = {
        "arrived": _("before the greeting"),
        "greeting": _("during the greeting"),
        "closed": _("when told that it is closed"),
        "menu": _("in the menu"),
        "waiting": _("while waiting for an agent"),
        "ringing": _("while a phone was ringing"),
        "talking": _("while talking"),
        "voicemail": _("when asked to leave a message"),
    }
    place = places.get(call.phase, "")
    waited = in_words(call.wait_seconds)
    return _("waited %(time)s, gave up %(place)s", time=waited, place=place) if place else _("waited %(t)s", t=waited)


def _end(event: CallEvent, call: Call) -> Line:
    by, cause = event.detail.get("by") or call.ended_by, event.detail.get("cause") or call.hangup_cause
    if cause == "normal" and by:
        return Line(event.at, _("Ended: %(who)s hung up", who=ended_by_in_words(by)))
    why = cause_in_words(cause)
    return Line(event.at, _("Ended: %(why)s", why=why) if why else _("Ended"), "bad" if cause != "normal" else "")


def _sound(event: CallEvent) -> Line:
    """How one leg sounded: a word for it, and what was counted."""
    detail = event.detail
    grade = quality.grade(float(detail.get("mos", 0.0)))
    told = _(
        "%(loss)s lost, varies by %(jitter)s ms, %(codec)s, score %(mos)s of 4.5",
        loss=f"{i18n.decimal(float(detail.get('loss_percent', 0.0)))}%",
        jitter=i18n.decimal(float(detail.get("jitter_ms", 0.0)), 0),
        codec=str(detail.get("codec") or "–"),
        mos=i18n.decimal(float(detail.get("mos", 0.0))),
    )
    how = {"good": _("good"), "fair": _("fair"), "bad": _("bad")}[grade]
    sentences = {
        "caller": _("Sound from the caller: %(how)s (%(figures)s)", how=how, figures=told),
        "agent": _("Sound from our phone: %(how)s (%(figures)s)", how=how, figures=told),
    }
    other = _("Sound from the other side: %(how)s (%(figures)s)", how=how, figures=told)
    return Line(event.at, sentences.get(str(detail.get("leg")), other), "bad" if grade == "bad" else "")


def _with(sentence: str, **numbers: str) -> Markup:
    """A sentence of ours with phone numbers in it."""
    return Markup(escape(sentence)) % {name: as_number(number) for name, number in numbers.items()}  # noqa: S704


def _arrived(event: CallEvent, call: Call) -> Line:
    dialled = event.detail.get("dialled") or call.dialled
    if call.direction == "outbound":
        text = _with(_("Call placed to %(number)s"), number=dialled)
    else:
        number = event.detail.get("caller") or call.caller_number
        text = _with(_("Call from %(caller)s to %(dialled)s"), caller=number, dialled=dialled)
    return Line(event.at, text)


def _seconds(event: CallEvent) -> str:
    seconds = event.detail.get("seconds")
    return in_words(float(seconds)) if isinstance(seconds, int | float) else ""


def _chosen(event: CallEvent) -> str:
    digits = str(event.detail.get("digits") or "")
    target = str(event.detail.get("target") or "")
    lead = {
        "queue": _("those who answer"),
        "voicemail": _("a voice message"),
        "menu": _("the menu %(name)s", name=target),
        "announcement": _("an announcement"),
    }.get(str(event.detail.get("choice")), target)
    if not digits:
        return _("Pressed nothing: %(where)s", where=lead)
    return _("Pressed %(digits)s: %(where)s", digits=digits, where=lead)


def line_of(event: CallEvent, call: Call, agents: Mapping[str, str]) -> Line:
    """One event as a sentence."""
    name = agents.get(event.agent_id or "", event.agent_id or _("somebody"))
    kind = event.kind
    if kind == "arrived":
        return _arrived(event, call)
    if kind == "ended":
        return _end(event, call)
    if kind == "line_quality":
        return _sound(event)
    cause = cause_in_words(event.detail.get("cause"))
    target = str(event.detail.get("target") or event.detail.get("number") or "")
    plain: dict[str, tuple[str, str]] = {
        "refused": (_("Refused: %(why)s", why=cause) if cause else _("Refused"), "bad"),
        "greeted": (_("The greeting was played"), ""),
        "closed": (_("Told that the business is closed"), ""),
        "waiting": (_("Waits with music"), ""),
        "menu": (_("A menu was played"), ""),
        "chose": (_chosen(event), ""),
        "offered": (_("Offered to %(agent)s", agent=name), ""),
        "rang": (_("%(agent)s’s phone rang", agent=name), ""),
        "offer_ended": (_("%(agent)s did not take it: %(why)s", agent=name, why=cause or "–"), "bad"),
        "answered": (_("%(agent)s answered", agent=name), "good"),
        "held": (_("Put on hold"), ""),
        "resumed": (_("Taken back from hold"), ""),
        "recording_started": (_("Recording began"), ""),
        "recording_ended": (_("Recording ended"), ""),
        "voicemail_asked": (_("Asked to leave a message after the tone"), ""),
        "voicemail_left": (_("Left a voice message of %(time)s", time=_seconds(event)), "good"),
        "message_taken": (_("%(agent)s took a message", agent=name), "good"),
        "standby": (_("Frontdesk was away; the switch answered by itself"), ""),
        "core_back": (_("Frontdesk is back, and goes on with the call"), ""),
        "digit": (_("Pressed %(digit)s", digit=event.detail.get("digit", "?")), ""),
    }
    if kind in plain:
        return Line(event.at, *plain[kind])
    moved = {
        "transfer_asked": _("Transfer to %(target)s asked"),
        "transferred": _("Transferred to %(target)s"),
        "transfer_failed": _("Transfer to %(target)s failed"),
    }
    if kind in moved:
        return Line(event.at, _with(moved[kind], target=target), "bad" if kind == "transfer_failed" else "")
    return Line(event.at, kind)


def lines_of(events: list[CallEvent], call: Call, agents: Mapping[str, str]) -> list[Line]:
    """A whole timeline in words; a run of the same keys is told once."""
    return [line_of(event, call, agents) for event in events]


def summary(call: Call) -> str:
    """One sentence about how a call ended, for lists."""
    if call.is_live:
        return ""
    if call.state == "answered":
        return _("talked %(time)s", time=in_words(call.talk_seconds))
    if call.state == "missed":
        return where_given_up(call)
    if call.state == "voicemail":
        return _("left a voice message")
    return cause_in_words(call.hangup_cause)


def count_in_words(count: int) -> str:
    """How many calls."""
    return ngettext("%(num)s call", "%(num)s calls", count)
