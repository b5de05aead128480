"""Facts as they are kept, and what triggers would make of them now: for whoever asks why one gave nothing, where no
firing says so. Nothing is written, nothing locked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import orders, reviews
from regulars.customers import Customer
from regulars.kit import Reading
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.calendar import yearly_fact
from regulars.triggers.earning import Earning
from regulars.triggers.facts import AnyFact, Called, Created, Reported
from regulars.triggers.model import Firing, Source, Trigger
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline
from regulars.triggers.reacting import kept_referred, newest_referred
from regulars.triggers.reporting import KeptFact, reported
from regulars.triggers.reviewing import reviewed


def source_of(reference: str) -> Source:
    """What sets triggers off about a thing of this name; a call, where it has none of ours."""
    about: Any = reference.partition(":")[0]
    if about == "referred":
        return "referral"
    if about in ("referral", "order", "review", "fact", "birthday", "anniversary"):
        return about  # type: ignore[no-any-return]
    return "customer_created" if about == "customer" else "api"


def reacts(trigger: Trigger, fact: AnyFact) -> bool:
    named = not isinstance(fact, Reported) or trigger.rule.fact == fact.name
    return trigger.source == source_of(fact.reference) and named


def id_in(reference: str) -> UUID | None:
    """The id of what the name names; None of a day, and of a call without a name."""
    id = reference.partition(":")[2]
    return UUID(id) if id and ":" not in id else None


async def kept_facts(
    tx: Reading, workspace: Workspace, customer: Customer, references: Sequence[str], triggers: Sequence[Trigger]
) -> dict[str, AnyFact]:
    """The customer's, by what they are called, as they are now, with what these triggers ask about. Of calls and of
    days nothing is kept but their firings."""
    order_ids, fact_ids = ([UUID(n[len(s) :]) for n in references if n.startswith(s)] for s in ("order:", "fact:"))
    placed = list((await orders.by_ids(tx, workspace.id, order_ids)).values())
    told = await tx.all(KeptFact, store.sql.facts_by_id, workspace.id, fact_ids)
    earning = Earning(tx, workspace, [], customer.created_at)
    kept: list[AnyFact] = [reported(one, customer) for one in told]
    kept += await earning.facts(placed, [earning.pipeline.guarded(one) for one in triggers])
    written = [UUID(name[7:]) for name in references if name.startswith("review:")]
    kept += [reviewed(post, customer) for post in await reviews.by_ids(tx, workspace.id, written)]
    kept += await kept_referred(tx, workspace, customer, references)
    for name in references:
        if name.startswith("customer:"):
            at = customer.created_at
            kept.append(Created(customer_id=customer.id, customer=customer, occurred_at=at, reference=name))
    return {fact.reference: fact for fact in kept}


async def newest_fact(
    tx: Reading, workspace: Workspace, trigger: Trigger, customer: Customer, now: datetime
) -> AnyFact | None:
    """Of the customer what the trigger reacts to, the newest. Where that is a call or a day, as if it were now."""
    source, name = trigger.source, ""
    if source == "order":
        name = "".join(f"order:{one.id}" for one in await orders.orders_of(tx, workspace.id, customer.id, limit=1))
    elif source == "fact":
        found = await tx.all(str, store.sql.newest_fact, workspace.id, customer.id, trigger.rule.fact)
        name = "".join(f"fact:{id}" for id in found)
    elif source == "review":
        newest = await reviews.posts(tx, workspace.id, "review", customer_id=customer.id, limit=1)
        name = "".join(post.reference for post in newest)
    elif source == "referral":
        return await newest_referred(tx, workspace, customer)
    elif source == "customer_created":
        name = f"customer:{customer.id}"
    elif source == "api":
        return Called(customer_id=customer.id, customer=customer, occurred_at=now)
    elif source == "anniversary" or customer.dob is not None:
        return yearly_fact(source, customer, now.astimezone(workspace.zone).date(), workspace)
    return (await kept_facts(tx, workspace, customer, [name], [trigger])).get(name)


async def foresee(
    tx: Reading, workspace: Workspace, asked: Sequence[tuple[Trigger, AnyFact]], now: datetime
) -> list[Firing]:
    """What each trigger would make of the fact if it were asked for the first time."""
    pipeline = Pipeline(workspace, now, RANDOM)
    decisions = [Decision(pipeline.guarded(trigger), fact) for trigger, fact in asked]
    await pipeline.decide(tx, decisions)
    return [decision.firing(now) for decision in decisions]
