"""What a trigger would make of one thing, as it is or with another rule: worked out by the pipeline and its guards as
if it happened now, and nothing is written."""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import customers, ledger, orders
from regulars.conditions import Why
from regulars.customers import Customer, Ensured, NewCustomer
from regulars.kit import Reading, Refusal, invalid, new_id, units_of
from regulars.kit.phones import international
from regulars.orders import Order, OrderReport
from regulars.tenancy import Workspace
from regulars.triggers import guards, store
from regulars.triggers.earning import Earning
from regulars.triggers.errors import UnknownCustomer
from regulars.triggers.facts import THOUSANDTHS, AnyFact, Created, Ordered, payload
from regulars.triggers.firing import admit
from regulars.triggers.foreseeing import newest_fact
from regulars.triggers.guards import Guarded, No
from regulars.triggers.model import GUARDS, Fire, Firing, Trigger
from regulars.triggers.pipeline import ALREADY, Decision, Pipeline, factors_held
from regulars.triggers.reporting import NewFact, asked_of, reported
from regulars.triggers.rule import Factor, InTier, Rule
from regulars.triggers.tallies import AS_TO_CHAR, Key, Tally, budgets_stretches, customers_stretches

About = Order | OrderReport | Fire | NewFact | Customer
"""An order that is in, or one as it is reported; a call; a fact; or whom a day or a sign-up is about."""


class Verdict(msgspec.Struct, frozen=True):
    """What one guard says: what it found (`value`) beside what it asks for (`threshold`). `field` is of the rule, where
    the guard goes by one; `reason` and `explanation` are of a guard that refuses."""

    guard: str
    field: str
    verdict: Literal["passed", "refused"]
    reason: str
    explanation: str
    value: Any
    threshold: Any


class Multiplied(msgspec.Struct, frozen=True):
    factor: Factor
    holds: bool


class Simulated(msgspec.Struct, frozen=True):
    """`coins` is what would be given, the least of a range and `coins_max` the most, 0 where a guard refuses.
    `new_customer`: they would be created. `given_before` is what the trigger did give for the same thing: it is set
    aside where another rule is tried, and limits do not count it.
    """

    customer: Customer
    new_customer: bool
    order: Order | None
    state: Literal["granted", "waiting", "refused"]
    reason: str
    explanation: str
    operation: str
    coins: int
    coins_max: int
    factors: list[Multiplied]
    active_at: datetime | None
    expires_at: datetime | None
    guards: list[Verdict]
    given_before: Firing | None


async def simulate(
    tx: Reading, workspace: Workspace, trigger: Trigger, about: About, at: datetime, *, before: Rule | None = None
) -> Simulated:
    """`trigger` with the rule that is tried, `before` the one that is kept, if that is another. Raises Invalid when it
    does not react to such a thing, or the thing is none that could happen."""
    pipeline = Pipeline(workspace, at, _Least())
    fact, new = await _fact(tx, workspace, pipeline, trigger, about)
    d = Decision(pipeline.guarded(trigger), fact)
    await pipeline.look_up_segments(tx, [d])
    fact = msgspec.structs.replace(fact, segments=d.fact.segments)
    assert fact.customer is not None
    given = await _prepare(tx, workspace, pipeline.tally, d, before)
    tried_anew = before is not None and before != trigger.rule
    effect = pipeline.effect(d)
    verdicts = list(_verdicts(d, pipeline.tally, workspace, effect.amount, None if tried_anew else given))
    await pipeline.decide(tx, [d])
    if given and not tried_anew:
        d.no = ALREADY
    firing, granted, tier = d.firing(at), d.no is None, fact.customer.tier
    in_tier = d.guarded.in_tier
    multiplied = [Multiplied(InTier(in_tier[tier], tier), holds=True)] if tier in in_tier else []
    active_at = (d.due_at or at) if granted and effect.amount and effect.operation == "cr" else None
    validity = ledger.Validity(workspace.book, workspace.zone)
    return Simulated(
        customer=fact.customer,
        new_customer=new,
        order=fact.order if isinstance(fact, Ordered) else None,
        state="refused" if d.no else "waiting" if d.due_at else "granted",
        reason=firing.reason,
        explanation=firing.explanation,
        operation=effect.operation,
        coins=effect.amount if granted else 0,
        coins_max=Pipeline(workspace, at, _Most()).effect(d).amount if granted else 0,
        factors=[*multiplied, *(Multiplied(*one) for one in zip(d.rule.factors, factors_held(d), strict=True))],
        active_at=active_at,
        expires_at=active_at and (validity.of_lot(active_at) or validity.idle_at(active_at)),
        guards=verdicts,
        given_before=given,
    )


