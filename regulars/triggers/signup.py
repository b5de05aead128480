"""Customers come into being, and are given what a shop gives new ones: part of the act, wherever it is done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from regulars import customers
from regulars.customers import Customer, Ensured, NewCustomer
from regulars.kit import Refusal, Tx
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import Created
from regulars.triggers.model import Trigger
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline


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

    Lock order: new customers by customer_id, then their wallets, which nobody else can know of yet, then counters of
    budgets.
    """
    answers = await customers.ensure(tx, workspace, wanted, now, unfit=unfit)
    created = [answer for answer in answers.values() if isinstance(answer, Ensured) and answer.created]
    if created:
        reacting = await store.reacting(tx, workspace.id) if triggers is None else triggers
        pipeline = Pipeline(workspace, now, RANDOM)
        decisions = [
            Decision(
                pipeline.guarded(trigger),
                Created(
                    customer_id=new.customer.id,
                    customer=new.customer,
                    occurred_at=now,
                    reference=f"customer:{new.customer.id}",
                    cause_id=new.event_id,
                    actor=actor,
                ),
            )
            for new in created
            for trigger in reacting
            if trigger.source == "customer_created"
        ]
        if decisions:
            await pipeline.decide(tx, decisions)
            await pipeline.carry_out(tx, decisions, known={new.customer.id: new.customer for new in created})
    return answers
