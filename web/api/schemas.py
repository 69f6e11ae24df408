"""The JSON schemas of what the API answers; the one place where its forms are written down."""

from typing import Any

from appliance.menus.models import PLAYS

STATES = ("ringing", "waiting", "talking", "answered", "missed", "voicemail", "refused")


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = (), also: str = "") -> dict[str, Any]:
    form: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return form | ({"description": also} if also else {})


def _or_null(form: dict[str, Any]) -> dict[str, Any]:
    return {**form, "type": [form["type"], "null"]}


def _text(meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": meaning, **more}


def _time(meaning: str) -> dict[str, Any]:
    return _text(meaning, format="date-time")


def _count(meaning: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": meaning}


def _seconds(meaning: str) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "description": meaning}


def _page(of: str) -> dict[str, Any]:
    return _object(
        {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}},
            "next": _or_null(_text("The path of the next page, with the same filters; null on the last.")),
        }
    )


_RECORDING = _or_null(_text("Path of the recording (WAV), or null.", pattern="^/api/v1/recordings/"))
_BUSINESS = _or_null(_text("Id of the business."))
_CALL: dict[str, Any] = {
    "id": _text("The call's id."),
    "business": _BUSINESS,
    "direction": {"enum": ["inbound", "outbound", "internal"]},
    "caller": _text("The caller's number, E.164 where it could be read; empty when withheld."),
    "agent": _or_null(_text("Id of the agent whose phone rings or who talks.")),
    "state": {
        "enum": list(STATES),
        "description": "ringing, waiting, talking while it lives; then answered, missed, voicemail or refused.",
    },
    "phase": _text("Where the caller is, or gave up: arrived, greeting, closed, waiting, ringing, talking, voicemail."),
    "started_at": _time("When it arrived (UTC)."),
    "answered_at": _or_null(_time("When a person answered.")),
    "ended_at": _or_null(_time("When it ended.")),
    "wait_seconds": _or_null(_seconds("From arrival to a person's answer, or to the end.")),
    "talk_seconds": _or_null(_seconds("From the answer to the end.")),
    "hangup_cause": _or_null(_text("Why it ended: normal, busy, no-answer, …")),
    "recording": _RECORDING,
}
_HOURS: dict[str, Any] = {
    "hours": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Weekly hours by day or range of days, as in the office file; {}: always open.",
    },
    "holidays": _text("Whose public holidays it keeps: none, IR, DE-BY; empty in a change: of its time zone."),
    "exceptions": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Days that differ, by date: times or closed, and after a semicolon why.",
    },
}
_MENU: dict[str, Any] = {
    "name": _text("What it is called."),
    "text": _text("What the box says."),
    "plays": {"enum": list(PLAYS), "description": "When it is played; submenu: only from another menu."},
    "keys": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Where each key leads, as in the office file: queue, person:101, …",
    },
    "otherwise": _text("Where the caller goes after so many tries without a usable key."),
    "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 30, "description": "How long it waits for a key."},
    "tries": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How often it is played in vain."},
    "direct_dial": {"type": "boolean", "description": "Whether extensions may be dialled."},
}
_REASON = {
    "enum": ["always", "week", "holiday", "exception", "switch"],
    "description": "What decides: no hours kept, the week, a holiday, an exception, the switch.",
}
_EVENT = _object(
    {
        "at": _time("When it happened."),
        "kind": _text("What happened: arrived, greeted, offered, answered, ended, …"),
        "agent": _or_null(_text("Id of the agent it concerns.")),
        "detail": {"type": "object", "description": "What else is known of it."},
    }
)

