"""Apply a trigger to the orders that are in already, many to a commit, in the order in which they were placed, as they
would have earned at the time."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import limits, orders, tenancy, triggers
from regulars.imports.progress import Progress
from regulars.imports.runs import Steps, Work, carry_out
from regulars.kit import Conflict, NotFound, Queries, Reading, again_when_raced, new_id
from regulars.orders import Order
from regulars.tenancy import Workspace
from regulars.triggers import Outlook, Trigger
from regulars.wiring import App

_sql = Queries(__file__)


class Application(Work, frozen=True):
    """A trigger that is applied to orders that are in, and how far that is."""

    trigger_id: UUID
    progress: Progress


async def begin_applying(app: App, shop: Workspace, trigger_id: UUID, *, actor: str, announced: bool = True) -> UUID:
    """Begin to apply a trigger to the orders that are in already, beside the requests of this process; its id. Coins
    that are not `announced` are given, and no tool is told of them.

    Stopped in the middle it is simply begun again: no order earns twice. Raises UnknownTrigger; Conflict while another
    run goes on, or when the trigger is not one that can be applied.
    """
    async with app.db.reading() as tx:
        trigger = await triggers.find_trigger(tx, shop.id, trigger_id)
        placed = await orders.count(tx, shop.id)
    if trigger.source != "order":
        raise Conflict("Only a trigger that reacts to orders can be applied to them.")
    _must_be_active(trigger)
    id, now, nothing = new_id(), app.clock.now(), msgspec.to_builtins(Progress())
    async with app.db.transaction() as tx:
        await tx.execute(_sql.end_lost, shop.id, now - timedelta(seconds=limits.IMPORT_LOST_S))
        new = (id, trigger_id, actor, placed, nothing, now)
        if await tx.fetchval(_sql.insert_application, shop.id, *new) is None:
            raise Conflict("A file is being imported, or a trigger applied. Wait until that is done, then try again.")
        detail = {"announced": announced}
        await tenancy.audit(tx, shop.id, actor, "trigger.apply", str(trigger_id), now=now, detail=detail)
    steps = _apply(app, shop.id, trigger_id, actor, announced)
    await app.beside(carry_out(app.db, app.clock, shop.id, id, steps))
    return id


async def get_application(tx: Reading, workspace_id: UUID, id: UUID, now: datetime) -> Application:
    """Raises NotFound."""
    row = await tx.fetchrow(_sql.application, workspace_id, id)
    if row is None:
        raise NotFound("This run does not exist.")
    return msgspec.convert(dict(row), Application).at(now)


async def newest_applications(
    tx: Reading, workspace_id: UUID, trigger_id: UUID, now: datetime, limit: int
) -> list[Application]:
    rows = await tx.fetch(_sql.applications, workspace_id, trigger_id, limit)
    return [msgspec.convert(dict(row), Application).at(now) for row in rows]


async def _apply(app: App, workspace_id: UUID, trigger_id: UUID, actor: str, announced: bool) -> Steps:
    progress: Progress = Progress()
    rewarded = Counter[UUID]()
    last: Order | None = None

    async def batch() -> list[Outlook]:
        async with app.db.transaction() as tx:
            shop = await tenancy.get_workspace(tx, workspace_id)
            trigger = await triggers.find_trigger(tx, workspace_id, trigger_id)
            _must_be_active(trigger)  # whoever switches it off meanwhile stops this too
            placed = await orders.next_orders(tx, workspace_id, last, limits.IMPORT_ORDERS_PER_COMMIT)
            if not placed:
                return []
            return await triggers.apply(tx, shop, trigger, placed, app.clock.now(), actor=actor, announced=announced)

    while True:
        seen = await again_when_raced(batch)
        count(progress, seen, rewarded)
        last = seen[-1].order if seen else last
        yield progress.rows, progress
        if len(seen) < limits.IMPORT_ORDERS_PER_COMMIT:
            return


def _must_be_active(trigger: Trigger) -> None:
    """Raises Conflict."""
    if not trigger.active:
        raise Conflict("The trigger is switched off. Switch it on, then apply it.")


def count(progress: Progress, seen: Sequence[Outlook], coins: Counter[UUID]) -> None:
    """Add them up; `coins` are each customer's."""
    for one in seen:
        progress.rows += 1
        progress.unchanged += one.earned_before
        if one.coins:
            progress.rewards += 1
            progress.coins += one.coins
            coins[one.order.customer_id] += one.coins
        elif one.reason:
            progress.say_refused(one.reason, one.explanation)
    progress.customers = len(coins)
