"""Customers come into being, and are given what a shop gives new ones: part of the act, wherever it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from regulars import customers, ledger
from regulars.customers import Customer, Ensured, NewCustomer
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.ledger import Entry
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.model import Firing, Trigger, posted


async def create_customer(
    tx: Tx, workspace: Workspace, details: NewCustomer, now: datetime, *, actor: str = ""
) -> Customer:
    """As `customers.create`, with what the triggers for new customers give."""
    return await customers.create(tx, workspace, details, now, ensuring=partial(ensure, actor=actor))


async def ensure(
    tx: Tx,
    workspace: Workspace,
    wanted: Sequence[NewCustomer],
    now: datetime,
    *,
    unfit: Mapping[str, Refusal] | None = None,
    triggers: Sequence[Trigger] | None = None,
    actor: str = "",
) -> dict[str, Ensured | Refusal]:
    """As `customers.ensure`, with what the triggers for new customers give. `triggers` saves reading them.

    Lock order: new customers by customer_id, then their wallets, which nobody else can know of yet.
    """
    answers = await customers.ensure(tx, workspace, wanted, now, unfit=unfit)
    created = [answer for answer in answers.values() if isinstance(answer, Ensured) and answer.created]
    if created:
        known = await store.reacting(tx, workspace.id) if triggers is None else triggers
        giving = [trigger for trigger in known if trigger.source == "customer_created"]
        if giving:
            await _welcome(tx, workspace, created, giving, now, actor)
    return answers


async def _welcome(
    tx: Tx, workspace: Workspace, created: Sequence[Ensured], giving: Sequence[Trigger], now: datetime, actor: str
) -> None:
    each = [(new, trigger, _firing(new.customer, trigger, now)) for new in created for trigger in giving]
    entries = [
        Entry(
            customer_id=new.customer.id,
            operation="cr",
            amount=firing.amount,
            type="reward",
            occurred_at=now,
            title=trigger.rule.title or trigger.name,
            description=trigger.rule.description,
            reference=firing.reference,
            trigger_id=trigger.id,
            trigger_version=trigger.version,
            actor=actor,
            key=f"{firing.reference}:{trigger.id}",
            firing_id=firing.id,
            cause_id=new.event_id,
            depth=1,
        )
        for new, trigger, firing in each
    ]
    outcomes = await ledger.post(tx, workspace, entries, now, known={new.customer.id: new.customer for new in created})
    firings = [posted(firing, outcome) for (_, _, firing), outcome in zip(each, outcomes, strict=True)]
    store.insert_firings(tx, workspace.id, firings)


def _firing(customer: Customer, trigger: Trigger, now: datetime) -> Firing:
    return Firing(
        id=new_id(),
        trigger_id=trigger.id,
        trigger_version=trigger.version,
        customer_id=customer.id,
        state="granted",
        reason="",
        explanation="",
        reference=f"customer:{customer.id}",
        txn_id=None,
        operation="cr",
        amount=trigger.rule.coins_min,
        fired_at=now,
    )
