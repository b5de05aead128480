"""Posts written, each with what it counts for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from regulars.kit import Queries, Refusal, Tx
from regulars.reviews.errors import ReviewExists, UnknownPost
from regulars.reviews.model import Post

sql = Queries(__file__)


async def insert(tx: Tx, workspace_id: UUID, new: Sequence[Post]) -> list[Post | Refusal]:
    """Keep each, but of what is there already: a review of the same customer, product and order, or one that was
    brought in under the same id."""
    if not new:
        return []
    kept = {row["id"] for row in await tx.fetch(sql.insert, workspace_id, *_columns(new))}
    add_to_sums(tx, workspace_id, [(None, one) for one in new if one.id in kept])
    return [one if one.id in kept else ReviewExists() for one in new]


async def lock(tx: Tx, workspace_id: UUID, id: UUID) -> Post:
    """Raises UnknownPost."""
    post = await tx.one(Post, sql.lock, workspace_id, id)
    if post is None:
        raise UnknownPost
    return post


def set_coins(tx: Tx, workspace_id: UUID, coins: dict[UUID, int]) -> None:
    """What each has earned."""
    if coins:
        tx.write(sql.set_coins, workspace_id, list(coins), list(coins.values()))


def update(tx: Tx, workspace_id: UUID, before: Post, post: Post) -> None:
    """Write down what has become of one that is locked."""
    tx.write(sql.update, workspace_id, *(getattr(post, name) for name in _CHANGED))
    add_to_sums(tx, workspace_id, [(before, post)])


_CHANGED = ("id", "status", "reason", "featured", "reply", "replied_at", "coins", "pictures", "updated_at")


def add_to_sums(tx: Tx, workspace_id: UUID, changes: Iterable[tuple[Post | None, Post | None]]) -> None:
    """What is shown now and was not, or the other way round, of its product and of all."""
    sums = Counter[tuple[str, str, int, bool, bool]]()
    for pair in changes:
        for post, sign in zip(pair, (-1, 1), strict=True):
            if post is not None and post.shown:
                for product in ((post.product_source, post.product_id), ("", "")):
                    sums[(*product, post.rating, post.verified, post.featured)] += sign
    rows = [(*key, count) for key, count in sorted(sums.items()) if count]
    if rows:
        tx.write(sql.add_to_sums, workspace_id, *map(list, zip(*rows, strict=True)))


def _columns(of: Sequence[Post]) -> list[list[Any]]:
    return [[getattr(one, name) for one in of] for name in Post.__struct_fields__]


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """What both wrote of the same product stays, of both."""
    await tx.execute(sql.move_posts, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """What they wrote is gone, with its pictures, and is counted no more."""
    gone = await tx.all(Post, sql.of_customers, workspace_id, customer_ids)
    ids = [post.id for post in gone]
    if ids:
        await tx.execute(sql.delete_pictures, workspace_id, ids)
        await tx.execute(sql.delete, workspace_id, ids)
        add_to_sums(tx, workspace_id, [(post, None) for post in gone])