class _Least(Random):
    def randint(self, a: int, b: int) -> int:
        return a


class _Most(Random):
    def randint(self, a: int, b: int) -> int:
        return b


async def _fact(
    tx: Reading, workspace: Workspace, pipeline: Pipeline, trigger: Trigger, about: About
) -> tuple[AnyFact, bool]:
    """And whether its customer is new."""
    if isinstance(about, Order | OrderReport) and trigger.source == "order":
        return await _ordered(tx, workspace, pipeline, trigger, about)
    if isinstance(about, Fire) and trigger.source == "api":
        who = about.customer if about.lead_id is None else about.lead_id
        customer, new = await _whom(tx, workspace, who, about.unfit, pipeline.now)
        admitted = admit(about, trigger, {about.lead_id or customer.customer_id: Ensured(customer, new)}, pipeline)
        if isinstance(admitted, Refusal):
            raise admitted
        return admitted.fact, new
    if isinstance(about, NewFact) and trigger.source == "fact":
        if about.name != trigger.rule.fact:
            raise invalid("fact.name", f"{trigger.rule.fact}, the facts that the trigger reacts to")
        customer, new = await _whom(tx, workspace, about.customer, about.unfit, pipeline.now)
        kept, _ = asked_of(about, Ensured(customer, new))
        assert kept is not None
        return reported(kept, customer), new
    if isinstance(about, Customer) and trigger.source == "customer_created":
        name = f"customer:{about.id}"
        return Created(customer_id=about.id, customer=about, occurred_at=pipeline.now, reference=name), False
    if isinstance(about, Customer) and trigger.source not in ("order", "api", "fact"):
        newest = await newest_fact(tx, workspace, trigger, about, pipeline.now)
        if newest is not None:
            return newest, False
    field, expected = _ABOUT[trigger.source]
    raise invalid(field, expected)


_ABOUT = {
    "order": ("order_id", "an order, as order_id or as order: the trigger reacts to orders"),
    "api": ("call", "a call: the trigger is fired by calls"),
    "fact": ("fact", "a fact: the trigger reacts to your own facts"),
    "review": ("customer_id", "a customer who has written a review: the trigger reacts to reviews"),
    "referral": ("customer_id", "a customer who has told a friend or was told: it reacts to completed referrals"),
    "customer_created": ("customer_id", "a customer: the trigger reacts to new customers"),
    "birthday": ("customer_id", "a customer whose birthday is known: the trigger reacts to birthdays"),
    "anniversary": ("customer_id", "a customer: the trigger reacts to anniversaries"),
}


async def _ordered(
    tx: Reading, workspace: Workspace, pipeline: Pipeline, trigger: Trigger, about: Order | OrderReport
) -> tuple[Ordered, bool]:
    order, gained, new = about, 0, False
    if isinstance(order, OrderReport):
        foresight = orders.Foresight(tx, workspace.id, pipeline.now, orders.AS_REPORTED)
        (recorded,) = await foresight.record([order])
        if isinstance(recorded, Refusal):
            raise recorded
        gained = recorded.order.kept_minor - (recorded.before.kept_minor if recorded.before else 0)
        order, new = recorded.order, foresight.new_customers > 0
    (fact,) = await Earning(tx, workspace, [], pipeline.now).facts([order], [pipeline.guarded(trigger)])
    if new and isinstance(about, OrderReport):
        customer = _as_new(workspace, about.customer, order.customer_id, pipeline.now)
    else:
        customer = (await customers.by_ids(tx, workspace.id, [order.customer_id]))[order.customer_id]
    code = order.currency_code
    spent = customer.spent | {code: customer.spent.get(code, 0) + gained}
    return msgspec.structs.replace(fact, customer=msgspec.structs.replace(customer, spent=spent)), new


async def _whom(
    tx: Reading, workspace: Workspace, who: UUID | NewCustomer | None, unfit: Refusal | None, now: datetime
) -> tuple[Customer, bool]:
    if isinstance(who, UUID):
        found = (await customers.by_ids(tx, workspace.id, [who])).get(who)
        if found is None:
            raise UnknownCustomer
        return found, False
    assert who is not None
    known = (await customers.by_customer_ids(tx, workspace.id, [who.customer_id])).get(who.customer_id)
    if known is None and unfit is not None:
        raise unfit
    return known or _as_new(workspace, who, new_id(), now), known is None


