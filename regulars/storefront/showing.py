"""What a shop's own pages show: its programme, and what one customer has in it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import events, ledger, limits, orders, rewards, tiers, triggers
from regulars.api.merchant.items import TriggerItem, TxnItem, trigger_item, txn_item
from regulars.customers import Customer
from regulars.kit import Reading, Refusal, copied
from regulars.ledger import Balance, InsufficientBalance, Purse
from regulars.rewards import Coupon, Offer, Terms
from regulars.rewards.model import value_of
from regulars.storefront.theme import RIGHT_TO_LEFT, Language, Theme, table, theme_of
from regulars.tenancy import Workspace
from regulars.tiers import Tier
from regulars.tiers.model import Measures


class Way(msgspec.Struct, frozen=True):
    """A way to earn. `left` is what is left of its limits, by `day`, `month` and `customer`."""

    trigger: TriggerItem
    left: dict[str, int]
    done: bool


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """`title` and `description` are the shop's; where it gives none they follow from the rest."""

    id: UUID
    discount: str
    value: float
    minimum_cart: float
    title: str
    description: str


class Deal(Discount, frozen=True, kw_only=True):
    """An offer; `coins` is what it costs, or one step of it. `can`: they can have it now. `missing` is how many coins
    they lack for it, `why` the code of anything else that stands against it."""

    icon: str
    coins: int
    steps_min: int
    steps_max: int
    tiers: tuple[str, ...]
    can: bool = False
    missing: int = 0
    why: str = ""


class Slip(Discount, frozen=True, kw_only=True):
    """A coupon that they have or had."""

    code: str
    status: str
    expires_at: datetime | None


class Bought(msgspec.Struct, frozen=True):
    name: str
    amount_minor: int
    currency_code: str
    coins_rewarded: int
    placed_at: datetime


class Unreviewed(msgspec.Struct, frozen=True):
    """A product that they bought; `link` is where they write of it."""

    name: str
    link: str


class Has(msgspec.Struct, frozen=True):
    """What one customer has. The lists are the newest first, and end at limits.STOREFRONT_ITEMS_MAX. `tier` is the key
    of the one they are in, `next_tier` of the one after it, for which `reached` is what they have reached."""

    customer: str
    purse: Purse
    tier: str = ""
    until: datetime | None = None
    next_tier: str = ""
    reached: Measures = Measures()
    history: list[TxnItem] = []
    coupons: list[Slip] = []
    orders: list[Bought] = []
    referral_code: str = ""
    referral_link: str = ""
    to_review: list[Unreviewed] = []


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The programme, and what this customer has in it; null for somebody who is not signed in. `token` is a fresh one,
    of whom a digest proved."""

    name: str
    uri: str
    coin_name: str
    currency_code: str
    time_zone: str
    theme: Theme
    language: Language
    right_to_left: bool
    words: dict[str, str]
    ways: list[Way]
    offers: list[Deal]
    tiers: list[Tier]
    me: Has | None = None
    token: str = ""


async def show(
    tx: Reading,
    shop: Workspace,
    language: Language,
    now: datetime,
    customer: Customer | None = None,
    tier: str | None = None,
    to_review: list[Unreviewed] | None = None,
) -> Shown:
    """A fixed number of statements, whatever there is; each by the customer's or the shop's key. With a `tier` it
    leaves out what is not for those in it."""
    theme, ladder = theme_of(shop), (await tiers.ladder_of(tx, shop.id)).ladder
    ways = [one for one in await triggers.list_triggers(tx, shop.id) if one.active and one.show_in_widget]
    offers = [
        one
        for one in await rewards.list_offers(tx, shop.id)
        if one.show_in_widget
        and not rewards.closed(one, now, shop.zone)
        and (tier is None or not one.terms.tiers or tier.lower() in map(str.lower, one.terms.tiers))
    ]
    left = await triggers.left(tx, shop, ways, customer.id, now) if customer else {}
    no = await rewards.foreseen(tx, shop, customer, offers, now) if customer else {}
    offers = [one for one in offers if one.id in no or not (customer or one.terms.segments)]
    been = {"customer_created"} if customer else set()  # whoever is known is a customer already
    chances = [(trigger_item(one, shop.coin_name, shop.currency_symbol), left.get(one.id, {}), one) for one in ways]
    return copied(
        Shown,
        shop,
        theme=msgspec.structs.replace(theme, words={}, origins=()),
        language=language,
        right_to_left=language in RIGHT_TO_LEFT,
        words=table(language) | theme.words,
        ways=[Way(item, of, 0 in of.values() or one.source in been) for item, of, one in chances],
        offers=[_deal(one, no.get(one.id), known=customer is not None) for one in offers],
        tiers=list(ladder.tiers),
        me=await _has(tx, shop, customer, now, to_review or []) if customer else None,
        token="",
    )


def _deal(offer: Offer, no: Refusal | None, *, known: bool) -> Deal:
    terms, steps = offer.terms, offer.terms.steps
    missing = no.missing if isinstance(no, InsufficientBalance) else 0
    why = no.code if no and not missing else ""
    more = {"steps_min": steps[0], "steps_max": steps[-1], "can": known and no is None, "missing": missing, "why": why}
    return copied(Deal, terms, offer, **more)


def with_somebody(shown: Shown, now: datetime) -> Shown:
    """Who is made up and has some coins, for a shop to look at."""
    coins, (tier, following) = 480, ([one.key for one in shown.tiers] + ["", ""])[:2]
    purse = Purse(Balance(available=coins), [(now + timedelta(days=30), 120)], [])
    link, bought = f"{shown.uri or 'https://shop.example'}/r/asha", [Unreviewed("Snowboard", "#")]
    me = Has("Asha Rao", purse, tier, None, following, referral_link=link, to_review=bought)
    offers = [
        msgspec.structs.replace(one, can=one.coins <= coins, missing=max(0, one.coins - coins)) for one in shown.offers
    ]
    return msgspec.structs.replace(shown, me=me, offers=offers)


async def _has(tx: Reading, shop: Workspace, customer: Customer, now: datetime, to_review: list[Unreviewed]) -> Has:
    most = limits.STOREFRONT_ITEMS_MAX
    coupons, terms = await rewards.coupons(tx, shop.id, customer_id=customer.id, limit=most)
    stands = await tiers.standing_of(tx, shop, customer, now)
    return copied(
        Has,
        stands.standing,
        stands,
        customer,
        customer=customer.name,
        purse=await ledger.purse(tx, shop, customer.id, now),
        history=[txn_item(txn) for txn in await ledger.txns_of(tx, shop.id, customer.id, limit=most)],
        coupons=[slip(one, terms[one.offer_id, one.offer_version], now) for one in coupons],
        orders=[copied(Bought, order) for order in await orders.orders_of(tx, shop.id, customer.id, limit=most)],
        referral_link=events.referral_link(events.business(shop), customer.referral_code),
        to_review=to_review,
    )


def slip(coupon: Coupon, terms: Terms, now: datetime) -> Slip:
    status = "expired" if coupon.expired_at(now) else coupon.status
    return copied(Slip, coupon, terms, value=value_of(terms, coupon.steps), status=status)
