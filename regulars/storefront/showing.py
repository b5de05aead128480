"""What a shop's own pages show: its programme, and what one customer has in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import events, ledger, limits, orders, rewards, tiers, triggers
from regulars.customers import Customer
from regulars.kit.db import Reading
from regulars.kit.errors import Refusal
from regulars.kit.shapes import copied
from regulars.ledger import InsufficientBalance
from regulars.rewards import Coupon, Offer, OfferClosed, Terms
from regulars.rewards.model import value_of
from regulars.storefront.theme import RIGHT_TO_LEFT, Language, Theme, table, theme_of
from regulars.tenancy import Workspace
from regulars.tiers import Ladder
from regulars.triggers import Trigger


class Way(msgspec.Struct, frozen=True):
    """A way to earn. `left` is what is left of its limits, by `day`, `month` and `customer`."""

    id: UUID
    kind: str
    source: str
    title: str
    description: str
    icon: str
    link: str
    coins_min: int
    coins_max: int
    coins_per_unit: int
    left: dict[str, int] = {}
    done: bool = False


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """`title` and `description` are the shop's; where it gives none they follow from the rest."""

    discount: str
    value: float
    minimum_cart: float
    title: str
    description: str


class Deal(Discount, frozen=True, kw_only=True):
    """An offer that coins buy: `coins` is what it costs, or one step of it. `can`: they can have it now. `missing` is
    how many coins it lacks; `why` is the code of anything else that stands against it."""

    id: UUID
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

    id: UUID
    code: str
    status: str
    expires_at: datetime | None


class Step(msgspec.Struct, frozen=True):
    """A step of the ladder."""

    key: str
    name: str
    icon: str
    colour: str
    perks: tuple[str, ...]


class Needed(msgspec.Struct, frozen=True):
    """`what` is one of a tier's needs: earned, available, spent, orders."""

    what: str
    reached: float
    asked: float


class Place(msgspec.Struct, frozen=True):
    """Where they stand: the `key` of a step, empty for none; what the next one asks, of which `any` or all."""

    key: str
    until: datetime | None
    next: str
    any: bool
    needs: list[Needed]


class Dated(msgspec.Struct, frozen=True):
    at: datetime
    coins: int


class Line(msgspec.Struct, frozen=True):
    """Of their history; `coins` is below zero where they were taken."""

    title: str
    type: str
    status: str
    coins: int
    at: datetime


class Bought(msgspec.Struct, frozen=True):
    name: str
    amount: float
    currency_code: str
    coins: int
    at: datetime


