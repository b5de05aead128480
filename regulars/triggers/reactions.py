"""Take orders in and reward them: the reaction is part of the act, so an order is never without its coins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from regulars import ledger, limits, orders
from regulars.kit.currency import units_of
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.ledger import Entry
from regulars.orders import Correcting, Order, OrderReport, Recorded
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.model import Firing, Reason, Trigger, posted
from regulars.triggers.signup import ensure


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What came of a report: what it changed, and the firings it led to, granted or refused."""

    recorded: Recorded
    firings: list[Firing]


class Rehearsed(msgspec.Struct, frozen=True):
    """What would come of reports: one answer for each, how many customers are new and what they get for it, how many
    triggers were asked about the orders."""

    answers: list[Taken | Refusal]
    new_customers: int
    welcome_coins: int
    triggers_asked: int


async def rehearse_orders(
    tx: Reading,
    workspace: Workspace,
    reports: Sequence[OrderReport],
    now: datetime,
    *,
    correcting: Correcting = orders.AS_REPORTED,
) -> Rehearsed:
    """What `take_orders` would do with these reports if it were called now; nothing is written, nothing locked."""
    active = [t for t in await store.all_triggers(tx, workspace.id) if t.active]
    triggers = [t for t in active if t.source == "order"]
    welcome = sum(t.rule.coins_min for t in active if t.source == "customer_created")
    foresight = orders.Foresight(tx, workspace.id, now, correcting)
    reactions = _Reactions(tx, workspace, triggers, now)
    answers: dict[int, Taken | Refusal] = {}
    for turn in _turns(reports):
        recorded = await foresight.record([reports[n] for n in turn])
        taken = [r for r in recorded if isinstance(r, Recorded)]
        await reactions.earn([r for r in taken if r.change in ("created", "updated")])
        reactions.decided |= {(f.trigger_id, f.reference): f.reason for r in taken for f in reactions.led_to(r)}
        answers |= {
            n: Taken(r, reactions.led_to(r)) if isinstance(r, Recorded) else r
            for n, r in zip(turn, recorded, strict=True)
        }
    new = foresight.new_customers
    return Rehearsed([answers[n] for n in range(len(reports))], new, new * welcome, len(triggers))


async def take_orders(
    tx: Tx,
    workspace: Workspace,
    reports: Sequence[OrderReport],
    now: datetime,
    *,
    actor: str = "",
    correcting: Correcting = orders.AS_REPORTED,
) -> list[Taken | Refusal]:
    """Record each checked report, in order, and give what it earns by the active triggers that react to orders.

    An order earns once per trigger, when it first is as far as the trigger asks; why it earns nothing (yet) is kept
    when it is first reported, and when the reason changes. Lock order: new customers by customer_id and their wallets,
    then as `orders.record`, then wallets.
    """
    active = await store.reacting(tx, workspace.id)
    triggers = [t for t in active if t.source == "order"]
    answers: dict[int, Taken | Refusal] = {}
    for turn in _turns(reports):
        reactions = _Reactions(tx, workspace, triggers, now)
        recorded = await orders.record(
            tx,
            workspace,
            [reports[n] for n in turn],
            now,
            ensuring=partial(ensure, triggers=active, actor=actor),
            earn=reactions.earn,
            available=reactions.available,
            correcting=correcting,
        )
        taken = await reactions.give(tx, [r for r in recorded if isinstance(r, Recorded)], actor)
        rewarded = iter(taken)
        for n, answer in zip(turn, recorded, strict=True):
            answers[n] = next(rewarded) if isinstance(answer, Recorded) else answer
    return [answers[n] for n in range(len(reports))]


class Outlook(msgspec.Struct, frozen=True, gc=False):
    """What a trigger makes of an order that is in already: nothing more, where it earned before; or so many coins; or
    none, with the reason as a code and in words."""

    order: Order
    earned_before: bool
    coins: int
    reason: str
    explanation: str


