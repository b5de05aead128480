"""What the demo's shop offers besides coins, and what its customers make of it: by rules, from what they really bought.

Whoever spent SPENT_FROM buys ten percent off, and every third of them uses it at once; whoever spent GIFT_FROM in one
order is given a gift; whoever came back REVIEW_ORDERS times says what they think, which is shown
from SHOWN_FROM stars on and else waits to be looked at, and has told the customer after them, who came with a friend's
coupon. Some of them told others too: see `_tell_others`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import customers, limits, orders, referrals, reviews, rewards, tiers, triggers
from regulars.customers import Customer, Ensured
from regulars.demo.purchases import SOURCE, purchases
from regulars.kit import Refusal, Tx, again_when_raced
from regulars.orders import OrderReport
from regulars.referrals import Claimed, Friend
from regulars.reviews import NewPost, Post
from regulars.rewards import Ask, Cart, Issued, Terms, Use
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.tiers import Ladder
from regulars.triggers import Rule
from regulars.wiring import App, change_shop

SPENT_FROM, GIFT_FROM, REVIEW_ORDERS, SHOWN_FROM = 600, 200, 20, 4

_CART = Cart(amount_minor=4_000)
TEN_PERCENT, GIFT, FRIEND = "Ten percent off", "A thank you", "Five for a friend"


class Told(msgspec.Struct, frozen=True):
    """`programme.json`. Segments go by recency, frequency and money; what was bought last, was in the last months of
    what is known. A template is the event it is written for, its subject and its body; others name it by its name."""

    offers: dict[str, Terms]
    ladder: Ladder
    settings: dict[str, Any]
    segments: dict[str, dict[str, Any]]
    products: list[tuple[str, str]]
    said: list[tuple[int, str]]
    sender: dict[str, Any]
    templates: dict[str, tuple[str, str, str]]
    automation: dict[str, Any]
    campaign: dict[str, Any]


TOLD = msgspec.json.decode(Path(__file__).with_suffix(".json").read_bytes(), type=Told)


async def begin(tx: Tx, shop: Workspace, now: datetime) -> Workspace:
    """The shop, with its offers, its ladder, its reminders, coins for reviews and for friends. Orders that are taken in
    were placed so long ago that none of them comes back."""
    made = {name: await rewards.create_offer(tx, shop, name, of, now, actor="demo") for name, of in TOLD.offers.items()}
    await tiers.change_ladder(tx, shop, TOLD.ladder, now, actor="demo")
    rule = Rule(title="Review", coins_min=20, coins_max=20)
    await triggers.create_trigger(
        tx, shop, "Coins for a review", "review", rule, now, show_in_widget=True, actor="demo"
    )
    modes = ["link", "email", "coupon"]
    told = {"on": True, "modes": modes, "friend_offer": str(made[FRIEND].id), "coins": 200, "return_days": 0}
    return await change_shop(tx, shop, {"settings": TOLD.settings | {"referrals": told}}, now)


async def bring_friends(app: App, shop: Workspace) -> dict[str, str]:
    """Before anybody has ordered: whoever was told claims their coupon. The codes, by the orders that use them."""
    codes: dict[str, str] = {}
    told = _told(shop)
    for page in _pages(dict.fromkeys(told)):
        async with app.db.transaction() as tx:
            now = app.clock.now()
            known = await customers.ensure(tx, shop, [told[one][0].customer for one in page], now)
            for name in page:
                (_, order, _), who = told[name], known[name]
                assert isinstance(who, Ensured)
                claimed = await _claim(tx, shop, who.customer, order.customer.name, order.customer.email, now)
                if claimed and claimed.coupon and not claimed.repeated:
                    codes[order.reference_id] = claimed.coupon.coupon.code
    return codes


def with_coupons(placed: Iterable[OrderReport], codes: dict[str, str]) -> Iterator[OrderReport]:
    for order in placed:
        code = codes.get(order.reference_id)
        yield msgspec.structs.replace(order, coupon_codes=(code,)) if code else order


def _told(shop: Workspace) -> dict[str, list[OrderReport]]:
    """By who came back so often: their first order, and those of the two customers after them."""
    times: Counter[str] = Counter()
    first: dict[str, OrderReport] = {}
    for order in purchases(shop.zone):
        times[order.customer.customer_id] += 1
        first.setdefault(order.customer.customer_id, order)
    after = zip(first, islice(first.values(), 1, None), islice(first.values(), 2, None), strict=False)
    return {name: [first[name], one, other] for name, one, other in after if times[name] >= REVIEW_ORDERS}


async def _claim(
    tx: Tx, shop: Workspace, by: Customer, name: str, email: str, now: datetime, device: str = ""
) -> Claimed | None:
    """None: somebody else has told them."""
    with suppress(Refusal):
        friend = Friend(referral_code=by.referral_code, name=name, email=email, device=device)
        return await referrals.claim(tx, shop, friend, now)
    return None


async def _tell_others(app: App, shop: Workspace) -> None:
    """The rewards of those who told one; then, with two weeks in which orders come back: of every second of them
    another has given the code at the checkout, every fourth has invited somebody, and for every eighth three claim in
    one browser, of whom one is let go and one waits."""
    told = _told(shop)
    await _settle(app, shop)  # looked at
    await _settle(app, shop)  # and rewarded
    async with app.db.transaction() as tx:
        now, rules = app.clock.now(), shop.settings["referrals"] | {"return_days": 14}
        shop = await change_shop(tx, shop, {"settings": {"referrals": rules}}, now)
        names = [*told, *(others[2].customer.customer_id for others in told.values())]
        people = await customers.by_customer_ids(tx, shop.id, names)
        for number, name in enumerate(name for name in told if name in people):
            who, order = people[name], told[name][2]
            friend, code = people.get(order.customer.customer_id), who.referral_code
            if friend and number % 2 == 0:
                with suppress(Refusal):
                    await referrals.claim(tx, shop, Friend(referral_code=code, mode="coupon", who=friend), now)
                placed = await orders.find_named(tx, shop.id, [(SOURCE, order.reference_id)])
                await referrals.settle_orders(tx, shop, list(placed.values()), now)
            if number % 4 == 0:
                email = f"invited-by-{number}@cdnow.example"
                with suppress(Refusal):
                    await referrals.invite(tx, shop, Friend(referral_code=code, mode="email", email=email), now)
            for n in range(3 if number % 8 == 0 else 0):
                email = f"friend-{n}-of-{number}@cdnow.example"
                claimed = await _claim(tx, shop, who, f"A friend of {who.name}", email, now, device=f"demo {number}")
                if claimed and n == 2 and claimed.referral.review == "waiting":
                    why = "All three are one household."
                    await referrals.reject(tx, shop, claimed.referral.id, now, reason=why, actor="demo")
    await _settle(app, shop)


async def live(app: App, shop: Workspace) -> None:
    """What customers did with what was offered; done again, nothing is done twice."""
    spent_minor: Counter[str] = Counter()
    times: Counter[str] = Counter()
    gifts: list[str] = []
    for order in purchases(shop.zone):
        name = order.customer.customer_id
        spent_minor[name] += order.amount_minor
        times[name] += 1
        if order.amount_minor >= GIFT_FROM * 100:
            gifts.append(name)
    buyers = [name for name, spent in spent_minor.items() if spent >= SPENT_FROM * 100]
    writers = [name for name, count in times.items() if count >= REVIEW_ORDERS]
    for names in _pages(dict.fromkeys(buyers + gifts + writers)):
        async with app.db.transaction() as tx:
            now, people = app.clock.now(), await customers.by_customer_ids(tx, shop.id, names)
            offers = {offer.name: offer.id for offer in await rewards.list_offers(tx, shop.id)}
            bought = [_ask(people[n], offers[TEN_PERCENT], "manual_redeem") for n in people if n in buyers]
            given = [_ask(people[n], offers[GIFT], "reward") for n in people if n in gifts]
            issued = await rewards.issue(tx, shop, [*bought, *given], now)
            codes = [one.coupon.code for one in issued[: len(bought) : 3] if isinstance(one, Issued)]
            await rewards.redeem(tx, shop, [Use(code, f"demo-{code}", _CART) for code in codes], now)
            written = [_written(shop, people[n], now) for n in people if n in writers]
            for post in await triggers.post_reviews(tx, shop, written, now, actor="demo"):
                if isinstance(post, Post) and post.rating >= SHOWN_FROM:
                    await triggers.change_review(tx, shop, post.id, now, actor="demo", status="approved")
    await _tell_others(app, shop)


async def _settle(app: App, shop: Workspace) -> None:
    """What a worker would do, in whose place this is run too; where one does the same, one of them has to give way."""

    async def transact() -> None:
        async with app.db.transaction() as tx:
            now, most = app.clock.now(), limits.GATHER_ITEMS_MAX
            open_ = await referrals.referrals(tx, shop.id, state="qualified", limit=most)
            open_ += await referrals.referrals(tx, shop.id, state="pending", limit=most)
            await referrals.settle(tx, shop, [Due(referrals.SETTLE, str(one.id), now) for one in open_], now)

    await again_when_raced(transact)


def _pages(names: dict[str, None]) -> Iterator[list[str]]:
    left = iter(names)
    while page := list(islice(left, limits.GATHER_ITEMS_MAX)):
        yield page


def _ask(customer: Customer, offer_id: UUID, type: Literal["manual_redeem", "reward"]) -> Ask:
    return Ask(
        customer_id=customer.id, offer_id=offer_id, type=type, key=f"demo:{type}:{customer.customer_id}", actor="demo"
    )


def _written(shop: Workspace, customer: Customer, now: datetime) -> Post:
    """Chosen by the customer's number, so that it is the same each time."""
    number = int(customer.customer_id.removeprefix(f"{SOURCE}-"))
    rating, text = TOLD.said[number % len(TOLD.said)]
    product_id, product_name = TOLD.products[number % len(TOLD.products)]
    new = NewPost(product_id=product_id, product_name=product_name, rating=rating, text=text)
    return reviews.prepared(shop, new, customer, None, now)