def _as_new(workspace: Workspace, details: NewCustomer, id: UUID, now: datetime) -> Customer:
    """As they would be created."""
    given = msgspec.structs.asdict(details)
    phone = international(details.mobile, details.country, workspace.country)
    return Customer(
        id=id, phone=phone, referred_by_code="", accept_email=False, accept_mobile=False, tier="", spent={},
        orders_count=0, last_order_at=None, created_at=now, updated_at=now, merged_into=None, erased_at=None,
        tags=[], properties={}, **given,
    )  # fmt: skip


async def _prepare(tx: Reading, workspace: Workspace, tally: Tally, d: Decision, before: Rule | None) -> Firing | None:
    """Look up what the guards count on, without what this very thing led to before, whose grant is answered. A limit
    that is new counts what was given before it, as it would if it were saved."""
    fact, rule, id = d.fact, d.rule, d.trigger.id
    at, customer_id = fact.occurred_at, fact.customer_id
    keys = tally.customers_keys(id, rule, customer_id, at)
    budgets = tally.budgets_keys(id, rule, at)
    await tally.read(tx, [*keys, *budgets])
    for subject, stretches in ((customer_id, customers_stretches), (id, budgets_stretches)):
        added = set(stretches(rule)) - set(stretches(before)) if before else ()
        for name in added:
            key: Key = (id, subject, tally.stretch(name, at))
            asked = (*key, AS_TO_CHAR[name], workspace.time_zone)
            (counted,) = await tx.fetch(store.sql.counted_back, workspace.id, *asked)
            tally.know({key: tuple(counted)})
    own = await store.firings_about(tx, workspace.id, [(customer_id, fact.reference)]) if fact.reference else []
    given = None
    for firing in own:
        if firing.trigger_id != id:
            continue
        counts = firing.state in ("granted", "waiting")
        given = firing if counts else given
        tally.add(keys, activities=-firing.activities, amount=-firing.counted)
        tally.add([*keys, *budgets], granted=-counts, coins=-firing.amount * counts)
        for key in keys:
            if tally[key].last_at == firing.occurred_at:
                tally[key].last_at = None
    return given


def _verdicts(d: Decision, tally: Tally, workspace: Workspace, coins: int, given: Firing | None) -> Iterator[Verdict]:
    guarded, fact, rule = d.guarded, d.fact, d.rule
    if fact.reference:
        yield _said("once", "", given and given.fired_at, None, ALREADY if given else None)
    yield _said("active", "active", d.trigger.active, True, guards.of_trigger(guarded))
    if any(guarded.within):
        yield _said("schedule", "", fact.occurred_at, guarded.within, guards.of_schedule(guarded, fact))
    if isinstance(fact, Ordered):
        order, units = fact.order, units_of(fact.order.currency_code)
        whole = rule.coins_per_unit > 0
        earns = orders.basis(order, guarded.basis) if whole else orders.eligible(order, guarded.basis).left_minor
        no = guards.of_order(workspace, guarded, order)
        yield _said("order", "", earns / units, 1 if whole else 1 / units, no)
    if span := rule.on_order_amount_matched:
        amount, no = fact.amount / THOUSANDTHS, guards.of_amount(guarded, fact)
        yield _said("amount", "on_order_amount_matched", amount, msgspec.to_builtins(span), no)
    if rule.condition is not None:
        no = guards.of_condition(guarded, fact, workspace)
        yield _said("condition", "condition", *_leaves(guarded, fact, workspace), no)
    for guard, checked in (
        ("activities", guards.activities(guarded, fact, tally)),
        ("limit", guards.given_before(guarded, fact, tally)),
        ("budget", guards.budgets(guarded, fact, coins, tally, workspace.coin_name)),
    ):
        for one in checked:
            yield _said("cool_down" if one[0] == "cool_down_minutes" else guard, *one)


def _said(guard: str, field: str, value: object, threshold: object, no: No | None) -> Verdict:
    if no is None:
        return Verdict(guard, field, "passed", "", "", value, threshold)
    found = (value, threshold) if no.value is None else (no.value, no.threshold)
    return Verdict(GUARDS[no.reason], field, "refused", no.reason, no.words, *found)


def _leaves(guarded: Guarded, fact: AnyFact, workspace: Workspace) -> tuple[list[str], list[str]]:
    """What each part of the condition found, and what it asks, in words."""
    if guarded.condition is None:
        return [], []
    why = guards.condition_explained(guarded, payload(fact, workspace), fact.occurred_at, workspace)
    leaves = list(_parts(why))
    return [one.found_words for one in leaves], ["".join(part.text for part in one.parts) for one in leaves]


def _parts(why: Why) -> Iterator[Why]:
    if why.kind == "property":
        yield why
    for item in why.items:
        yield from _parts(item)
