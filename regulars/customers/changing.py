"""What is known of a customer changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import events
from regulars.customers import store
from regulars.customers.merging import CustomerErased
from regulars.customers.model import CHANGEABLE, Customer, check_changes
from regulars.customers.wire import changed_event
from regulars.kit import NotFound, Tx, invalid
from regulars.kit.phones import international
from regulars.tenancy import Workspace


async def change(
    tx: Tx, shop: Workspace, id: UUID, changes: dict[str, Any], now: datetime, *, available: int, complete: bool = False
) -> Customer:
    """Set any of CHANGEABLE; nothing is announced when nothing is different. `available` is what the event will say the
    customer has. `complete`: what is known already stays as it is, whatever is said of it. Raises Invalid naming the
    field, NotFound. Locks the customer."""
    for field in changes:
        if field not in CHANGEABLE:
            raise invalid(field, f"one of {', '.join(CHANGEABLE)}")
    customer = await store.by_one(tx, shop.id, store.sql.lock, id)
    if customer is None:
        raise NotFound("Lead does not exists")
    if customer.erased_at:
        raise CustomerErased
    if complete:
        changes = {field: value for field, value in changes.items() if value and not getattr(customer, field)}
    kept = check_changes(changes)
    changed = [field for field, value in kept.items() if getattr(customer, field) != value]
    if not changed:
        return customer
    customer = msgspec.structs.replace(customer, **kept, updated_at=now)
    if customer.mobile and not customer.country:
        raise invalid("country", "three lower-case letters such as ind, which a mobile number needs")
    phone = international(customer.mobile, customer.country, shop.country)
    customer = msgspec.structs.replace(customer, phone=phone)
    await store.update(tx, shop.id, customer)
    event = changed_event(events.business(shop), customer, available, changed)
    await events.append(tx, shop.id, [event], now)
    return customer


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


async def rename(
    tx: Tx, workspace: Workspace, names: Mapping[UUID, str], now: datetime, *, available: Mapping[UUID, int]
) -> dict[UUID, Customer]:
    """Give each of these customers this name, and announce it. Lock order: customers by id."""
    ids = sorted(names)
    renamed = await tx.all(Customer, store.sql.rename, workspace.id, ids, [names[id] for id in ids], now)
    business = events.business(workspace)
    told = [changed_event(business, customer, available[customer.id], ["name"]) for customer in renamed]
    await events.append(tx, workspace.id, told, now)
    return {customer.id: customer for customer in renamed}
