"""Reviews and questions are written and judged, and reviews rewarded: the reaction is part of the act."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from regulars import customers, reviews
from regulars.customers import Customer
from regulars.kit import Refusal, Tx, new_id
from regulars.reviews import Picture, Post
from regulars.tenancy import Workspace
from regulars.triggers.facts import Reviewed
from regulars.triggers.reacting import Thing, reward, take_back


async def post_reviews(
    tx: Tx, shop: Workspace, new: Sequence[Post], now: datetime, *, actor: str = "", announced: bool = True
) -> list[Post | Refusal]:
    """Keep what was written, and give what reviews earn that are shown at once. What is not `announced`, such as what
    comes from a file, is told to nobody and earns nothing. Lock order: posts, wallets, counters of budgets, sums."""
    answers = await reviews.insert(tx, shop.id, new)
    if not announced:
        return answers
    kept = {one.id: one for one in answers if isinstance(one, Post)}
    told = {id: new_id() for id in kept}
    coins = await _reward(tx, shop, [one for one in kept.values() if one.shown], told, now, actor)
    reviews.set_coins(tx, shop.id, coins)
    kept |= {id: replace(kept[id], coins=earned) for id, earned in coins.items()}
    await reviews.tell(tx, shop, [(told[id], one) for id, one in kept.items()], now, new=True)
    return [kept.get(one.id, one) if isinstance(one, Post) else one for one in answers]


async def change_review(tx: Tx, shop: Workspace, id: UUID, now: datetime, *, actor: str = "", **given: Any) -> Post:
    """Approve or reject (`status`, `reason`), feature or reply to a review or question, or count its `pictures`. One
    that is shown earns what it had not; one that is rejected gives back what it earned. Raises UnknownPost, Invalid,
    NotShown."""
    before = await reviews.lock(tx, shop.id, id)
    pictures = {"pictures": given["pictures"]} if "pictures" in given else {}
    post = reviews.changed(replace(before, **pictures), now, **{k: v for k, v in given.items() if k != "pictures"})
    if post == before:
        return post
    told = new_id()
    if post.type == "review" and before.shown and not post.shown:
        await take_back(tx, shop, [_thing(post, told)], "Review rejected", now, actor)
        post = replace(post, coins=0)
    elif post.type == "review" and post.shown and (not before.shown or pictures):
        coins = await _reward(tx, shop, [post], {id: told}, now, actor)
        again = await take_back(tx, shop, [_thing(post, told)], "Review shown again", now, actor, again=True)
        coins[id] = coins.get(id, 0) + again
        post = replace(post, coins=post.coins + coins[id])
    reviews.update(tx, shop.id, before, post)
    await reviews.tell(tx, shop, [(told, post)], now)
    return post


async def add_picture(
    tx: Tx, shop: Workspace, post_id: UUID, place: int, sizes: Sequence[bytes], now: datetime, *, actor: str = ""
) -> Picture:
    """One of `reviews.rendered`; what is given for reviews with pictures is given then. Raises PicturesFull."""
    await reviews.lock(tx, shop.id, post_id)
    picture = Picture(new_id(), post_id, place)
    pictures = await reviews.add_picture(tx, shop.id, picture, sizes, now)
    await change_review(tx, shop, post_id, now, actor=actor, pictures=pictures)
    return picture


def reviewed(post: Post, customer: Customer, actor: str = "", cause_id: UUID | None = None) -> Reviewed:
    return Reviewed(
        customer_id=customer.id,
        customer=customer,
        occurred_at=post.created_at,
        reference=post.reference,
        actor=actor,
        cause_id=cause_id,
        post=post,
    )


def _thing(post: Post, told: UUID) -> Thing:
    return Thing(post.customer_id, post.reference, post.product_name, told)


async def _reward(
    tx: Tx, shop: Workspace, posts: Sequence[Post], told: Mapping[UUID, UUID], now: datetime, actor: str
) -> dict[UUID, int]:
    """The coins that each earns now, of those that earn any."""
    of = [one for one in posts if one.type == "review"]
    people = await customers.by_ids(tx, shop.id, sorted({one.customer_id for one in of})) if of else {}
    facts = [reviewed(one, people[one.customer_id], actor, told[one.id]) for one in of if one.customer_id in people]
    coins: dict[UUID, int] = {}
    for firing in await reward(tx, shop, "review", facts, people, now):
        if firing.txn_id and firing.operation == "cr":
            id = UUID(firing.reference.partition(":")[2])
            coins[id] = coins.get(id, 0) + firing.amount
    return coins
