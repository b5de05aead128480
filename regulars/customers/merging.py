"""Two records of one person become one, and a person is forgotten."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import events, limits
from regulars.conditions import fold
from regulars.customers import store
from regulars.customers.model import Customer, draw_referral_code
from regulars.customers.store import sql
from regulars.customers.wire import changed_event
from regulars.kit import Conflict, NotFound, Tx, invalid
from regulars.tenancy import Workspace


class CustomerErased(Conflict, code="customer_erased"):
    """This customer was erased. What is left is kept for the book alone."""


_TAKEN_OVER = ("name", "email", "gender", "dob", "referred_by_code")


async def lock_both(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> tuple[Customer, Customer]:
    """Both, neither of whom was erased, nor the second merged. Raises NotFound, Invalid, CustomerErased. Lock order: by
    id."""
    found = {one.id: one for one in await tx.all(Customer, sql.lock, workspace_id, sorted((from_id, into_id)))}
    if from_id not in found:
        raise NotFound("This customer does not exist.")
    if into_id not in found or into_id == from_id:
        raise invalid("into", "the id of another customer of this shop")
    merged, into = found[from_id], found[into_id]
    if merged.erased_at or into.erased_at:
        raise CustomerErased
    if into.merged_into or merged.merged_into not in (None, into_id):
        raise invalid("into", "a customer who was not merged into another")
    return merged, into


async def merge(
    tx: Tx, workspace: Workspace, merged: Customer, into: Customer, now: datetime, *, available: int
) -> None:
    """What is known of the one and not of the other is taken over, totals add up, and from now on the other answers to
    the ids and the referral code of both. Both are locked; `available` is what the event will say they have."""
    lacks = [field for field in _TAKEN_OVER if getattr(merged, field) and not getattr(into, field)]
    if merged.mobile and not into.mobile:
        # A number is read with its country, so it brings it along.
        lacks += ["mobile", "phone", "country"]
    elif merged.country and not into.country:
        lacks.append("country")
    spent = Counter(merged.spent)
    spent.update(into.spent)
    ordered = [at for at in (merged.last_order_at, into.last_order_at) if at]
    taken: dict[str, Any] = {field: getattr(merged, field) for field in lacks}
    one = msgspec.structs.replace(
        into,
        **taken,
        spent=dict(spent),
        orders_count=merged.orders_count + into.orders_count,
        last_order_at=max(ordered, default=None),
        tags=_tags_of_both(merged, into),
        properties=merged.properties | into.properties,
        updated_at=now,
    )
    await store.absorb(tx, workspace.id, one, merged.id)
    told = [field for field in lacks if field not in ("phone", "referred_by_code")]
    told += [field for field in ("tags", "properties") if getattr(one, field) != getattr(into, field)]
    if told:
        event = changed_event(events.business(workspace), one, available, told)
        await events.append(tx, workspace.id, [event], now)


def _tags_of_both(merged: Customer, into: Customer) -> list[str]:
    """Each once, as the other wrote it; of too many, the other's."""
    tags = dict[str, str]()
    for tag in (*into.tags, *merged.tags):
        tags.setdefault(fold(tag), tag)
    return list(tags.values())[: limits.CUSTOMER_TAGS_MAX]


async def erase(tx: Tx, workspace_id: UUID, id: UUID, now: datetime) -> tuple[Customer, dict[UUID, str]] | None:
    """Forget who this is, and who was merged into them: what stays is an id, and totals. The customer and all of their
    ids as they were; None if they were erased before. Raises NotFound. Locks the customer."""
    customer = (await store.locked(tx, workspace_id, [id])).get(id)
    if customer is None:
        raise NotFound("This customer does not exist.")
    if customer.erased_at:
        return None
    ids = await store.ids_of(tx, workspace_id, customer.id)
    await tx.execute(sql.forget, workspace_id, list(ids), [draw_referral_code() for _ in ids], now)
    await tx.execute(sql.drop_words, workspace_id, list(ids))
    return customer, ids
