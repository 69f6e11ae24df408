"""What others may ask of messages. Writing functions expect to be inside the caller's transaction."""

import json
from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.errors import NotFound
from appliance.fields import region_of
from appliance.i18n import gettext as _
from appliance.ids import new_id
from appliance.messages import rules, store
from appliance.messages.errors import BadCursor, BadMessage, DraftTooLong, MessageNotFound
from appliance.messages.models import Draft, Message, MessagePage

MOST_PER_PAGE = 200
DRAFT_KILOBYTES = 64
_SAME_NOTE_SECONDS = 60  # the same form sent twice, by a double click or a retry, is one message


# --- writing ---


def take_message(
    db: Database,
    *,
    business_id: str,
    call_id: str | None = None,
    taken_by: str | None = None,
    for_whom: str = "",
    from_name: str = "",
    callback_number: str = "",
    body: str = "",
    urgency: str = "normal",
) -> Message:
    """Keep what an agent noted and ask for its delivery; the same note sent twice within a minute is kept once.

    ``taken_by`` is an agent_id. Raises BadMessage (``field`` says where), MessageEmpty, NotFound.
    """
    business = _business(db, business_id)
    if call_id and not store.call_belongs(db, call_id, business_id):
        raise NotFound(_("There is no such call."))
    if taken_by and not store.agent_exists(db, taken_by):
        raise NotFound(_("There is no such agent."))
    fields = rules.note(
        for_whom=for_whom,
        from_name=from_name,
        callback_number=callback_number,
        body=body,
        urgency=urgency,
        region=region_of(business["timezone"]),
    )
    row = {"business_id": business_id, "call_id": call_id or None, "taken_by": taken_by or None, **fields}
    if call_id:
        since = clock.stamp(clock.now() - timedelta(seconds=_SAME_NOTE_SECONDS))
        kept = store.same_note(db, row, since)
        if kept:
            return get_message(db, kept)
    return _keep(db, {**row, "kind": "note", "recording_id": None}, business, {})


def voicemail_left(
    db: Database,
    *,
    business_id: str,
    call_id: str,
    recording_id: str,
    callback_number: str = "",
    from_name: str = "",
    seconds: float = 0.0,
) -> Message:
    """Keep a voicemail and ask for its delivery; a recording makes one message, however often this is called.

    Raises NotFound for an unknown business.
    """
    business = _business(db, business_id)
    kept = store.voicemail_with(db, recording_id, call_id)
    if kept:
        return get_message(db, kept)
    row = {
        "business_id": business_id,
        "call_id": call_id,
        "taken_by": None,
        "for_whom": "",
        # what the network sent is kept as far as it goes: a voicemail is never refused
        "from_name": rules.one_line(from_name)[:120],
        "callback_number": rules.one_line(callback_number)[:64],
        "body": "",
        "urgency": "normal",
        "kind": "voicemail",
        "recording_id": recording_id,
    }
    return _keep(db, row, business, {"seconds": round(seconds, 1)})


def _business(db: Database, business_id: str) -> dict[str, Any]:
    business = store.business_of(db, business_id)
    if business is None:
        raise NotFound(_("There is no such business."))
    return business


def _keep(db: Database, row: dict[str, Any], business: dict[str, Any], payload: dict[str, Any]) -> Message:
    message_id, at = new_id("msg"), clock.stamp()
    store.insert(db, {"message_id": message_id, **row, "created_at": at})
    for address in rules.addresses(business["messages_to"], business["owner_email"]):
        store.insert_delivery(
            db,
            {
                "delivery_id": new_id("dlv"),
                "kind": "mail",
                "business_id": row["business_id"],
                "message_id": message_id,
                "recipient": address,
                "payload": json.dumps(payload),
                "next_attempt_at": at,
                "created_at": at,
            },
        )
    return get_message(db, message_id)


def mark_done(db: Database, message_id: str, *, user_id: str | None, businesses: set[str] | None = None) -> Message:
    """Say that the message was dealt with; who did so first stays. Raises MessageNotFound."""
    message = get_message(db, message_id, businesses=businesses)
    if not message.is_done:
        store.set_done(db, message_id, clock.stamp(), user_id)
    return get_message(db, message_id)


