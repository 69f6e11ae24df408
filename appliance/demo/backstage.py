"""What happens in the demo's month beside the calls: mails leave, and in the evening the owner reads."""

import asyncio
import random

from sqlite_utils import Database

from appliance.accounts import service as accounts
from appliance.calls import service as calls
from appliance.deliveries.worker import DeliveryWorker
from appliance.flows.session import Office
from appliance.messages import service as messages
from appliance.store import Store


async def carry_letters(office: Office, letters: asyncio.Event) -> None:
    """The real delivery worker, whenever there are letters; only the post office at its other end is made up."""

    async def post_office(_server: object, _mail: object) -> None:
        await asyncio.sleep(0.8)

    while True:
        await letters.wait()
        letters.clear()
        worker = DeliveryWorker(office.store, office.settings, send=post_office)
        round_trip = asyncio.create_task(worker.run())
        await asyncio.sleep(6)
        round_trip.cancel()
        await asyncio.gather(round_trip, return_exceptions=True)


async def owner_reads(store: Store, owner: str, luck: random.Random) -> None:
    """The owner listens to some calls and ticks most messages off."""

    def evening(db: Database) -> None:
        for message in messages.list_messages(db, businesses=None, open_only=True, limit=50).items:
            if luck.random() < 0.8:
                messages.mark_done(db, message.message_id, user_id=owner)
        heard = [c for c in calls.list_calls(db, businesses=None, limit=12).items if c.recording_id]
        for call in heard[:2]:
            accounts.audit(
                db,
                actor="Mina Karimi",
                user_id=owner,
                action="recording.play",
                object=call.recording_id or "",
                business_id=call.business_id,
                address="192.0.2.10",
            )

    await store.write(evening)
