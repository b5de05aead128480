"""Reviews and questions are written and judged, and reviews rewarded: the reaction is part of the act."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from regulars import customers, ledger, reviews, schedule
from regulars.customers import Customer
from regulars.kit import Refusal, Tx, new_id
from regulars.ledger import NotReversible, Reversal
from regulars.reviews import Picture, Post
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import Reviewed
from regulars.triggers.model import COUNTING, GUARDS, Firing
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline
from regulars.triggers.reversal import cancel_coupons, settled_firing
from regulars.triggers.tallies import Tally
from regulars.triggers.waiting import GIVE


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
        await _take_back(tx, shop, post, now, actor, told)
        post = replace(post, coins=0)
    elif post.type == "review" and post.shown and (not before.shown or pictures):
        coins = await _reward(tx, shop, [post], {id: told}, now, actor)
        coins[id] = coins.get(id, 0) + await _give_again(tx, shop, post, now, actor, told)
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


async def _reward(
    tx: Tx, shop: Workspace, posts: Sequence[Post], told: Mapping[UUID, UUID], now: datetime, actor: str
) -> dict[UUID, int]:
    """The coins that each earns now, of those that earn any. Whoever gave for one before gives nothing more for it, and
    what a limit refused it stays refused."""
    of = [one for one in posts if one.type == "review"]
    reacting = [one for one in await store.reacting(tx, shop.id) if one.source == "review"] if of else []
    if not reacting:
        return {}
    people = await customers.by_ids(tx, shop.id, sorted({one.customer_id for one in of}))
    about = [(post, trigger) for post in of if post.customer_id in people for trigger in reacting]
    last = await store.last_about(tx, shop.id, [(post.customer_id, one.id, post.reference) for post, one in about])
    pipeline = Pipeline(shop, now, RANDOM)
    decisions = [
        Decision(pipeline.guarded(trigger), reviewed(post, people[post.customer_id], actor, told[post.id]))
        for post, trigger in about
        if (why := last.get((trigger.id, post.reference), "reversed")) == "reversed"
        or (why and GUARDS.get(why) not in COUNTING)
    ]
    await pipeline.decide(tx, decisions)
    coins: dict[UUID, int] = {}
    for firing in await pipeline.carry_out(tx, decisions, known=people):
        if firing.txn_id and firing.operation == "cr":
            id = UUID(firing.reference.partition(":")[2])
            coins[id] = coins.get(id, 0) + firing.amount
    return coins


async def _take_back(tx: Tx, shop: Workspace, post: Post, now: datetime, actor: str, told: UUID) -> None:
    """All that it earned, or was to earn."""
    firings = await store.firings_about(tx, shop.id, [(post.customer_id, post.reference)])
    given = [one for one in firings if one.state == "granted" and one.txn_id and one.operation == "cr"]
    await _reverse(tx, shop, post, given, 0, now, actor, told)
    waiting = [one for one in firings if one.state == "waiting"]
    await schedule.drop(tx, shop.id, GIVE, [str(one.id) for one in waiting])
    await _settle(tx, shop, [*given, *waiting])
    await cancel_coupons(tx, shop, [one for one in firings if one not in given and one not in waiting], now, actor)


async def _give_again(tx: Tx, shop: Workspace, post: Post, now: datetime, actor: str, told: UUID) -> int:
    """What was taken back when it was rejected: how many coins."""
    firings = await store.firings_about(tx, shop.id, [(post.customer_id, post.reference)])
    again = [one for one in firings if one.state == "reversed" and one.txn_id]
    await _reverse(tx, shop, post, again, 1, now, actor, told)
    await _settle(tx, shop, again)
    return sum(one.amount for one in again)


async def _reverse(
    tx: Tx, shop: Workspace, post: Post, firings: Sequence[Firing], sign: int, now: datetime, actor: str, told: UUID
) -> None:
    reversals = [
        Reversal(
            txn_id=one.txn_id,
            target=one.amount * (1 - sign),
            occurred_at=now,
            title="Review shown again" if sign else "Review rejected",
            description=post.product_name,
            reference=one.reference,
            order_name="",
            trigger_id=one.trigger_id,
            trigger_version=one.trigger_version,
            actor=actor,
            firing_id=one.id,
            cause_id=told,
            depth=1,
        )
        for one in firings
        if one.txn_id
    ]
    for outcome in await ledger.claw_back(tx, shop, reversals, now) if reversals else []:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NotReversible):
            raise outcome


async def _settle(tx: Tx, shop: Workspace, firings: Sequence[Firing]) -> None:
    """Each is reversed, or no more, and its place in limits and budgets is free, or taken."""
    if firings:
        rules = await store.rules(tx, shop.id, {(one.trigger_id, one.trigger_version) for one in firings})
        tally = Tally(shop)
        settled = [settled_firing(tally, rules, one, True, False) for one in firings]
        await store.settle_firings(tx, shop.id, settled)
        tally.write(tx)
