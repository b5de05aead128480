"""A trigger over orders that are in already: applied to them as if they came in now; or held against all past ones, in
the order in which they were placed, and nothing is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from uuid import UUID

import msgspec

from regulars import customers, ledger, orders
from regulars.kit import Reading, Tx
from regulars.orders import Order, Recorded
from regulars.tenancy import Workspace
from regulars.triggers.earning import Earning, ordered
from regulars.triggers.facts import Ordered
from regulars.triggers.model import Firing, Trigger
from regulars.triggers.pipeline import Decision, Pipeline
from regulars.triggers.tallies import Key, Tally
from regulars.triggers.waiting import kept_of


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


class Past:
    """The trigger as if it were switched on, asked batch by batch; each batch knows what those before it would have
    been given. By itself it gives from the beginning, as if it had been there always and nothing had been given by it.
    `further`: what it would give now, beside all that it gave.

    Remembers a few numbers of each customer, and nothing of orders.
    """

    def __init__(self, workspace: Workspace, trigger: Trigger, now: datetime, random: Random, *, further: bool) -> None:
        self._workspace, self._further = workspace, further
        self._trigger = msgspec.structs.replace(trigger, active=True)
        self._pipeline = Pipeline(workspace, now, random)
        if not further:
            self._pipeline.tally = _Virtual(workspace)
        self._validity = ledger.Validity(workspace.book, workspace.zone)
        self._seen: dict[UUID, tuple[int, int]] = {}
        """Of each customer how many orders that stand were seen, and what these come to in the shop's currency."""

    async def look(self, tx: Reading, placed: Sequence[Order], since: datetime | None = None) -> list[Outlook]:
        """Of those placed `since` then; the others are seen."""
        self._pipeline.tally.forget(placed[0].placed_at)
        if not self._further:
            return await self._anew(tx, placed, since)
        placed = [order for order in placed if since is None or order.placed_at >= since]
        earning = Earning(tx, self._workspace, [self._trigger], self._pipeline.now, again=True, pipeline=self._pipeline)
        firings = await asked(earning, placed)
        return [outlook(earning, self._trigger.id, order, firings.get(order.id)) for order in placed]

    async def really(self, tx: Reading, placed: Sequence[Order]) -> dict[UUID, int]:
        """What the trigger gave for these orders, and did not take back."""
        gave = await ledger.txns_of_orders(tx, self._workspace.id, [order.id for order in placed])
        mine = {id: [txn for txn in txns if txn.trigger_id == self._trigger.id] for id, txns in gave.items()}
        return {
            id: sum(txn.amount if txn.operation == "cr" else -txn.amount for txn in txns)
            for id, txns in mine.items()
            if txns
        }

    def lasts(self, order: Order) -> bool:
        """Whether coins that were given for it then would be there yet, if nobody had spent any."""
        expires_at = self._validity.of_lot(self._pipeline.later(order.placed_at, self._trigger.rule.after_delta_day))
        return expires_at is None or expires_at > self._pipeline.now

    async def _anew(self, tx: Reading, placed: Sequence[Order], since: datetime | None) -> list[Outlook]:
        guarded = self._pipeline.guarded(self._trigger)
        # As it came in: what was given back takes coins back afterwards, and frees its place where nothing is left.
        came = [
            msgspec.structs.replace(order, refunds=None) if _left(order, guarded.basis) else order for order in placed
        ]
        people = {}
        if guarded.condition or guarded.rule.factors or guarded.in_tier:
            people = await customers.by_ids(tx, self._workspace.id, sorted({order.customer_id for order in placed}))
        facts = [self._fact(*one, people.get(one[0].customer_id)) for one in zip(came, placed, strict=True)]
        decisions = [Decision(guarded, fact) for fact in facts if since is None or fact.occurred_at >= since]
        await self._pipeline.decide(tx, decisions)
        as_it_is = {order.id: order for order in placed}
        found = []
        for d in decisions:
            assert isinstance(d.fact, Ordered)
            order, firing = as_it_is[d.fact.order.id], d.firing(self._pipeline.now)
            coins = kept_of(firing.amount, firing.earned_on, _left(order, guarded.basis)) if firing.amount else 0
            found.append(Outlook(order, False, coins, firing.reason, firing.explanation))
        return found

    def _fact(self, came: Order, order: Order, customer: customers.Customer | None) -> Ordered:
        """With what was so when it came, as far as orders tell."""
        code = self._workspace.currency_code
        earlier, spent = self._seen.get(order.customer_id, (0, 0))
        counts = order.currency_code == code
        self._seen[order.customer_id] = (earlier + (not order.void), spent + counts * order.kept_minor)
        if customer is not None:
            customer = msgspec.structs.replace(customer, spent={code: spent + counts * came.kept_minor})
        return ordered(came, customer, earlier)


def _left(order: Order, basis: orders.EarningBasis) -> int:
    return orders.eligible(order, basis).left_minor


class _Virtual(Tally):
    """Counts from nothing."""

    async def read(self, tx: Reading, keys: Iterable[Key]) -> None:
        pass
