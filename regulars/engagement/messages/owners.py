"""What was said to somebody: found, and whose it is when customers are merged or erased."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from regulars import limits
from regulars.customers import Customer
from regulars.engagement.messages.model import CHANNELS, Message, State, address_of, hash_of, sql
from regulars.kit import Reading, Tx, bounds


async def messages_of(
    tx: Reading, workspace_id: UUID, *, limit: int, customer_id: UUID | None = None, **by: Any
) -> list[Message]:
    """Newest first; by `state`, `channel`, `since` and `until`. For the next page `before_id` is the last one's id."""
    before, first = bounds(by.get("before_id"), by.get("since"), by.get("until"))
    state: State | None = by.get("state")
    page = (workspace_id, before, limit, first, by.get("channel"))
    if customer_id:
        return await tx.all(Message, sql.messages_of_customer, *page, state, customer_id)
    if state:
        return await tx.all(Message, sql.messages_of_state, *page, state)
    return await tx.all(Message, sql.messages, *page)


async def messages_by_id(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Message]:
    return {one.id: one for one in await tx.all(Message, sql.messages_by_ids, workspace_id, ids)} if ids else {}


async def caused_by(
    tx: Reading, workspace_id: UUID, customer_id: UUID, event_ids: Sequence[UUID], *, limit: int
) -> list[Message]:
    """What the customer was written because of these events, the first first."""
    page = (workspace_id, customer_id, min(event_ids), event_ids, limits.EVENTS_LOOKED_THROUGH_MAX, limit)
    return await tx.all(Message, sql.messages_of_causes, *page)


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """Who asked not to be written to, as either, is not written to."""
    for statement in (sql.move_messages, sql.move_consents):
        await tx.execute(statement, workspace_id, from_id, into_id)
    await tx.execute(sql.forget_consents, workspace_id, [from_id])


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID], was: Customer) -> list[UUID]:
    """What was said to them is gone, and what waits is not sent: the ids, which their deliveries have, too. An address
    that nothing is sent to stays so, known by its hash alone."""
    await tx.execute(sql.forget_consents, workspace_id, customer_ids)
    hashes = [hash_of(one, address_of(one, was)) for one in CHANNELS]
    await tx.execute(sql.forget_addresses, workspace_id, CHANNELS, hashes)
    found = await tx.fetch(sql.forget_messages, workspace_id, customer_ids, "The customer was erased.")
    return [row["id"] for row in found]
