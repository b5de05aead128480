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
