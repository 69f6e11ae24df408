"""What others may ask of deliveries. Writing functions expect to be inside the caller's transaction."""

import json
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.deliveries import store
from appliance.deliveries.errors import BadCursor, DeliveryNotFound, DeliveryUnderWay
from appliance.deliveries.models import STATES, Delivery, DeliveryPage
from appliance.errors import Invalid
from appliance.i18n import gettext as _
from appliance.ids import new_id

MOST_PER_PAGE = 200


def list_deliveries(
    db: Database,
    *,
    businesses: set[str] | None,
    business_id: str | None = None,
    message_id: str | None = None,
    state: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> DeliveryPage:
    """Deliveries newest first; ``state`` may be ``open`` for what has not arrived. Raises BadCursor, Invalid."""
    params: dict[str, Any] = {}
    where = store.wall(businesses, params)
    for column, value in (("business_id", business_id), ("message_id", message_id)):
        if value:
            params[column] = value
            where.append(f"outbox.{column} = :{column}")
    if state == "open":
        where.append("outbox.state IN ('waiting', 'sending', 'failed')")
    elif state:
        if state not in STATES:
            raise Invalid(_("There is no delivery state “%(state)s”.", state=state[:40]))
        params["state"] = state
        where.append("outbox.state = :state")
    if before:
        at, _sep, key = before.partition("~")
        if not key:
            raise BadCursor
        params |= {"before_at": at, "before_id": key}
        where.append("(outbox.created_at, outbox.delivery_id) < (:before_at, :before_id)")
    limit = max(1, min(limit, MOST_PER_PAGE))
    found = store.select(db, where, params, limit + 1)
    items = found[:limit]
    return DeliveryPage(items, f"{items[-1].created_at}~{items[-1].delivery_id}" if len(found) > limit else None)


def deliveries_of_message(db: Database, message_id: str, *, businesses: set[str] | None = None) -> list[Delivery]:
    """The mails a message goes out in."""
    return list_deliveries(db, businesses=businesses, message_id=message_id, limit=MOST_PER_PAGE).items


def get_delivery(db: Database, delivery_id: str, *, businesses: set[str] | None = None) -> Delivery:
    """One delivery. Raises DeliveryNotFound, also for a business behind the wall."""
    params: dict[str, Any] = {"delivery_id": delivery_id}
    found = store.select(db, [*store.wall(businesses, params), "outbox.delivery_id = :delivery_id"], params, 1)
    if not found:
        raise DeliveryNotFound
    return found[0]


def send_test(db: Database, recipient: str) -> Delivery:
    """Put a mail into the outbox that shows whether mail arrives; then tell the core (``outbox-changed``)."""
    at = clock.stamp()
    row = {
        "delivery_id": new_id("dlv"),
        "kind": "mail",
        "recipient": recipient.strip(),
        "payload": json.dumps({"template": "test"}),
        "next_attempt_at": at,
        "created_at": at,
    }
    store.insert(db, row)
    return get_delivery(db, row["delivery_id"])


def retry(db: Database, delivery_id: str, *, businesses: set[str] | None = None) -> Delivery:
    """Try again now, from the beginning; then tell the core (``outbox-changed``).

    Raises DeliveryNotFound, DeliveryUnderWay.
    """
    delivery = get_delivery(db, delivery_id, businesses=businesses)
    if delivery.state in {"sending", "delivered"}:
        raise DeliveryUnderWay
    store.reset(db, delivery_id, "waiting", clock.stamp())
    return get_delivery(db, delivery_id)


def cancel(db: Database, delivery_id: str, *, businesses: set[str] | None = None) -> Delivery:
    """Give up a delivery; safe to repeat. Raises DeliveryNotFound, DeliveryUnderWay."""
    delivery = get_delivery(db, delivery_id, businesses=businesses)
    if delivery.state in {"sending", "delivered"}:
        raise DeliveryUnderWay
    store.reset(db, delivery_id, "cancelled", clock.stamp())
    return get_delivery(db, delivery_id)


def counts(db: Database, businesses: set[str] | None = None) -> dict[str, int]:
    """How many deliveries there are in each state; every state is named."""
    params: dict[str, Any] = {}
    found = store.counts(db, store.wall(businesses, params), params)
    return {state: found.get(state, 0) for state in STATES}
