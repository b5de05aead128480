"""Two records of one person become one."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from regulars import customers, events, ledger, orders, referrals, reviews, rewards, tiers, triggers
from regulars.customers import CustomerErased
from regulars.engagement import automations, campaigns, messages, segments
from regulars.kit import Invalid, NotFound, Refusal, Tx
from regulars.ledger import Merge
from regulars.schedule import Due
from regulars.tenancy import Workspace


async def meet(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: a friend who was referred before the shop's platform knew them is the customer whom it
    knows by now. Whoever was merged or erased meanwhile stays so."""
    for due in dues:
        with suppress(NotFound, Invalid, CustomerErased):
            await merge(tx, workspace, UUID(due.key), UUID(due.payload["into"]), now)


async def merge(tx: Tx, workspace: Workspace, from_id: UUID, into_id: UUID, now: datetime, *, actor: str = "") -> bool:
    """All that is the one's is the other's from now on; the details that the other has stay. False when it was done
    before. Raises NotFound, Invalid naming `into`, CustomerErased, CoinsHeld, WalletFull.

    Lock order: orders, customers by id, wallets, counters. An order that comes in meanwhile is found when the customers
    are locked; one that is changed then may be waited for in a circle, and the door runs the loser again.
    """
    await orders.move(tx, workspace.id, from_id, into_id)
    merged, into = await customers.lock_both(tx, workspace.id, from_id, into_id)
    if merged.merged_into == into.id:
        return False
    await orders.move(tx, workspace.id, from_id, into_id)
    (refused,) = await ledger.merge(tx, workspace, [Merge(from_id, into_id)], now, actor=actor)
    if isinstance(refused, Refusal):
        raise refused
    available = (await ledger.available(tx, workspace, [into_id], now)).get(into_id, 0)
    await customers.merge(tx, workspace, merged, into, now, available=available)
    await rewards.move(tx, workspace.id, from_id, into_id)
    await reviews.move(tx, workspace.id, from_id, into_id)
    await referrals.move(tx, workspace.id, from_id, into_id)
    await tiers.move(tx, workspace, from_id, into_id, now)
    await triggers.move(tx, workspace.id, from_id, into_id)
    await automations.moved(tx, workspace.id, from_id, into_id, now)
    await campaigns.move(tx, workspace.id, from_id, into_id)
    await messages.move(tx, workspace.id, from_id, into_id)
    await events.move(tx, workspace.id, from_id, into_id)
    await segments.moved(tx, workspace, from_id, into_id, now)
    return True