SCHEMAS: dict[str, dict[str, Any]] = {
    "Call": _object(_CALL),
    "CallWithTimeline": _object(
        {**_CALL, "timeline": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}
    ),
    "CallPage": _page("Call"),
    "Event": _EVENT,
    "Message": _object(
        {
            "id": _text("The message's id."),
            "business": _text("Id of the business."),
            "call": _or_null(_text("Id of the call it came from.")),
            "kind": {"enum": ["note", "voicemail"]},
            "for_whom": _text("For whom it is."),
            "from_name": _text("Who left it."),
            "callback_number": _text("Where to call back."),
            "body": _text("The text."),
            "urgency": {"enum": ["normal", "urgent"]},
            "taken_by": _or_null(_text("Id of the agent who took it; null: the box.")),
            "recording": _RECORDING,
            "created_at": _time("When it was taken."),
            "done_at": _or_null(_time("When somebody had dealt with it.")),
            "mails": _object(
                {
                    "delivered": _count("Mails that arrived."),
                    "waiting": _count("Mails on their way."),
                    "failed": _count("Mails that could not be delivered."),
                }
            ),
        }
    ),
    "MessagePage": _page("Message"),
    "Agent": _object(
        {
            "id": _text("The agent's id."),
            "name": _text("The agent's name."),
            "extension": _text("The agent's internal number."),
            "status": {"enum": ["available", "on_break", "logged_out"], "description": "What the agent chose."},
            "status_reason": _text("Why, in the agent's words."),
            "state": {
                "enum": ["offline", "idle", "ringing", "in_call", "wrap_up"],
                "description": "What happens to the agent now.",
            },
            "call": _or_null(_text("Id of the call that rings or is talked on.")),
            "serves": {
                "type": "object",
                "additionalProperties": {"enum": ["shared", "dedicated", "semi"]},
                "description": "The businesses served, by id, and how.",
            },
        }
    ),
    "AgentPage": _page("Agent"),
    "ListenIn": _object(
        {
            "extension": _text("The phone to ring."),
            "mode": {"enum": ["listen", "whisper", "join"]},
        },
        optional=("mode",),
    ),
    "Listening": _object(
        {
            "call": _text("The call's id."),
            "extension": _text("The phone that is in it."),
            "mode": {"enum": ["listen", "whisper", "join"]},
        }
    ),
    "AgentStatus": _object(
        {
            "status": {"enum": ["available", "on_break", "logged_out"]},
            "reason": _text("Why.", maxLength=200),
        },
        optional=("reason",),
    ),
    "Business": _object(
        {
            "id": _text("The business's id."),
            "name": _text("Its name."),
            "language": _text("The language its callers are spoken to in."),
            "timezone": _text("Its IANA time zone."),
            "numbers": {"type": "array", "items": _text("A number, E.164.")},
            **_HOURS,
            "open": {"type": "boolean", "description": "Whether it is open now."},
            "reason": _REASON,
            "note": _text("The holiday's name in English, or why the day differs."),
            "next_opening": _or_null(_time("The next moment it is open; null while it is, and when none is known.")),
            "closed_since": _or_null(_time("When it was switched to closed; null when it was not.")),
            "closed_until": _or_null(_time("Until when; null: until it is opened again.")),
        }
    ),
    "BusinessPage": _page("Business"),
    "BusinessHours": _object(_HOURS, optional=tuple(_HOURS)),
    "ClosedUntil": _object(
        {"until": _or_null(_time("Until when; left out or null: until it is opened again."))}, optional=("until",)
    ),
    "Day": _object(
        {
            "day": _text("The day.", format="date"),
            "hours": _text("Times such as 09:00-13:00, 15:00-17:00; or closed."),
            "reason": _REASON,
            "note": _text("The holiday's name in English, or why the day differs."),
        }
    ),
    "DayPage": _page("Day"),
    "Menu": _object({"id": _text("The menu's id."), "business": _text("Its business."), **_MENU}),
    "MenuPage": _page("Menu"),
    "MenuChange": _object(_MENU, optional=tuple(_MENU)),
    "DryRun": _object(
        {
            "at": _time("The moment."),
            "from": _text("The caller's number, E.164 where it could be read."),
            "open": {"type": "boolean", "description": "Whether the business is open then."},
            "reason": _REASON,
            "steps": {
                "type": "array",
                "items": _object(
                    {
                        "depth": _count("How deep in the menus."),
                        "key": _text("The key that leads here; empty where none does."),
                        "kind": _text("What happens: greet, closed, menu, queue, person, number, voicemail, …"),
                        "target": _text("To whom or what."),
                        "words": _text("The same in words."),
                    }
                ),
            },
        }
    ),
    "Status": _object(
        {
            "engine": _or_null(_text("The switch engine; null while the core is away.")),
            "version": _text("The version of Frontdesk."),
            "core": _object(
                {
                    "running": {"type": "boolean"},
                    "pid": _or_null({"type": "integer"}),
                    "started_at": _or_null(_time("When it started.")),
                    "seen_at": _or_null(_time("Its last sign of life.")),
                }
            ),
            "live_calls": _count("Calls going on."),
            "phones": {
                "type": "array",
                "items": _object(
                    {
                        "extension": _text("The extension."),
                        "contact": _text("The phone's SIP address."),
                        "source": _text("Where it is, such as udp:192.0.2.7:5060."),
                        "user_agent": _text("What it calls itself."),
                        "expires_at": _time("When it must register again."),
                    }
                ),
            },
            "trunks": {
                "type": "array",
                "items": _object(
                    {
                        "id": _text("The trunk's id."),
                        "state": {"enum": ["up", "down", "unknown"]},
                        "reason": _text("Why it is down."),
                        "state_at": _or_null(_time("Since when.")),
                    }
                ),
            },
            "outbox": _object(
                {
                    name: _count(f"Deliveries that are {name}.")
                    for name in ("waiting", "sending", "delivered", "failed", "cancelled")
                }
            ),
            "power": _object({"state": {"enum": ["none"], "description": "none: no UPS is known."}}),
        }
    ),
    "Health": _object(
        {
            "ok": {"type": "boolean", "description": "Whether calls are answered."},
            "engine": _or_null(_text("The switch engine; null while the core is away.")),
            "version": _text("The version of Frontdesk."),
            "core": {"enum": ["running", "stale", "away"]},
            "store": {"enum": ["ok", "missing", "unreadable"]},
        }
    ),
    "Problem": {
        "type": "object",
        "properties": {
            "type": _text("What kind of problem.", format="uri"),
            "title": _text("The HTTP status in words."),
            "status": {"type": "integer"},
            "detail": _text("What is wrong, for people."),
            "code": _text("The kind of problem, for programs."),
            "instance": _text("The path that was asked."),
            "hint": _text("What to do."),
        },
        "required": ["type", "title", "status", "detail", "code", "instance"],
    },
}
