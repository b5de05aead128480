"""The one way from a fact to its reward: guards, then effects, a batch of facts at a time.

Whoever has facts makes a `Decision` of each fact and each trigger that could react to it, has them decided, and has
carried out what was decided. A rehearsal stops between the two.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random, SystemRandom
from uuid import UUID

import msgspec

from regulars import ledger, limits, orders, rewards, schedule
from regulars.customers import Customer
from regulars.kit import Reading, Refusal, Tx, new_id, units_of
from regulars.ledger import Posted, Txn, Wallet, WalletId
from regulars.rewards import Issued
from regulars.tenancy import Workspace
from regulars.triggers import guards, store
from regulars.triggers.facts import AnyFact, Called, Ordered
from regulars.triggers.guards import Guarded, No
from regulars.triggers.model import (
    Behind,
    Coins,
    Effect,
    Firing,
    OneCoupon,
    OneMessage,
    Override,
    Trigger,
    send_letters,
)
from regulars.triggers.rule import Campaign, Factor, FirstOrder, InTier, Rule
from regulars.triggers.tallies import Key, Tally
from regulars.triggers.waiting import Promise

_encode = msgspec.json.encode
_NOTHING_SET = Override()

RANDOM = SystemRandom()
"""Coins of a range are drawn from the system's randomness: nobody should be able to guess the next reward."""


class Decision(msgspec.Struct, eq=False):
    """A fact that a trigger was asked about, on its way to granted, refused or waiting. `asked`: what needs no look at
    what happened before has been asked, and said `no`, if anything."""

    guarded: Guarded
    fact: AnyFact
    no: No | Refusal | None = None
    asked: bool = False
    id: UUID = msgspec.field(default_factory=new_id)
    effect: Effect | None = None
    due_at: datetime | None = None
    txn: Txn | None = None
    issued: Issued | None = None
    activities: int = 0
    counted: int = 0
    earned_on: int = 0
    keys: list[Key] = []
    budgets: dict[Key, int] = {}

    @property
    def trigger(self) -> Trigger:
        return self.guarded.trigger

    @property
    def rule(self) -> Rule:
        return self.guarded.rule

    @property
    def coins(self) -> int:
        return self.effect.amount if self.effect else 0

    def behind(self) -> Behind:
        fact = self.fact
        return Behind(
            firing_id=self.id,
            trigger_id=self.trigger.id,
            trigger_version=self.trigger.version,
            customer_id=fact.customer_id,
            reference=fact.reference,
            key=f"{fact.reference}:{self.trigger.id}" if fact.reference else None,
            order_name=fact.order.name or fact.order.reference_id if isinstance(fact, Ordered) else "",
            actor=fact.actor,
            cause_id=fact.cause_id,
            depth=fact.depth,
        )

    def firing(self, now: datetime) -> Firing:
        no, effect = self.no, self.effect
        return Firing(
            id=self.id,
            trigger_id=self.trigger.id,
            trigger_version=self.trigger.version,
            customer_id=self.fact.customer_id,
            state="refused" if no else "waiting" if self.due_at else "granted",
            reason="" if no is None else no.reason if isinstance(no, No) else no.code,
            explanation="" if no is None else no.words if isinstance(no, No) else no.message,
            reference=self.fact.reference,
            txn_id=self.txn.id if self.txn else None,
            operation=effect.operation if effect else self.rule.operation,
            amount=self.coins,
            fired_at=now,
            value=_said(no.value) if isinstance(no, No) else "",
            threshold=_said(no.threshold) if isinstance(no, No) else "",
            activities=self.activities,
            counted=self.counted,
            occurred_at=self.fact.occurred_at,
            due_at=self.due_at,
            earned_on=self.earned_on,
        )


def _said(value: object) -> str:
    return "" if value is None else _encode(value).decode()


