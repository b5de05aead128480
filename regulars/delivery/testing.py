"""A delivery that is sent by hand, to see what the tool says."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import random
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.attempts import attempt
from regulars.delivery.carrier import Carrier, Parcel, SourceKind
from regulars.delivery.model import Addressee, Delivery, StoredAttempt
from regulars.delivery.recording import record
from regulars.delivery.search import get_delivery
from regulars.delivery.store import sql
from regulars.kit import Clock, Database, Tx, new_id
from regulars.kit.http import Sender


async def queue_test(
    tx: Tx,
    workspace_id: UUID,
    to: Addressee,
    event_id: UUID | None,
    body: str,
    *,
    occurred_at: datetime,
    now: datetime,
    profile: Mapping[str, Any] | None = None,
    source: SourceKind = "event",
    mapped: str | None = None,
) -> Parcel:
    """Write a test down before it is sent, so that it is found among the deliveries whatever happens to the sender.

    `event_id` None: the body is a sample that no event of the log stands behind. The caller sends the parcel at once
    and records the attempt; if it never does, the lane sends the test a little later. A message's is not: it is said to
    be uncertain.
    """
    test_id = new_id()
    due_at = now + timedelta(seconds=3 * limits.CALL_TIMEOUT_S)
    sample = body if event_id is None else None
    event = test_id if source == "message" else event_id or new_id()
    columns = (test_id, to.lane_id, event, to.rule_id, to.prefix, to.topic, sample, source, due_at, now, mapped)
    await tx.execute(sql.insert_test, workspace_id, *columns)
    await tx.execute(sql.wake_lanes, workspace_id, [to.lane_id], due_at)
    return Parcel(
        test_id, event, to.prefix + to.topic, to.topic, occurred_at, body, True, 1, now, profile, "event", mapped
    )


async def send_test(
    db: Database, sender: Sender, clock: Clock, carrier: Carrier, workspace_id: UUID, lane_id: UUID, parcel: Parcel
) -> tuple[Delivery, StoredAttempt | None]:
    """Once it is queued: it is sent, outside any transaction, and what came of it is kept."""
    made = await attempt(carrier, sender, msgspec.structs.replace(parcel, attempted_at=clock.outside()))
    async with db.transaction() as tx:
        await record(tx, workspace_id, lane_id, [(made, 0)], now=clock.now(), random=random)
        one, attempts = await get_delivery(tx, workspace_id, parcel.delivery_id)
    return one, attempts[-1] if attempts else None
