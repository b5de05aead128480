"""What the demo's shop offers besides coins, and what its customers make of it: by rules, from what they really bought.

Whoever spent SPENT_FROM buys ten percent off, and every third of them uses it at once; whoever spent GIFT_FROM in one
order is given a gift; whoever came back REVIEW_ORDERS times says what they think, which is shown
from SHOWN_FROM stars on and else waits to be looked at.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Literal
from uuid import UUID

from regulars import customers, limits, reviews, rewards, tiers, triggers
from regulars.customers import Customer
from regulars.demo.purchases import SOURCE, purchases
from regulars.kit import Tx
from regulars.reviews import NewPost, Post
from regulars.rewards import Ask, Cart, Issued, Terms, Use
from regulars.tenancy import Workspace
from regulars.tiers import Ladder, Needs, Tier
from regulars.triggers import Rule
from regulars.wiring import App, change_shop

SPENT_FROM, GIFT_FROM, REVIEW_ORDERS, SHOWN_FROM = 600, 200, 20, 4

_CART = Cart(amount_minor=4_000)
TEN_PERCENT, SHIPPING, GIFT = "Ten percent off", "Free shipping", "A thank you"
OFFERS = {
    TEN_PERCENT: Terms(discount="percent", value=10, value_max=25, price="fixed", coins=250, expires_after_days=60),
    SHIPPING: Terms(discount="free_shipping", price="fixed", coins=100, minimum_cart=20, expires_after_days=30),
    GIFT: Terms(value=5, minimum_cart=25, expires_after_days=90, code_prefix="THANKS-"),
}
LADDER = Ladder(
    tiers=(
        Tier(key="listener", name="Listener", enter=Needs(spent=100), colour="#8a6d3b"),
        Tier(key="collector", name="Collector", enter=Needs(spent=300), colour="#6b7280", factors={"order": 1.25}),
        Tier(key="curator", name="Curator", enter=Needs(spent=1000), colour="#b8860b", factors={"order": 1.5}),
    ),
    term_months=0,
)
REMINDERS = {"unused_days": 30, "unused_balance_min": 100, "coupon_days": 7, "review_days": 5}
_KINDS = (("cd-classical", "Classical CD"), ("cd-jazz", "Jazz CD"), ("cd-rock", "Rock CD"))
_SAID = (
    (5, "Came quickly, and plays without a skip."),
    (4, "Good recording. The case was cracked."),
    (5, "I buy here every month."),
    (2, "Two weeks late."),
    (3, "As described, no more."),
)


async def begin(tx: Tx, shop: Workspace, now: datetime) -> Workspace:
    """The shop, with its offers, its ladder, its reminders and coins for reviews."""
    for name, terms in OFFERS.items():
        await rewards.create_offer(tx, shop, name, terms, now, actor="demo")
    await tiers.change_ladder(tx, shop, LADDER, now, actor="demo")
    rule = Rule(title="Review", coins_min=20, coins_max=20)
    await triggers.create_trigger(
        tx, shop, "Coins for a review", "review", rule, now, show_in_widget=True, actor="demo"
    )
    return await change_shop(tx, shop, {"settings": {"reminders": REMINDERS}}, now)


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
    rating, text = _SAID[number % len(_SAID)]
    product_id, product_name = _KINDS[number % len(_KINDS)]
    new = NewPost(product_id=product_id, product_name=product_name, rating=rating, text=text)
    return reviews.prepared(shop, new, customer, None, now)
