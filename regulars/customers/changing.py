"""What is known of a customer changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import events
from regulars.customers import store
from regulars.customers.merging import CustomerErased
from regulars.customers.model import CHANGEABLE, Customer, check_changes
from regulars.customers.own import settled
from regulars.customers.wire import changed_event
from regulars.kit import NotFound, Refusal, Tx, invalid
from regulars.kit.phones import international
from regulars.tenancy import Workspace

_SET = (*CHANGEABLE, "tags_added", "tags_removed")


class Change(msgspec.Struct, frozen=True):
    """`set` any of CHANGEABLE of a customer, `tags_added` and `tags_removed`; of `properties` those that are named. The
    event will say that they have so much `available`, and what caused it, as `events.told` takes it."""

    id: UUID
    set: Mapping[str, Any]
    available: int
    because: Mapping[str, Any] = {}


async def change(
    tx: Tx, shop: Workspace, id: UUID, changes: dict[str, Any], now: datetime, *, available: int, complete: bool = False
) -> Customer:
    """One Change. `complete`: what is known already stays as it is, whatever is said of it. Raises Invalid naming the
    field, NotFound, CustomerErased."""
    (answer,) = await change_all(tx, shop, [Change(id, changes, available)], now, complete=complete)
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def change_all(
    tx: Tx, shop: Workspace, wanted: Sequence[Change], now: datetime, *, complete: bool = False
) -> list[Customer | Refusal]:
    """Each customer as it then is, or why not; nothing is announced when nothing is different. Lock order: customers by
    id."""
    people = await store.locked(tx, shop.id, sorted({one.id for one in wanted}))
    business, answers, told = events.business(shop), list[Customer | Refusal](), []
    became = dict[UUID, Customer]()
    for one in wanted:
        try:
            if (was := people.get(one.id)) is None:
                raise NotFound("Lead does not exists")
            was = became.get(was.id, was)
            customer, changed = _changed(shop, was, one.set, now, complete=complete)
            if changed:
                became[customer.id] = customer
                told.append(changed_event(business, customer, one.available, changed, **one.because))
            answers.append(customer)
        except Refusal as refusal:
            answers.append(refusal)
    await store.update(tx, shop.id, sorted(became.values(), key=lambda one: one.id))
    await events.append(tx, shop.id, told, now)
    return answers


def _changed(
    shop: Workspace, customer: Customer, changes: Mapping[str, Any], now: datetime, *, complete: bool
) -> tuple[Customer, list[str]]:
    """The customer as they then are, and what of them is different."""
    for field in changes:
        if field not in _SET:
            raise invalid(field, f"one of {', '.join(_SET)}")
    if customer.erased_at:
        raise CustomerErased
    if complete:
        changes = {field: value for field, value in changes.items() if value and not getattr(customer, field)}
    kept = check_changes(settled(shop, customer, changes))
    changed = [field for field, value in kept.items() if getattr(customer, field) != value]
    if not changed:
        return customer, []
    customer = msgspec.structs.replace(customer, **kept, updated_at=now)
    if customer.mobile and not customer.country:
        raise invalid("country", "three lower-case letters such as ind, which a mobile number needs")
    phone = international(customer.mobile, customer.country, shop.country)
    return msgspec.structs.replace(customer, phone=phone), changed


async def refer(tx: Tx, workspace: Workspace, id: UUID, code: str, now: datetime, *, available: int) -> None:
    """Keep by whose referral code a customer came, once for ever, and announce it."""
    customer = await tx.one(Customer, store.sql.refer, workspace.id, id, code, now)
    if customer:
        event = changed_event(events.business(workspace), customer, available, ["referred_by_referral_code"])
        await events.append(tx, workspace.id, [event], now)


async def set_tiers(tx: Tx, workspace_id: UUID, tiers: Mapping[UUID, str], now: datetime) -> dict[UUID, Customer]:
    """The customers as they then are. Whoever moves them tells of it. Lock order: customers by id."""
    ids = sorted(tiers)
    moved = (
        await tx.all(Customer, store.sql.set_tiers, workspace_id, ids, [tiers[id] for id in ids], now) if ids else []
    )
    return {customer.id: customer for customer in moved}
