"""What falls due in wallets is written down at its time: by the schedule, a row for each wallet that waits for
something."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from regulars import limits, schedule
from regulars.kit import BEFORE_ALL_IDS, Tx
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.model import Kind
from regulars.ledger.opening import due, finish, opened
from regulars.schedule import Due
from regulars.tenancy import Workspace

FOLLOW = "ledger.follow_rules"


async def settle(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """Write down what has fallen due in these wallets: what activated, what expired, holds whose time is over. A wallet
    that waits for something else is put in again. Lock order: wallets by (customer, kind)."""
    names = (one.key.partition(":") for one in dues)
    ids = [(UUID(customer_id), cast(Kind, kind)) for customer_id, _, kind in names]
    draft = await opened(tx, workspace, ids, now)
    await finish(tx, draft)
    waiting = [((one.customer_id, one.kind), draft.next_at(one)) for one in draft.wallets.values()]
    await schedule.put(tx, workspace.id, [due(id, at) for id, at in waiting if at])


async def rules_changed(tx: Tx, before: Workspace, after: Workspace, now: datetime) -> None:
    """Wallets that have not moved since are to expire by the rules as they are now: each gets its row."""
    if after.book.expiry == "inactivity" and (before.book, before.time_zone) != (after.book, after.time_zone):
        await schedule.put(tx, after.id, [Due(FOLLOW, "", now)])


async def follow_rules(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """Put in a row for each of the next wallets with something to expire, and go on with those after them."""
    after = dues[0].payload
    place = (UUID(after.get("customer_id", BEFORE_ALL_IDS.hex)), after.get("kind", ""))
    found = await store.wallets(tx, store.sql.wallets_after, workspace.id, *place, limits.SCHEDULE_ROWS_MAX)
    draft = Draft(workspace, now, found)
    await schedule.put(tx, workspace.id, [due(id, at) for id, at in draft.next_before.items()])
    if len(found) == limits.SCHEDULE_ROWS_MAX:
        customer_id, kind = max(found)
        await schedule.put(tx, workspace.id, [Due(FOLLOW, "", now, {"customer_id": str(customer_id), "kind": kind})])
