"""What was said to somebody: found, and whose it is when customers are merged or erased."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.customers import Customer
from regulars.engagement.messages.model import CHANNELS, Channel, Message, State, address_of, hash_of, sql
from regulars.kit import Reading, Tx, bounds


async def messages_of(
    tx: Reading,
    workspace_id: UUID,
    *,
    customer_id: UUID | None = None,
    state: State | None = None,
    channel: Channel | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Message]:
    """Newest first; for the next page `before_id` is the id of the last one of this page."""
    before, first = bounds(before_id, since, until)
    page = (workspace_id, before, limit, first, channel)
    if customer_id:
        return await tx.all(Message, sql.messages_of_customer, *page, state, customer_id)
    if state:
        return await tx.all(Message, sql.messages_of_state, *page, state)
    return await tx.all(Message, sql.messages, *page)


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """Who asked not to be written to, as either, is not written to."""
    for statement in (sql.move_messages, sql.move_consents):
        await tx.execute(statement, workspace_id, from_id, into_id)
    await tx.execute(sql.forget_consents, workspace_id, [from_id])


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID], was: Customer) -> list[UUID]:
    """What was said to them is gone, and what waits is not sent: the ids, which their deliveries have, too. An address
    that nothing is sent to stays so, known by its hash alone."""
    await tx.execute(sql.forget_consents, workspace_id, customer_ids)
    await tx.execute(sql.forget_addresses, workspace_id, [hash_of(one, address_of(one, was)) for one in CHANNELS])
    found = await tx.fetch(sql.forget_messages, workspace_id, customer_ids, "The customer was erased.")
    return [row["id"] for row in found]
