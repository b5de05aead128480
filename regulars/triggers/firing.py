"""Fire triggers for customers, by call: a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random
from uuid import UUID

from regulars import customers
from regulars.customers import Customer, Ensured
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.errors import NotOpen, UnknownCustomer, UnknownTrigger
from regulars.triggers.facts import THOUSANDTHS, Called
from regulars.triggers.model import Evaluation, Fire, Fired, Trigger
from regulars.triggers.pipeline import ALREADY, Decision, Pipeline
from regulars.triggers.signup import ensure


async def fire(
    tx: Tx,
    workspace: Workspace,
    fires: Sequence[Fire],
    now: datetime,
    random: Random,
    *,
    known: dict[UUID, Trigger] | None = None,
) -> list[Fired | Refusal]:
    """Fire each, in order, and answer for each. A Refusal has stored nothing: the trigger or the customer is unknown,
    or the caller may not. A Fired that is refused is stored, with its reason.

    `known` saves reading triggers that were read already, and is added to. Customers named by `customer` must have gone
    through `customers.check`. Lock order: new customers by customer_id, their wallets, wallets by (customer, kind),
    counters of budgets. Raises the driver's UniqueViolationError when a drawn code is taken: run again.
    """
    triggers = {} if known is None else known
    unread = {f.trigger_id for f in fires} - triggers.keys()
    if unread:
        triggers |= await store.by_ids(tx, workspace.id, list(unread))
    # Whoever may not fire does not create customers by trying.
    unfit = [_unfit(f, triggers.get(f.trigger_id)) for f in fires]
    people = await _people(tx, workspace, [f for f, no in zip(fires, unfit, strict=True) if no is None], now)
    pipeline = Pipeline(workspace, now, random)
    admitted = [no or admit(f, triggers[f.trigger_id], people, pipeline) for f, no in zip(fires, unfit, strict=True)]
    decisions = [one for one in admitted if isinstance(one, Decision)]
    await _given_before(tx, workspace, decisions)
    await pipeline.decide(tx, decisions)
    known_people = {d.fact.customer_id: d.fact.customer for d in decisions if d.fact.customer}
    firings = iter(await pipeline.carry_out(tx, decisions, known=known_people))
    created = {a.customer.id for a in people.values() if isinstance(a, Ensured) and a.created}
    return [
        Fired(next(firings), one.txn, known_people[one.fact.customer_id], one.fact.customer_id in created)
        if isinstance(one, Decision)
        else one
        for one in admitted
    ]


async def _given_before(tx: Tx, workspace: Workspace, decisions: Sequence[Decision]) -> None:
    """A call about a thing that the trigger has rewarded before gives nothing more."""
    named = [d for d in decisions if d.fact.reference]
    asked = [(d.fact.customer_id, d.trigger.id, d.fact.reference) for d in named]
    last = await store.last_about(tx, workspace.id, asked)
    for d in named:
        if last.get((d.trigger.id, d.fact.reference)) == "":
            d.no = ALREADY


def _unfit(fire: Fire, trigger: Trigger | None) -> Refusal | None:
    if trigger is None or trigger.source != "api":
        return UnknownTrigger()
    return NotOpen() if fire.open_only and not trigger.open else None


def admit(
    fire: Fire, trigger: Trigger, people: dict[str | UUID, Ensured | Refusal], pipeline: Pipeline
) -> Decision | Refusal:
    name = fire.lead_id or (fire.customer.customer_id if fire.customer else "")
    person = people.get(name, UnknownCustomer())
    if isinstance(person, Refusal):
        return person
    override = fire.override if trigger.allow_override else None
    if isinstance(override, Refusal):
        return override
    about = fire.evaluation or _ABOUT_NOTHING
    fact = Called(
        customer_id=person.customer.id,
        customer=person.customer,
        occurred_at=pipeline.now,
        reference=f"evaluation:{about.id}" if about.id else "",
        actor=fire.actor,
        count=about.count,
        amount=round(about.amount * THOUSANDTHS),
        override=override,
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