def mark_open(db: Database, message_id: str, *, businesses: set[str] | None = None) -> Message:
    """Take ``done`` back. Raises MessageNotFound."""
    get_message(db, message_id, businesses=businesses)
    store.set_done(db, message_id, None, None)
    return get_message(db, message_id)


# --- reading ---


def get_message(db: Database, message_id: str, *, businesses: set[str] | None = None) -> Message:
    """One message. Raises MessageNotFound, also for a business behind the wall."""
    params: dict[str, Any] = {"message_id": message_id}
    found = store.select(db, [*store.wall(businesses, params), "messages.message_id = :message_id"], params, 1)
    if not found:
        raise MessageNotFound
    return found[0]


def list_messages(
    db: Database,
    *,
    businesses: set[str] | None,
    business_id: str | None = None,
    open_only: bool = False,
    kind: str | None = None,
    since: str | None = None,
    until: str | None = None,
    search: str = "",
    before: str | None = None,
    limit: int = 50,
) -> MessagePage:
    """Messages newest first. ``since``/``until`` are stamps, ``before`` a cursor. Raises BadCursor."""
    params: dict[str, Any] = {}
    where = store.wall(businesses, params)
    for column, value in (("business_id", business_id), ("kind", kind)):
        if value:
            params[column] = value
            where.append(f"messages.{column} = :{column}")
    if open_only:
        where.append("messages.done_at IS NULL")
    if since:
        params["since"] = since
        where.append("messages.created_at >= :since")
    if until:
        params["until"] = until
        where.append("messages.created_at < :until")
    if search.strip():
        params["search"] = "%" + search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = ("for_whom", "from_name", "callback_number", "body")
        where.append("(" + " OR ".join(f"messages.{c} LIKE :search ESCAPE '\\'" for c in columns) + ")")
    if before:
        at, _sep, key = before.partition("~")
        if not key:
            raise BadCursor
        params |= {"before_at": at, "before_id": key}
        where.append("(messages.created_at, messages.message_id) < (:before_at, :before_id)")
    limit = max(1, min(limit, MOST_PER_PAGE))
    found = store.select(db, where, params, limit + 1)
    items = found[:limit]
    return MessagePage(items, f"{items[-1].created_at}~{items[-1].message_id}" if len(found) > limit else None)


def messages_of_call(db: Database, call_id: str, *, businesses: set[str] | None = None) -> list[Message]:
    """The messages taken or left in a call, newest first."""
    params: dict[str, Any] = {"call_id": call_id}
    return store.select(db, [*store.wall(businesses, params), "messages.call_id = :call_id"], params, MOST_PER_PAGE)


def open_count(db: Database, businesses: set[str] | None = None) -> int:
    """How many messages nobody has dealt with yet."""
    params: dict[str, Any] = {}
    return store.count(db, [*store.wall(businesses, params), "done_at IS NULL"], params)


# --- drafts ---


def save_draft(db: Database, user_id: str, call_id: str, fields: dict[str, Any]) -> None:
    """Keep what is being typed, as typed; a form that is all empty forgets the draft. Raises DraftTooLong."""
    kept = {
        str(name)[:40]: "".join(c for c in str(value) if not "\ud800" <= c <= "\udfff")
        for name, value in fields.items()
    }
    text = json.dumps(kept, ensure_ascii=False)
    if len(text.encode()) > DRAFT_KILOBYTES * 1024:
        raise DraftTooLong(DRAFT_KILOBYTES)
    if not call_id or len(call_id) > 64:
        raise BadMessage("call_id", _("There is no such call."))
    if not any(value.strip() for name, value in kept.items() if name != "urgency"):
        store.delete_draft(db, user_id, call_id)
        return
    store.put_draft(db, user_id, call_id, text, clock.stamp())


def draft_of(db: Database, user_id: str, call_id: str) -> dict[str, str] | None:
    """What a person has typed about a call, not yet saved as a message."""
    found = store.drafts(db, user_id, call_id)
    return found[0].fields if found else None


def drafts_of(db: Database, user_id: str) -> list[Draft]:
    """All a person has typed and not saved, newest first."""
    return store.drafts(db, user_id)


def drop_draft(db: Database, user_id: str, call_id: str) -> None:
    """Forget a draft: it was saved as a message, or thrown away on purpose."""
    store.delete_draft(db, user_id, call_id)
