"""Apply a trigger to orders that are in already, as if they came in now."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import orders
from regulars.kit import Tx
from regulars.orders import Order, Recorded
from regulars.tenancy import Workspace
from regulars.triggers.earning import Earning
from regulars.triggers.model import Firing, Trigger


class Outlook(msgspec.Struct, frozen=True, gc=False):
    """What a trigger makes of an order that is in already: nothing more, where it earned before; or so many coins; or
    none, with the reason as a code and in words."""

    order: Order
    earned_before: bool
    coins: int
    reason: str
    explanation: str


async def apply(
    tx: Tx,
    workspace: Workspace,
    trigger: Trigger,
    placed: Sequence[Order],
    now: datetime,
    *,
    actor: str,
    announced: bool = True,
) -> list[Outlook]:
    """Give what the trigger gives for orders that are in already, each at most once, and keep why it gives nothing.
    What came of each is answered; coins that are not `announced` are logged, and no tool is told.

    Lock order: orders by (source, reference_id), wallets, counters of budgets.
    """
    locked = await orders.lock_orders(tx, workspace.id, placed)
    earning = Earning(tx, workspace, [trigger], now, actor=actor, again=True)
    recorded = [Recorded(order, "unchanged", order) for order in locked]
    await earning.earn(recorded)
    await earning.settle(recorded)
    given = {f.order_id: f for each in await earning.give(tx, recorded, announced=announced) for f in each}
    rewarded = {id: f.amount for id, f in given.items() if id and f.amount and f.state == "granted"}
    if rewarded:
        await orders.reward_orders(tx, workspace.id, rewarded)
    return [outlook(earning, trigger.id, order, given.get(order.id)) for order in locked]


async def asked(earning: Earning, placed: Sequence[Order]) -> dict[UUID, Firing]:
    recorded = [Recorded(order, "unchanged", order) for order in placed]
    await earning.earn(recorded)
    await earning.settle(recorded)
    return {order.id: d.firing(earning.pipeline.now) for order in placed for d in earning.of(order.id)}


def outlook(earning: Earning, trigger_id: UUID, order: Order, firing: Firing | None) -> Outlook:
    key = (order.id, trigger_id)
    if key in earning.earned:
        return Outlook(order, True, 0, "", "")
    if firing is not None:
        return Outlook(order, False, firing.amount, firing.reason, firing.explanation)
    no = earning.unchanged[key]
    return Outlook(order, False, 0, no.reason, no.words)
