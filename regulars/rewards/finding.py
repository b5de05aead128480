"""Coupons, found."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.events import NewEvent
from regulars.kit import Reading, bounds
from regulars.rewards import store
from regulars.rewards.codes import key_of
from regulars.rewards.errors import UnknownCoupon
from regulars.rewards.model import Coupon, Status, Terms
from regulars.rewards.store import sql
from regulars.rewards.wire import Told, said_of
from regulars.tenancy import Workspace

Known = tuple[list[Coupon], dict[tuple[UUID, int], Terms]]


async def find_coupon(tx: Reading, workspace_id: UUID, id: UUID | str) -> tuple[Coupon, Terms]:
    """By its id, or by a code that is one coupon's alone. Raises UnknownCoupon."""
    if isinstance(id, str):
        coupon = (await store.by_codes(tx, workspace_id, [(key_of(id), None, "")])).get(0)
    else:
        coupon = await tx.one(Coupon, sql.coupons_by_id, workspace_id, [id])
    if coupon is None:
        raise UnknownCoupon
    terms = await store.terms_of(tx, workspace_id, [coupon])
    return coupon, terms[coupon.offer_id, coupon.offer_version]


async def coupons(
    tx: Reading,
    workspace_id: UUID,
    *,
    customer_id: UUID | None = None,
    offer_id: UUID | None = None,
    status: Status | None = None,
    code: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> Known:
    """Newest first, with the terms of each by its offer and version; for the next page `before_id` is the id of the
    last one of this page. A `code` is one coupon's, or that of many, whatever code their offer gives today."""
    before, first = bounds(before_id, since, until)
    page = (workspace_id, before, limit, first)
    if key := key_of(code):
        found = await tx.all(Coupon, sql.coupons_of_code, *page, key, status, offer_id, customer_id)
    elif customer_id:
        found = await tx.all(Coupon, sql.coupons_of_customer, *page, customer_id, status, offer_id)
    elif offer_id:
        found = await tx.all(Coupon, sql.coupons_of_offer, *page, offer_id, status)
    elif status:
        found = await tx.all(Coupon, sql.coupons_of_status, *page, status)
    else:
        found = await tx.all(Coupon, sql.coupons, *page)
    return found, await store.terms_of(tx, workspace_id, found)


async def numbered_page(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    *,
    offer_id: UUID | None = None,
    of_others: bool = False,
    oldest_first: bool = False,
    limit: int,
    offset: int,
) -> tuple[Known, int]:
    """A page of a customer's coupons, or of those that are good in another shop, and how many there are in all."""
    page = (customer_id, offer_id, of_others, oldest_first, limit, offset)
    found = await tx.all(Coupon, sql.numbered_page, workspace_id, *page)
    count: int = await tx.fetchval(sql.count_of_customer, workspace_id, customer_id, offer_id, of_others)
    return (found, await store.terms_of(tx, workspace_id, found)), count


async def one_of_each(
    tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, UUID | None]], now: datetime
) -> Known:
    """For each customer the coupon that is named, or else their newest that can be used, if there is one."""
    found = await tx.all(
        Coupon, sql.one_of_each, workspace_id, [who for who, _ in wanted], [id for _, id in wanted], now
    )
    return found, await store.terms_of(tx, workspace_id, found)


async def coupons_of_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> Known:
    found = await tx.all(Coupon, sql.coupons_of_order, workspace_id, order_id)
    return found, await store.terms_of(tx, workspace_id, found)


async def used_between(
    tx: Reading, shop: Workspace, moments: Sequence[datetime], *, at_most: int
) -> list[tuple[int, int]]:
    """Of each stretch between two neighbouring moments: how many coupons were used, and what is left of the orders that
    they were used for, in minor units of the shop's currency. Looks at `at_most` coupons of a stretch."""
    arguments = (list(moments[:-1]), list(moments[1:]), shop.currency_code, at_most)
    rows = await tx.fetch(sql.used_by_span, shop.id, *arguments)
    return [(row["coupons"], row["revenue_minor"]) for row in rows]


async def tally(tx: Reading, workspace_id: UUID, offer_id: UUID) -> dict[Status, tuple[int, int]]:
    """How many coupons of an offer stand where, and what they took off, by status."""
    rows = await tx.fetch(sql.by_status, workspace_id, offer_id)
    return {row["status"]: (row["coupons"], row["taken_off"]) for row in rows}


async def unused(
    tx: Reading, shop: Workspace, stretches: Sequence[tuple[datetime, datetime]], now: datetime, after: UUID, limit: int
) -> tuple[list[NewEvent], UUID | None]:
    """What is told of coupons that were issued within one of these stretches and can be used still: of the next so many
    by their times, with the last of them, if there may be others."""
    columns = [list(column) for column in zip(*stretches, strict=True)] or [[], []]
    found = await tx.all(Coupon, sql.unused, shop.id, *columns, after, limit, now)
    terms = await store.terms_of(tx, shop.id, found)
    told = [Told(one, terms[one.offer_id, one.offer_version]) for one in found]
    said = await said_of(tx, shop, "unusedcouponrequest_create", told, now)
    return said, found[-1].id if len(found) == limit else None
