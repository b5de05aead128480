"""Reviews and questions, found."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from regulars import limits, orders
from regulars.customers import Customer
from regulars.kit import Reading, bounds
from regulars.orders import Order
from regulars.reviews.errors import UnknownPost
from regulars.reviews.model import Kind, NewPost, Post, Status, prepared
from regulars.reviews.store import sql
from regulars.tenancy import Workspace

Sort = Literal["newest", "oldest", "highest", "lowest"]


async def find_post(tx: Reading, workspace_id: UUID, id: UUID, type: Kind | None = None) -> Post:
    """Raises UnknownPost."""
    for post in await by_ids(tx, workspace_id, [id]):
        if type in (None, post.type):
            return post
    raise UnknownPost


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> list[Post]:
    return await tx.all(Post, sql.by_ids, workspace_id, ids) if ids else []


async def posts(
    tx: Reading,
    workspace_id: UUID,
    type: Kind,
    *,
    status: Status | None = None,
    customer_id: UUID | None = None,
    product_id: str | None = None,
    product_source: str | None = None,
    rating: int | None = None,
    featured: bool | None = None,
    verified: bool | None = None,
    pictures: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Post]:
    """Newest first; for the next page `before_id` is the id of the last one of this page."""
    before, first = bounds(before_id, since, until)
    page = (workspace_id, type, before, limit, first, rating, featured, verified, pictures)
    if customer_id:
        return await tx.all(Post, sql.posts_of_customer, *page, customer_id, status, product_id)
    if product_id:
        return await tx.all(Post, sql.posts_of_product, *page, product_id, product_source, status)
    if status:
        return await tx.all(Post, sql.posts_of_status, *page, status)
    return await tx.all(Post, sql.posts, *page)


async def posts_of_order(tx: Reading, workspace_id: UUID, order_id: UUID) -> list[Post]:
    return await tx.all(Post, sql.posts_of_order, workspace_id, order_id)


async def numbered_page(
    tx: Reading,
    workspace_id: UUID,
    type: Kind,
    *,
    product_id: str | None = None,
    product_source: str | None = None,
    rating: int | None = None,
    featured: bool | None = None,
    verified: bool | None = None,
    pictures: bool | None = None,
    sort: Sort = "newest",
    limit: int,
    offset: int = 0,
) -> list[Post]:
    """A page of what is shown, of a product or of all."""
    page = (workspace_id, type, rating, featured, verified, pictures, sort, limit, offset)
    if product_id is None:
        return await tx.all(Post, sql.shown, *page)
    return await tx.all(Post, sql.shown_of_product, *page, product_id, product_source)


async def prepare(
    tx: Reading, shop: Workspace, new: NewPost, customer: Customer, order: Order | None, now: datetime
) -> Post:
    """What was written, as `prepared`: of the order, or the newest of the customer's that holds the product. Raises
    Invalid naming each field."""
    if order is None:
        order = (await holding(tx, shop.id, [(customer.id, new.product_id.strip(), "")])).get(0)
    return prepared(shop, new, customer, order, now)


async def holding(tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, str, str]]) -> dict[int, Order]:
    """By the place of what is wanted, a customer's product: their order that a review of it is of, if it is named that
    one."""
    return await orders.holding(tx, workspace_id, wanted, limits.REVIEW_ORDERS_LOOKED_AT_MAX)


async def brought_in(tx: Reading, workspace_id: UUID, of: Sequence[Post]) -> dict[UUID, bool]:
    """Of reviews that are to be brought in those that are there already: under the name they were brought in by, or, if
    False, as another of their customer, product and order."""
    names = ("id", "origin", "origin_id", "customer_id", "product_id", "product_source", "order_id")
    columns = [[getattr(one, name) for one in of] for name in names]
    return {row["id"]: row["named"] for row in await tx.fetch(sql.brought_in, workspace_id, *columns)}


class Sums(msgspec.Struct, frozen=True):
    """How many reviews are shown by their stars, and how many questions."""

    stars: dict[int, int]
    questions: int = 0

    @property
    def count(self) -> int:
        return sum(self.stars.values())

    @property
    def sum(self) -> int:
        return sum(rating * count for rating, count in self.stars.items())

    @property
    def average(self) -> float:
        """To a tenth; 0 without any."""
        return round(self.sum / self.count, 1) if self.count else 0.0


async def sums_of(
    tx: Reading,
    workspace_id: UUID,
    product_id: str = "",
    product_source: str | None = None,
    *,
    featured: bool | None = None,
    verified: bool | None = None,
) -> Sums:
    """Of a product, or with '' of all."""
    found = Counter[int]()
    for row in await tx.fetch(sql.sums, workspace_id, product_id, product_source):
        if featured in (None, row["featured"]) and verified in (None, row["verified"]):
            found[row["rating"]] += row["count"]
    questions = found.pop(0, 0)
    return Sums({rating: found[rating] for rating in range(5, 0, -1)}, questions)


async def reviewed(tx: Reading, workspace_id: UUID, orders: Sequence[tuple[UUID, UUID]]) -> dict[UUID, set[str]]:
    """By order, given with its customer: the products of it that they have reviewed."""
    found: dict[UUID, set[str]] = {}
    for id, product_id in await tx.fetch(sql.reviewed, workspace_id, [o for o, _ in orders], [c for _, c in orders]):
        found.setdefault(id, set()).add(product_id)
    return found