async def look_ahead(tx: Reading, workspace: Workspace, trigger: Trigger, placed: Sequence[Order]) -> list[Outlook]:
    """What applying the trigger to these orders would come to, as they and the trigger are now. Writes nothing."""
    asked = [(order.customer_id, trigger.id, _reference(order)) for order in placed]
    last = await store.last_about(tx, workspace.id, asked)
    seen = []
    for order in placed:
        reason, explanation = refusal(workspace, trigger, order)
        earned = last.get((trigger.id, _reference(order))) == ""
        coins = 0 if earned or reason else _coins(trigger, order)
        seen.append(Outlook(order, earned, coins, "" if earned else reason, "" if earned else explanation))
    return seen


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

    Lock order: orders by (source, reference_id), wallets.
    """
    locked = await orders.lock_orders(tx, workspace.id, placed)
    seen = await look_ahead(tx, workspace, trigger, locked)
    reactions = _Reactions(tx, workspace, [trigger], now)
    taken = await reactions.reconsider(tx, locked, actor, announced=announced)
    given = {t.recorded.order.id: f for t in taken for f in t.firings}
    rewarded = {id: firing.amount for id, firing in given.items() if firing.amount}
    if rewarded:
        await orders.reward_orders(tx, workspace.id, rewarded)
    return [_outcome(one, given.get(one.order.id)) for one in seen]


def _outcome(seen: Outlook, firing: Firing | None) -> Outlook:
    """The book may have refused what the trigger would give."""
    if firing is None:
        return seen
    return Outlook(seen.order, False, firing.amount, firing.reason, firing.explanation)


class _Reactions:
    """What the triggers make of the orders of one turn: decided while they are recorded, given afterwards; or of
    several turns, if nothing is given."""

    def __init__(self, tx: Reading, workspace: Workspace, triggers: Sequence[Trigger], now: datetime) -> None:
        self._tx = tx
        self._workspace = workspace
        self._triggers = {trigger.id: trigger for trigger in triggers}
        self._now = now
        self._firings: dict[UUID, list[Firing]] = {}
        self.decided: dict[tuple[UUID, str], str] = {}
        """What was decided in turns before, where it is not written: as `store.last_about`."""

    async def available(self, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
        return await ledger.available(self._tx, self._workspace.id, customer_ids, self._now)

    async def earn(self, recorded: Sequence[Recorded]) -> list[int]:
        """Decide, and say how many coins each change earns."""
        await self._decide_all(recorded, [r.order for r in recorded if r.before])
        return [sum(f.amount for f in self._firings[r.order.id] if f.state == "granted") for r in recorded]

    async def reconsider(self, tx: Tx, orders: Sequence[Order], actor: str, *, announced: bool) -> list[Taken]:
        """Decide about orders that are in already, as if they came in now, and give."""
        recorded = [Recorded(order, "unchanged") for order in orders]
        await self._decide_all(recorded, orders)
        return await self._post(tx, recorded, [self._firings[order.id] for order in orders], actor, announced)

    async def _decide_all(self, recorded: Sequence[Recorded], known: Sequence[Order]) -> None:
        """`known`: those that may have been decided about before."""
        asked = [(order.customer_id, trigger_id, _reference(order)) for order in known for trigger_id in self._triggers]
        last = await store.last_about(self._tx, self._workspace.id, asked) if asked else {}
        last |= self.decided
        self._firings |= {r.order.id: self._decide(r, last) for r in recorded}

    def _decide(self, recorded: Recorded, last: dict[tuple[UUID, str], str]) -> list[Firing]:
        firings = []
        reference = _reference(recorded.order)
        for trigger in self._triggers.values():
            reason, explanation = refusal(self._workspace, trigger, recorded.order)
            before = last.get((trigger.id, reference))
            if before is None and recorded.before:
                # Nobody asked the trigger then: it was off, or is younger. What it would have given is not made up for.
                before = refusal(self._workspace, trigger, recorded.before)[0]
            # An order that earned before has its coins; one that is refused for the same reason has been told.
            if before == "" or before == reason:
                continue
            firings.append(
                Firing(
                    id=new_id(),
                    trigger_id=trigger.id,
                    trigger_version=trigger.version,
                    customer_id=recorded.order.customer_id,
                    state="refused" if reason else "granted",
                    reason=reason,
                    explanation=explanation,
                    reference=reference,
                    txn_id=None,
                    operation="cr",
                    amount=0 if reason else _coins(trigger, recorded.order),
                    fired_at=self._now,
                )
            )
        return firings

    def led_to(self, recorded: Recorded) -> list[Firing]:
        return self._firings[recorded.order.id] if recorded.change in ("created", "updated") else []

    async def give(self, tx: Tx, recorded: Sequence[Recorded], actor: str) -> list[Taken]:
        """Post what was granted and keep every firing."""
        return await self._post(tx, recorded, [self.led_to(r) for r in recorded], actor, announced=True)

    async def _post(
        self, tx: Tx, recorded: Sequence[Recorded], led_to: Sequence[list[Firing]], actor: str, announced: bool
    ) -> list[Taken]:
        granted = [(r, f) for r, firings in zip(recorded, led_to, strict=True) for f in firings if f.state == "granted"]
        entries = [_entry(self._triggers[f.trigger_id], r, f, actor) for r, f in granted]
        outcomes = await ledger.post(tx, self._workspace, entries, self._now, announced=announced)
        kept = {f.id: posted(f, outcome) for (_, f), outcome in zip(granted, outcomes, strict=True)}
        taken = [Taken(r, [kept.get(f.id, f) for f in firings]) for r, firings in zip(recorded, led_to, strict=True)]
        firings = [firing for t in taken for firing in t.firings]
        if firings:
            store.insert_firings(tx, self._workspace.id, firings)
        return taken


def refusal(workspace: Workspace, trigger: Trigger, order: Order) -> tuple[Reason, str]:
    """Why the order earns nothing by this trigger as it stands, as (code, words); two empty texts when it earns."""
    symbol = workspace.currency_symbol
    if order.status == "cancelled" or order.financial_status in ("voided", "refunded"):
        return "order_cancelled", "The order was cancelled or paid back."
    if order.currency_code != workspace.currency_code:
        return "order_other_currency", f"The order is in {order.currency_code}, the shop's currency is another."
    if order.amount_minor == 0:
        return "order_amount_zero", f"The order's amount is {symbol}0."
    if order.amount_minor < units_of(order.currency_code):
        return "order_amount_below_unit", f"The order's amount is less than one whole {symbol}1."
    if trigger.rule.earn_when == "paid" and order.financial_status not in ("paid", "partially_refunded"):
        return "order_not_paid", "The order is not paid yet; it earns when it is."
    if trigger.rule.earn_when == "fulfilled" and order.delivery_status != "fulfilled":
        return "order_not_fulfilled", "The order is not fulfilled yet; it earns when it is."
    if _coins(trigger, order) > limits.AMOUNT_MINOR_MAX:
        return "order_earns_too_much", f"The order would earn more than {limits.AMOUNT_MINOR_MAX:,} coins."
    return "", ""


def _coins(trigger: Trigger, order: Order) -> int:
    """n coins for each whole unit of currency."""
    return order.amount_minor // units_of(order.currency_code) * trigger.rule.coins_per_unit


def _reference(order: Order) -> str:
    return f"order:{order.id}"


def _entry(trigger: Trigger, recorded: Recorded, firing: Firing, actor: str) -> Entry:
    order = recorded.order
    return Entry(
        customer_id=order.customer_id,
        operation="cr",
        amount=firing.amount,
        type="reward",
        occurred_at=order.placed_at,
        title=trigger.rule.title or trigger.name,
        description=trigger.rule.description or f"Order {order.name or order.reference_id}",
        reference=firing.reference,
        order_name=order.name or order.reference_id,
        trigger_id=trigger.id,
        trigger_version=trigger.version,
        actor=actor,
        key=f"order:{order.id}:{trigger.id}",
        firing_id=firing.id,
        cause_id=recorded.event_id,
        depth=1 if recorded.event_id else 0,
    )


def _turns(reports: Iterable[OrderReport]) -> list[list[int]]:
    """The positions of the reports, cut so that no order is reported twice in one turn."""
    turns: list[list[int]] = []
    seen: set[tuple[str, str]] = set()
    for position, report in enumerate(reports):
        name = (report.source, report.reference_id)
        if not turns or name in seen:
            turns.append([])
            seen = set()
        turns[-1].append(position)
        seen.add(name)
    return turns
