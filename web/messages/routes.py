"""The list of messages, one message with its mails, done and undone."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from appliance.businesses import service as businesses
from appliance.deliveries import service as deliveries
from appliance.deliveries.models import Delivery
from appliance.i18n import gettext as _
from appliance.messages import service as messages
from appliance.messages.models import Message
from appliance.recordings import service as recordings
from web import auth, core, htmx
from web.accounts.sign_in import safe_target
from web.auth import role, wall
from web.database import db, writing

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


def _listed() -> dict[str, Any]:
    show = "all" if request.args.get("show") == "all" else "open"
    business_id, search = request.args.get("business_id", ""), request.args.get("search", "").strip()[:80]
    page = messages.list_messages(
        db(),
        businesses=wall(),
        business_id=business_id or None,
        open_only=show == "open",
        search=search,
        before=request.args.get("before"),
    )
    return {
        "messages": page.items,
        "next": page.next,
        "show": show,
        "search": search,
        "business_id": business_id,
        "paging": bool(request.args.get("before")),
        "open_count": messages.open_count(db(), wall()),
    }


@blueprint.get("/")
@role("owner", "agent")
def index() -> ResponseReturnValue:
    """To do first; all with ``?show=all``."""
    if htmx.wants_fragment():
        return render_template("messages/_list.html", **_listed())
    return render_template("messages/index.html", businesses=businesses.list_businesses(db(), wall()), **_listed())


@blueprint.get("/<message_id>")
@role("owner", "agent")
def show(message_id: str) -> ResponseReturnValue:
    """One message, its sound and its mails."""
    message = messages.get_message(db(), message_id, businesses=wall())
    recording = (
        recordings.get_recording(db(), message.recording_id, businesses=wall()) if message.recording_id else None
    )
    page = "messages/_mails.html" if htmx.wants_fragment() else "messages/show.html"
    return render_template(
        page,
        message=message,
        recording=recording,
        deliveries=deliveries.deliveries_of_message(db(), message_id, businesses=wall()),
    )


def _text_of(message: Message) -> str:
    who = message.from_name or message.callback_number or _("unknown caller")
    return _("The message from %(who)s is done.", who=who)


@blueprint.post("/<message_id>/done")
@role("owner", "agent")
def done(message_id: str) -> ResponseReturnValue:
    """Dealt with; can be undone, and done twice is done."""
    with writing() as open_db:
        message = messages.mark_done(open_db, message_id, user_id=auth.me().user_id, businesses=wall())
        auth.audit("message.done", message_id, business_id=message.business_id, in_db=open_db)
    undo: Any = {"text": _text_of(message), "action": url_for("messages.undone", message_id=message_id)}
    flash(undo, "undo")
    return redirect(safe_target(request.form.get("back", "") or url_for("messages.index")), 303)


@blueprint.post("/<message_id>/open")
@role("owner", "agent")
def undone(message_id: str) -> ResponseReturnValue:
    """Still to do, after all."""
    with writing() as open_db:
        message = messages.mark_open(open_db, message_id, businesses=wall())
        auth.audit("message.open", message_id, business_id=message.business_id, in_db=open_db)
    flash(_("The message is to do again."), "good")
    return redirect(safe_target(request.form.get("back", "") or url_for("messages.index")), 303)


def _note(open_db: Database, action: str, delivery: Delivery) -> None:
    auth.audit(action, delivery.message_id or delivery.recipient, business_id=delivery.business_id, in_db=open_db)


@blueprint.post("/mails/<delivery_id>/retry")
@role("owner", "agent")
def retry(delivery_id: str) -> ResponseReturnValue:
    """Try to send a mail again now."""
    with writing() as open_db:
        delivery = deliveries.retry(open_db, delivery_id, businesses=wall())
        _note(open_db, "mail.retried", delivery)
    if core.tell("outbox-changed"):
        flash(_("Trying again now."), "good")
    else:
        flash(_("It will be tried as soon as the office answers again."), "warn")
    if delivery.message_id:
        return redirect(url_for("messages.show", message_id=delivery.message_id), 303)
    return redirect(url_for("office.mail"), 303)


@blueprint.post("/mails/<delivery_id>/cancel")
@role("owner")
def cancel(delivery_id: str) -> ResponseReturnValue:
    """Send this mail no more."""
    with writing() as open_db:
        delivery = deliveries.cancel(open_db, delivery_id, businesses=wall())
        _note(open_db, "mail.cancelled", delivery)
    flash(_("This mail will not be sent."), "good")
    if delivery.message_id:
        return redirect(url_for("messages.show", message_id=delivery.message_id), 303)
    return redirect(url_for("office.mail"), 303)
