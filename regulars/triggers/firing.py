"""Fire triggers for customers, by call: a batch at a time."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from uuid import UUID

import msgspec

from regulars import customers, ledger, rewards
from regulars.customers import Customer, Ensured
from regulars.kit import Refusal, Tx
from regulars.ledger import Txn
from regulars.rewards import Issued
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.errors import NotOpen, UnknownCustomer, UnknownTrigger
from regulars.triggers.facts import THOUSANDTHS, Called
from regulars.triggers.guards import Guarded
from regulars.triggers.model import Evaluation, Fire, Fired, Firing, Trigger, coupon_key
from regulars.triggers.pipeline import Decision, Pipeline
from regulars.triggers.signup import ensure


class Known(msgspec.Struct):
    """A shop's triggers as they were read, and what was worked out of their rules, until one of them or the shop
    changes."""

    triggers: dict[UUID, Trigger] = {}
    guarded: dict[UUID, Guarded] = {}


async def fire(
    tx: Tx, workspace: Workspace, fires: Sequence[Fire], now: datetime, random: Random, *, known: Known | None = None
) -> list[Fired | Refusal]:
    """Fire each, in order, and answer for each. A Refusal has stored nothing: the trigger or the customer is unknown,
    or the caller may not. A Fired that is refused is stored, with its reason.

    `known` saves reading triggers and their rules again, and is added to. Customers named by `customer` must have gone
    through `customers.check`. Lock order: new customers by customer_id, their wallets, wallets by (customer, kind),
    then what falls due in them, counters of budgets. Raises the driver's UniqueViolationError when a drawn code is
    taken, and Overtaken when a budget was spent meanwhile: run again.
    """
    known = known or Known()
    triggers = known.triggers
    unread = {f.trigger_id for f in fires} - triggers.keys()
    if unread:
        triggers |= await store.by_ids(tx, workspace.id, list(unread))
    # Whoever may not fire does not create customers by trying.
    unfit = [_unfit(f, triggers.get(f.trigger_id)) for f in fires]
    people = await _people(tx, workspace, [f for f, no in zip(fires, unfit, strict=True) if no is None], now)
    pipeline = Pipeline(workspace, now, random, straight=True, known=known.guarded)
    admitted = [no or admit(f, triggers[f.trigger_id], people, pipeline) for f, no in zip(fires, unfit, strict=True)]
    decisions = [one for one in admitted if isinstance(one, Decision)]
    given = await _given_before(tx, workspace, decisions)
    # Of several calls about one thing in a batch the first is carried out.
    first: dict[_Thing, Decision] = {}
    new = [
        d for d in decisions if (thing := _thing(d)) is None or (thing not in given and first.setdefault(thing, d) is d)
    ]
    await pipeline.decide(tx, new)
    known_people = {d.fact.customer_id: d.fact.customer for d in decisions if d.fact.customer}
    came = {
        d.id: (f, d.txn, d.issued)
        for d, f in zip(new, await pipeline.carry_out(tx, new, known=known_people), strict=True)
    }
    created = {a.customer.id for a in people.values() if isinstance(a, Ensured) and a.created}

    def fired(one: Decision) -> Fired:
        thing = _thing(one)
        found = given.get(thing) if thing else None
        firing, txn, issued = found or came[first[thing].id if thing else one.id]
        return Fired(firing, txn, known_people[one.fact.customer_id], one.fact.customer_id in created, issued)

    return [fired(one) if isinstance(one, Decision) else one for one in admitted]


_Thing = tuple[UUID, UUID, str]
"""The customer, the trigger and what the call is about."""


def _thing(d: Decision) -> _Thing | None:
    return (d.fact.customer_id, d.trigger.id, d.fact.reference) if d.fact.reference else None


async def _given_before(
    tx: Tx, workspace: Workspace, decisions: Sequence[Decision]
) -> dict[_Thing, tuple[Firing, Txn | None, Issued | None]]:
    """A call about a thing that the trigger has rewarded before is answered as then, and gives nothing more."""
    asked = {thing for d in decisions if (thing := _thing(d))}
    if not asked:
        return {}
    found = await store.firings_about(tx, workspace.id, sorted({(who, about) for who, _, about in asked}))
    given = {(f.customer_id, f.trigger_id, f.reference): f for f in found if f.state != "refused"}
    txns = await ledger.txns_by_id(tx, workspace.id, [f.txn_id for f in given.values() if f.txn_id])
    coupons = await rewards.issued_for(tx, workspace.id, [_coupon_key(f) for f in given.values() if not f.txn_id])
    return {
        thing: (f, txns.get(f.txn_id) if f.txn_id else None, coupons.get(_coupon_key(f)))
        for thing, f in given.items()
        if thing in asked
    }


def _coupon_key(firing: Firing) -> str:
    return coupon_key(firing.reference, firing.trigger_id, firing.id)


def _unfit(fire: Fire, trigger: Trigger | None) -> Refusal | None:
    if trigger is None or trigger.source != "api":
        return UnknownTrigger()
    return NotOpen() if fire.open_only and not trigger.open else None


def admit(
    fire: Fire, trigger: Trigger, people: dict[str | UUID, Ensured | Refusal], pipeline: Pipeline
) -> Decision | Refusal:
    person = people.get(fire.about, UnknownCustomer())
    if isinstance(person, Refusal):
        return person
    if trigger.allow_override and (misset := fire.misset.get(trigger.kind)):
        return misset
    about = fire.evaluation or _ABOUT_NOTHING
    fact = Called(
        customer_id=person.customer.id,
        customer=person.customer,
        occurred_at=pipeline.now,
        reference=fire.reference or (f"evaluation:{about.id}" if about.id else ""),
        cause_id=fire.cause_id,
        depth=fire.depth,
        actor=fire.actor,
        count=about.count,
        amount=round(about.amount * THOUSANDTHS),
        override=fire.override if trigger.allow_override else None,
        about=about.type,
    )
    return Decision(pipeline.guarded(trigger), fact)


_ABOUT_NOTHING = Evaluation()


async def _people(
    tx: Tx, workspace: Workspace, fires: Sequence[Fire], now: datetime
) -> dict[str | UUID, Ensured | Refusal]:
    """By lead_id or customer_id, whichever the call named them by."""
    people: dict[str | UUID, Ensured | Refusal] = {}
    lead_ids = {f.lead_id for f in fires if f.lead_id}
    if lead_ids:
        known: dict[UUID, Customer] = await customers.by_ids(tx, workspace.id, list(lead_ids))
        people |= {id: Ensured(customer, created=False) for id, customer in known.items()}
    named = [f for f in fires if f.customer and not f.lead_id]
    if named:
        wanted = [f.customer for f in named if f.customer and not f.unfit]
        unfit = {f.customer.customer_id: f.unfit for f in named if f.customer and f.unfit}
        people.update(await ensure(tx, workspace, wanted, now, unfit=unfit, actor=named[0].actor))
    return people