class Pipeline:
    """Decides for one workspace and one batch; what it counts, later facts of the batch see. `straight`: what is
    decided is carried out next. Then budgets, which batches of all customers share, are read without a lock as long as
    there is plenty, and taken from last. `known`: what was worked out of rules before."""

    def __init__(
        self,
        workspace: Workspace,
        now: datetime,
        random: Random,
        *,
        straight: bool = False,
        known: dict[UUID, Guarded] | None = None,
    ) -> None:
        self.workspace = workspace
        self.now = now
        self.tally = Tally(workspace)
        self._random, self._straight = random, straight
        self._locked: dict[WalletId, Wallet] | None = None
        self._unlocked: dict[Key, int] = {}
        self._guarded: dict[UUID, Guarded] = {} if known is None else known

    def guarded(self, trigger: Trigger) -> Guarded:
        found = self._guarded.get(trigger.id)
        if found is None or found.trigger is not trigger:
            found = self._guarded[trigger.id] = guards.guarded(trigger, self.workspace)
        return found

    async def decide(self, tx: Reading, decisions: Sequence[Decision]) -> None:
        """In their order. If any of them counts on what happened before, the wallets of all their customers are locked
        first, so that a decision that races this one has either been counted or waits; then the budgets' counters,
        unless that is left to the end."""
        await self.look_up_segments(tx, decisions)
        counted = [d for d in decisions if d.rule.counted and d.no is None]
        if counted:
            await self._count(tx, decisions, counted)
        for decision in decisions:
            self._decide(decision)

    async def look_up_segments(self, tx: Reading, decisions: Sequence[Decision]) -> None:
        """Of the customers of those whose triggers ask about them, once."""
        asking = [d for d in decisions if d.guarded.of_segments and not d.asked]
        facts = await store.in_segments(tx, self.workspace.id, [d.fact for d in asking])
        for d, fact in zip(asking, facts, strict=True):
            d.fact = fact

    async def _count(self, tx: Reading, decisions: Sequence[Decision], counted: Sequence[Decision]) -> None:
        tally = self.tally
        if isinstance(tx, Tx):
            # All wallets of the batch at once: a second lock with other wallets could wait in a circle.
            locked = await ledger.lock(tx, self.workspace.id, [(d.fact.customer_id, "coins") for d in decisions])
            self._locked = locked if self._straight else None
        keys, budgets, wanted = set[Key](), dict[Key, int](), Counter[Key]()
        for d in counted:
            id, rule, at = d.trigger.id, d.rule, d.fact.occurred_at
            d.keys = tally.customers_keys(id, rule, d.fact.customer_id, at)
            d.budgets = tally.budgets_keys(id, rule, at)
            keys.update(d.keys)
            budgets.update(d.budgets)
            wanted.update(dict.fromkeys(d.budgets, rule.coins_max))
        # An offer's own counters are locked after these.
        late = self._straight and all(d.trigger.kind == "wallet" for d in decisions)
        await tally.read(tx, keys | budgets.keys() if late or not isinstance(tx, Tx) else keys)
        if isinstance(tx, Tx):
            plenty = limits.BUDGET_LEFT_BATCHES
            self._unlocked = {
                key: most for key, most in budgets.items() if late and most - tally[key].coins > plenty * wanted[key]
            }
            await tally.lock(tx, budgets.keys() - self._unlocked.keys())

    def _decide(self, d: Decision) -> None:
        rule, fact, tally = d.rule, d.fact, self.tally
        if d.no is None and not d.asked:
            d.no = guards.at_first(d.guarded, fact, self.workspace)
        if d.no is not None:
            return
        d.activities, d.counted = fact.count, fact.amount
        if rule.counts_activities:
            d.no = guards.first(guards.activities(d.guarded, fact, tally))
        if d.no is None and rule.limited:
            d.no = guards.first(guards.given_before(d.guarded, fact, tally))
        if d.no is None:
            self._give(d)
        if d.keys:
            given = d.no is None
            at = fact.occurred_at if given else None
            tally.add(d.keys, activities=fact.count, amount=fact.amount, granted=given, coins=d.coins, at=at)
        if d.budgets and d.no is None:
            tally.add(d.budgets, granted=1, coins=d.coins)

    def _give(self, d: Decision) -> None:
        rule, fact = d.rule, d.fact
        effect = self.effect(d)
        if effect.amount > limits.AMOUNT_MINOR_MAX:
            most = limits.AMOUNT_MINOR_MAX
            d.no = No("order_earns_too_much", f"The order would earn more than {most:,} coins.", effect.amount, most)
        elif rule.budgeted:
            shop, coins = self.workspace, effect.amount
            d.no = guards.first(guards.budgets(d.guarded, fact, coins, self.tally, shop.coin_name))
        if d.no is not None:
            return
        d.effect = effect
        if rule.after_delta_day:
            due_at = self.later(fact.occurred_at, rule.after_delta_day)
            d.due_at = due_at if due_at > self.now else None

    def later(self, at: datetime, days: int) -> datetime:
        """The same time of day in the shop, so many days later."""
        return self.tally.local(at) + timedelta(days=days)

    def effect(self, d: Decision) -> Effect:
        """What it comes to, if no guard refuses it."""
        rule, fact, trigger = d.rule, d.fact, d.trigger
        set_by_call = (fact.override if isinstance(fact, Called) else None) or _NOTHING_SET
        if trigger.kind == "offer":
            offer_id = set_by_call.offer_id or rule.offer_id
            assert offer_id is not None
            return OneCoupon(offer_id)
        if trigger.kind == "email":
            assert rule.template_id is not None
            return OneMessage(rule.template_id)
        description = rule.description
        if isinstance(fact, Ordered):
            description = description or f"Order {fact.order.name or fact.order.reference_id}"
        least = rule.coins_min if set_by_call.coins_min is None else set_by_call.coins_min
        most = rule.coins_max if set_by_call.coins_max is None else set_by_call.coins_max
        if isinstance(fact, Ordered):
            d.earned_on = orders.eligible(fact.order, d.guarded.basis).left_minor
        if rule.coins_per_unit and isinstance(fact, Ordered):
            units = orders.basis(fact.order, d.guarded.basis) // units_of(fact.order.currency_code)
            amount = units * rule.coins_per_unit
        else:
            amount = least if least == most else self._random.randint(least, most)
        return Coins(
            operation=set_by_call.operation or rule.operation,
            amount=_times(amount, d) if rule.factors or d.guarded.in_tier else amount,
            title=rule.title or trigger.name if set_by_call.title is None else set_by_call.title,
            description=description if set_by_call.description is None else set_by_call.description,
        )

    async def carry_out(
        self,
        tx: Tx,
        decisions: Sequence[Decision],
        *,
        known: Mapping[UUID, Customer] | None = None,
        announced: bool = True,
    ) -> list[Firing]:
        """Give what was granted, keep every firing, and what is to be given later; a firing for each decision.

        What the book refuses is refused, and is not counted. Raises Overtaken where a budget was spent meanwhile.
        """
        giving = [d for d in decisions if d.effect and d.no is None and not d.due_at and d.coins]
        entries = [d.behind().entry(d.effect, d.fact.occurred_at) for d in giving if isinstance(d.effect, Coins)]
        locked, self._locked = self._locked, None
        outcomes = await ledger.post(
            tx, self.workspace, entries, self.now, known=known, announced=announced, locked=locked
        )
        for d, outcome in zip(giving, outcomes, strict=True):
            if isinstance(outcome, Posted) and not outcome.repeated:
                d.txn = outcome.txn
            else:
                self._refuse(d, outcome if isinstance(outcome, Refusal) else ALREADY)
        await self._issue(tx, decisions)
        firings = [d.firing(self.now) for d in decisions]
        if firings:
            store.insert_firings(tx, self.workspace.id, firings)
        later = [
            Promise(firing, d.effect, d.behind())
            for d, firing in zip(decisions, firings, strict=True)
            if firing.state == "waiting" and d.effect
        ]
        await schedule.put(tx, self.workspace.id, [promise.due() for promise in later])
        self.tally.take(tx, self._unlocked)
        return firings

    async def _issue(self, tx: Tx, decisions: Sequence[Decision]) -> None:
        sending = [(d, d.effect) for d in decisions if isinstance(d.effect, OneMessage) and not d.no and not d.due_at]
        letters = [d.behind().letter(effect) for d, effect in sending]
        for (d, _), no in zip(sending, await send_letters(tx, self.workspace, letters, self.now), strict=True):
            if no is not None:
                self._refuse(d, no)
        giving = [(d, d.effect) for d in decisions if isinstance(d.effect, OneCoupon) and not d.no and not d.due_at]
        if not giving:
            return
        asks = [d.behind().ask(effect) for d, effect in giving]
        for (d, _), issued in zip(giving, await rewards.issue(tx, self.workspace, asks, self.now), strict=True):
            if isinstance(issued, Refusal) or issued.repeated:
                self._refuse(d, issued if isinstance(issued, Refusal) else ALREADY)
            else:
                d.issued = issued

    def _refuse(self, d: Decision, no: No | Refusal) -> None:
        """What was granted is refused by who was to give it, and is not counted."""
        self.tally.add([*d.keys, *d.budgets], granted=-1, coins=-d.coins)
        d.no, d.effect = no, None


ALREADY = No("already_given", "The trigger has given for this before.")


def _times(amount: int, d: Decision) -> int:
    """Every factor that holds and that of the customer's tier, and what is left over of a coin dropped."""
    product, customer = Fraction(amount), d.fact.customer
    if customer is not None and customer.tier in d.guarded.in_tier:
        product *= Fraction(str(d.guarded.in_tier[customer.tier]))
    for factor, holds in zip(d.rule.factors, factors_held(d), strict=True):
        if holds:
            product *= Fraction(str(factor.factor))
    return int(product)


def factors_held(d: Decision) -> list[bool]:
    """Of each of the rule's factors whether it holds."""
    return [_held(factor, within, d.fact) for factor, within in zip(d.rule.factors, d.guarded.factors, strict=True)]


def _held(factor: Factor, within: guards.Window, fact: AnyFact) -> bool:
    match factor:
        case Campaign():
            starts_at, ends_at = within
            return not (starts_at and fact.occurred_at < starts_at) and not (ends_at and fact.occurred_at >= ends_at)
        case FirstOrder():
            return isinstance(fact, Ordered) and fact.earlier == 0
        case InTier():
            return fact.customer is not None and fact.customer.tier == factor.tier
