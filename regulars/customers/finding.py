"""Customers, found."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from regulars.customers import store
from regulars.customers.model import Customer
from regulars.kit.db import Reading


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """The customers that exist, by id."""
    return await store.by_ids(tx, workspace_id, ids)


async def find(
    tx: Reading,
    workspace_id: UUID,
    *,
    id: UUID | None = None,
    customer_id: str | None = None,
    referral_code: str | None = None,
    email: str | None = None,
    mobile: str | None = None,
) -> Customer | None:
    """By the first of these that is given, in the order customer_id, referral code, e-mail, mobile, id.

    An e-mail or a mobile that several customers share finds the one who was there first.
    """
    if customer_id:
        return (await store.by_customer_ids(tx, workspace_id, [customer_id])).get(customer_id)
    if referral_code:
        return await store.by_one(tx, workspace_id, "by_referral_code", referral_code)
    if email:
        return await store.by_one(tx, workspace_id, "by_email", email)
    if mobile:
        return await store.by_one(tx, workspace_id, "by_mobile", mobile)
    return (await store.by_ids(tx, workspace_id, [id])).get(id) if id else None


async def search(
    tx: Reading, workspace_id: UUID, text: str = "", *, before_id: UUID | None = None, limit: int = 50
) -> list[Customer]:
    """Customers whose e-mail, name, mobile or customer_id starts with `text`, or whose referral code it is.

    Newest first. Without text all customers, paged by `before_id`; a search gives its first page only.
    """
    if text.strip():
        return await store.search(tx, workspace_id, text.strip(), limit)
    return await store.newest(tx, workspace_id, before_id, limit)


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return await store.count(tx, workspace_id)
