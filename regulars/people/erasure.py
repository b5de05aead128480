"""A person is forgotten, and the book stays."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from regulars import customers, delivery, events, orders, reviews, tenancy, triggers
from regulars.kit.db import Tx
from regulars.tenancy import Workspace

Forget = Callable[[Tx, UUID, Sequence[UUID]], Awaitable[None]]

_ALSO: list[Forget] = []


def also(forget: Forget) -> None:
    """Have a room above this one asked to forget customers, too."""
    _ALSO.append(forget)


async def erase(tx: Tx, workspace: Workspace, customer_id: UUID, now: datetime) -> bool:
    """Drop all that says who this customer is, and who was merged into them. False when it was done before. Raises
    NotFound. Lock order: the customers, their orders, their events, deliveries."""
    known = await customers.erase(tx, workspace.id, customer_id, now)
    if not known:
        return False
    ids = list(known)
    await orders.forget(tx, workspace.id, ids)
    await reviews.forget(tx, workspace.id, ids)
    await triggers.forget(tx, workspace.id, ids)
    told = await events.forget(tx, workspace.id, ids)
    await delivery.forget(tx, workspace.id, ids, told, now)
    for forget in _ALSO:
        await forget(tx, workspace.id, ids)
    await tenancy.forget_audit(tx, workspace.id, [*known.values(), *map(str, ids)], f"erased-{ids[0]}")
    return True