class Programme(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may see."""

    name: str
    uri: str
    coins: str
    currency_code: str
    time_zone: str
    theme: Theme
    language: Language
    right_to_left: bool
    words: dict[str, str]
    ways: list[Way]
    offers: list[Deal]
    tiers: list[Step]


class Has(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer has. The lists are the newest first, and end at limits.STOREFRONT_ITEMS_MAX."""

    customer: str
    available: int
    pending: int
    held: int
    debt: int
    activates: list[Dated]
    expires: list[Dated]
    history: list[Line]
    coupons: list[Slip]
    orders: list[Bought]
    place: Place | None
    referral_code: str
    referral_link: str


class Me(Programme, frozen=True, kw_only=True):
    """`token` is a fresh one, of who was proven by a digest."""

    me: Has | None = None
    token: str = ""


async def programme(tx: Reading, shop: Workspace, language: Language, *, tier: str | None = None) -> Me:
    """As somebody sees it who is not signed in; with `tier`, what those in that tier may have."""
    ladder = (await tiers.ladder_of(tx, shop.id)).ladder
    ways, offers = await _ways(tx, shop), await _offers(tx, shop)
    if tier is not None:
        offers = [one for one in offers if not one.terms.tiers or tier.lower() in map(str.lower, one.terms.tiers)]
    return _shown(shop, language, ladder, [_way(one) for one in ways], [_deal(one) for one in offers])


async def show(tx: Reading, shop: Workspace, customer: Customer, language: Language, now: datetime) -> Me:
    """A fixed number of statements, whatever there is; each by the customer's or the shop's key."""
    ladder = (await tiers.ladder_of(tx, shop.id)).ladder
    ways, offers = await _ways(tx, shop), await _offers(tx, shop)
    left = await triggers.left(tx, shop, ways, customer.id, now)
    against = await rewards.foreseen(tx, shop, customer, offers, now)
    shown = _shown(
        shop,
        language,
        ladder,
        [_way(one, left.get(one.id)) for one in ways],
        [_deal(one, no, known=True) for one in offers if not isinstance(no := against[one.id], OfferClosed)],
    )
    place = await _place(tx, shop, ladder, customer, now) if ladder.tiers else None
    return msgspec.structs.replace(shown, me=await _has(tx, shop, customer, place, now))


def _shown(shop: Workspace, language: Language, ladder: Ladder, ways: list[Way], offers: list[Deal]) -> Me:
    theme = theme_of(shop)
    return Me(
        name=shop.name,
        uri=shop.uri,
        coins=shop.coin_name,
        currency_code=shop.currency_code,
        time_zone=shop.time_zone,
        theme=msgspec.structs.replace(theme, words={}, origins=()),
        language=language,
        right_to_left=language in RIGHT_TO_LEFT,
        words=table(language) | theme.words,
        ways=ways,
        offers=offers,
        tiers=[copied(Step, tier) for tier in ladder.tiers],
    )


async def _ways(tx: Reading, shop: Workspace) -> list[Trigger]:
    return [one for one in await triggers.list_triggers(tx, shop.id) if one.active and one.show_in_widget]


async def _offers(tx: Reading, shop: Workspace) -> list[Offer]:
    found = await rewards.list_offers(tx, shop.id)
    return [one for one in found if one.active and one.show_in_widget and one.terms.price != "free"]


def _way(trigger: Trigger, left: dict[str, int] | None = None) -> Way:
    """`left` is None where there are no limits, or where nobody is signed in."""
    content, rule = trigger.content, trigger.rule
    # Whoever is signed in is a customer already.
    done = left is not None and (0 in left.values() or trigger.source == "customer_created")
    words = {
        "title": content.title or rule.title or trigger.name,
        "description": content.description or rule.description,
    }
    return copied(Way, content, trigger, rule, **words, left=left or {}, done=done)


def _deal(offer: Offer, no: Refusal | None = None, *, known: bool = False) -> Deal:
    terms, steps = offer.terms, offer.terms.steps
    missing = no.missing if isinstance(no, InsufficientBalance) else 0
    why = no.code if no and not missing else ""
    more = {"steps_min": steps[0], "steps_max": steps[-1], "can": known and no is None, "missing": missing, "why": why}
    return copied(Deal, terms, offer, **more)


async def _place(tx: Reading, shop: Workspace, ladder: Ladder, customer: Customer, now: datetime) -> Place:
    stands = await tiers.standing_of(tx, shop, customer, now)
    following = ladder.tiers[at] if (at := ladder.place(stands.next_tier)) >= 0 else None
    asked = following.enter.asked() if following else {}
    needs = [Needed(name, getattr(stands.reached, name), most) for name, most in asked.items()]
    any_ = following is not None and following.match == "any" and len(needs) > 1
    return Place(stands.standing.tier, stands.standing.until, stands.next_tier, any_, needs)


async def _has(tx: Reading, shop: Workspace, customer: Customer, place: Place | None, now: datetime) -> Has:
    most = limits.STOREFRONT_ITEMS_MAX
    purse = await ledger.purse(tx, shop, customer.id, now)
    coupons, terms = await rewards.coupons(tx, shop.id, customer_id=customer.id, limit=most)
    business = events.business(shop)
    link = f"{business.referral_link_base}/r/{customer.referral_code}" if business.referral_link_base else ""
    return Has(
        customer=customer.name,
        **{name: getattr(purse.balance, name) for name in ("available", "pending", "held", "debt")},
        activates=_dated(purse.activates),
        expires=_dated(purse.expires),
        history=[
            Line(txn.title, txn.type, txn.status, txn.amount if txn.operation == "cr" else -txn.amount, txn.occurred_at)
            for txn in await ledger.txns_of(tx, shop.id, customer.id, limit=most)
        ],
        coupons=[_slip(one, terms[one.offer_id, one.offer_version], now) for one in coupons],
        orders=[
            Bought(
                order.name or order.reference_id,
                events.major_units(order.amount_minor, order.currency_code),
                order.currency_code,
                order.coins_rewarded,
                order.placed_at,
            )
            for order in await orders.orders_of(tx, shop.id, customer.id, limit=most)
        ],
        place=place,
        referral_code=customer.referral_code,
        referral_link=link,
    )


def _slip(coupon: Coupon, terms: Terms, now: datetime) -> Slip:
    status = "expired" if coupon.expired_at(now) else coupon.status
    return copied(Slip, coupon, terms, value=value_of(terms, coupon.steps), status=status)


def slip(coupon: Coupon, terms: Terms) -> Slip:
    """One that was issued just now."""
    return _slip(coupon, terms, coupon.created_at)


def _dated(found: Sequence[tuple[datetime, int]]) -> list[Dated]:
    return [Dated(*one) for one in found[: limits.STOREFRONT_DATES_MAX]]
