"""Offers, their terms, coupons and carts, and the arithmetic between them. Nothing here waits for anything."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit import units_of

Discount = Literal["amount", "percent", "free_shipping", "free_product"]
Target = Literal["cart", "products", "collections"]
Price = Literal["free", "fixed", "dynamic"]
CodeSource = Literal["generated", "fixed", "list", "partner"]
Period = Literal["day", "week", "month", "year"]
Type = Literal["manual_redeem", "reward", "referral", "tier", "import"]
Status = Literal["issued", "redeemed", "expired", "cancelled"]
Discounted = Literal["", "making", "remaking", "made", "removing", "gone", "failed"]

Coins = Annotated[int, Meta(ge=0, le=limits.COINS_MAX)]
Money = Annotated[float, Meta(ge=0, le=limits.COINS_MAX)]
Many = Annotated[int, Meta(ge=0, le=limits.OFFER_STOCK_MAX)]
WallClock = Annotated[str, Meta(max_length=20, examples=["2026-11-27"])]
Names = Annotated[tuple[Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)], ...], Meta(max_length=100)]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an offer gives, for how much, to whom, how often. Amounts are in units of the shop's currency; 0 and '' are
    no limit. Of a dynamic price `value` and `coins` are those of one step."""

    discount: Discount = "amount"
    value: Annotated[
        Money, Meta(title="Discount", description="An amount or a percentage; of a dynamic price that of one step.")
    ] = 0.0
    value_max: Annotated[Money, Meta(title="At most", description="A percentage takes off no more than this.")] = 0.0
    target: Annotated[Target, Meta(title="Takes off", description="What the discount is counted on.")] = "cart"
    targets: Annotated[
        Names, Meta(title="Products or collections", description="Ids of products, or names of collections.")
    ] = ()
    price: Annotated[
        Price,
        Meta(
            title="Price",
            description="`free` is only given, never bought; `dynamic`: the customer chooses how many steps.",
        ),
    ] = "free"
    coins: Annotated[Coins, Meta(title="Coins", examples=[500])] = 0
    steps_min: Annotated[int, Meta(title="Fewest steps", ge=1, le=limits.OFFER_STEPS_MAX)] = 1
    steps_max: Annotated[int, Meta(title="Most steps", ge=1, le=limits.OFFER_STEPS_MAX)] = 1
    minimum_cart: Annotated[Money, Meta(title="Minimum cart amount")] = 0.0
    expires_after_days: Annotated[
        int, Meta(title="Expires after days", ge=0, le=limits.EXPIRE_AFTER_MAX, description="Since it was issued.")
    ] = 0
    expires_on: Annotated[WallClock, Meta(title="Expires on", description="Coupons are good until this day ends.")] = ""
    combines: Annotated[bool, Meta(title="Can be combined with other coupons")] = False
    first_order_only: Annotated[bool, Meta(title="Only for a first order")] = False
    tiers: Annotated[Names, Meta(title="Only for tiers", description="None: for everybody.")] = ()
    segments: Annotated[
        tuple[UUID, ...],
        Meta(title="Only for segments", description="Who is in any of them; others don't see it. None: for everybody.",
             max_length=limits.SEGMENTS_MAX),
    ] = ()  # fmt: skip
    balance_min: Annotated[Coins, Meta(title="Only from a balance of")] = 0
    stock: Annotated[Many, Meta(title="How many in all")] = 0
    per_customer_max: Annotated[Many, Meta(title="How many for each customer")] = 0
    per_period_max: Annotated[Many, Meta(title="How many for each customer in a period")] = 0
    period: Annotated[Period, Meta(title="Period")] = "month"
    budget: Annotated[
        Money, Meta(title="Budget", description="Nothing more is issued once its coupons have taken off this much.")
    ] = 0.0
    starts_at: Annotated[WallClock, Meta(title="From")] = ""
    ends_at: Annotated[WallClock, Meta(title="Until")] = ""
    code: Annotated[
        CodeSource,
        Meta(
            title="Codes",
            description="Drawn for each coupon, one for everybody, or of a list that you upload; `partner`: of the shop"
            " whose offer it is.",
        ),
    ] = "generated"
    code_prefix: Annotated[str, Meta(title="Codes begin with", pattern="^[A-Z0-9-]{0,12}$")] = ""
    fixed_code: Annotated[str, Meta(title="The code", pattern="^[A-Za-z0-9_-]{0,40}$")] = ""
    codes_low: Annotated[Many, Meta(title="Warn when so many codes are left")] = 100
    back_when_void: Annotated[
        bool, Meta(title="Can be used again when its order is cancelled or refunded whole, until it expires")
    ] = True
    coins_back_when_cancelled: Annotated[bool, Meta(title="Coins go back when it is cancelled")] = True
    coins_back_when_expired: Annotated[bool, Meta(title="Coins go back when it expires unused")] = False
    title: Annotated[
        str,
        Meta(
            title="Title", max_length=limits.TITLE_CHARS_MAX, description="What the coupon is called; else its terms."
        ),
    ] = ""
    description: Annotated[str, Meta(title="Description", max_length=limits.DESCRIPTION_CHARS_MAX)] = ""
    icon: Annotated[
        str, Meta(title="Icon", max_length=limits.URI_CHARS_MAX, description="An address, or a name the widget knows.")
    ] = ""

    @property
    def steps(self) -> range:
        """How many of them a customer may choose."""
        return range(self.steps_min, self.steps_max + 1) if self.price == "dynamic" else range(1, 2)

    @property
    def counted(self) -> bool:
        """Whether what other customers have counts."""
        return bool(self.stock or self.budget)


class Offer(msgspec.Struct, frozen=True):
    """An offer at its newest version, in the order of the columns. Other shops may ask for one that is `public`."""

    id: UUID
    version: int
    name: str
    active: bool
    show_in_widget: bool
    place: int
    terms: Terms
    issued: int
    taken_off_minor: int
    created_at: datetime
    updated_at: datetime
    public: bool = False


class OfferVersion(msgspec.Struct, frozen=True):
    version: int
    terms: Terms
    actor: str
    created_at: datetime


class Coupon(msgspec.Struct, frozen=True, gc=False):
    """In the order of the columns. What it is worth stands in its offer's version: see `Terms`. `discount` is what
    there is of it at the shop's platform: see `discounting`."""

    id: UUID
    offer_id: UUID
    offer_version: int
    customer_id: UUID
    type: Type
    status: Status
    code: str
    code_key: str
    shared: bool
    steps: int
    coins: int
    txn_id: UUID | None
    firing_id: UUID | None
    key: str | None
    reference: str
    order_id: UUID | None
    taken_off_minor: int | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    source_id: UUID | None = None
    discount: Discounted = ""
    discount_said: str = ""

    @property
    def stands_in(self) -> bool:
        """For a coupon of another shop, whose code is good there alone."""
        return self.code_key.startswith("pair:")

    def expired_at(self, now: datetime) -> bool:
        return self.status == "expired" or (
            self.status == "issued" and self.expires_at is not None and self.expires_at <= now
        )


class Ask(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A coupon for one customer: bought, at the offer's price, or given (any other `type` than manual_redeem).

    `step` is how many steps of a dynamic price; `coin_amount` what the caller takes for the price, only compared. The
    same `key` is the same coupon for ever. `at_door`: whoever asks has the discount made at the platform themselves.
    `for_shop`: for another shop to hand on, whose customers are not counted here."""

    customer_id: UUID
    offer_id: UUID
    type: Type = "manual_redeem"
    step: int | None = None
    coin_amount: int | None = None
    key: str | None = None
    firing_id: UUID | None = None
    cause_id: UUID | None = None
    depth: int = 0
    actor: str = ""
    at_door: bool = False
    for_shop: bool = False

    @property
    def bought(self) -> bool:
        return self.type == "manual_redeem"


def paired(workspace_id: UUID, pair: UUID | str) -> str:
    """What names a coupon of that shop in its pair here: as its key, or as its code's if it stands in for it."""
    return f"pair:{workspace_id}:{pair}"


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    product_id: str = ""
    amount_minor: int = 0
    quantity: int = 1
    collections: tuple[str, ...] = ()


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be bought. `codes` are the others that stand in it."""

    amount_minor: int
    lines: tuple[CartLine, ...] = ()
    shipping_minor: int = 0
    codes: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """A coupon, the terms it was issued under, and what it takes off the cart; None where no cart was given."""

    coupon: Coupon
    terms: Terms
    taken_off_minor: int | None


def value_of(terms: Terms, steps: int) -> float:
    return terms.value * steps


def fiat(terms: Terms, steps: int) -> tuple[str, float, str]:
    """What events and the older API call fiat_class, fiat_value and fiat_target."""
    match terms.discount:
        case "free_shipping":
            return "percent", 100, "shipping"
        case "free_product":
            return "percent", 100, "product"
        case "percent" | "amount":
            value = value_of(terms, steps)
            return terms.discount, int(value) if value == int(value) else value, terms.target


def worth(terms: Terms, steps: int, cart: Cart, currency_code: str) -> int:
    """What it takes off this cart, in minor units; never more than what it is counted on."""
    units = units_of(currency_code)
    if terms.discount == "free_shipping":
        return cart.shipping_minor
    base = cart.amount_minor if terms.target == "cart" else sum(line.amount_minor for line in _meant(terms, cart))
    if terms.discount == "free_product":
        return min((line.amount_minor // max(1, line.quantity) for line in _meant(terms, cart)), default=0)
    if terms.discount == "amount":
        return min(base, round(value_of(terms, steps) * units))
    off = round(base * value_of(terms, steps) / 100)
    return min(base, off, round(terms.value_max * units) if terms.value_max else off)


def _meant(terms: Terms, cart: Cart) -> list[CartLine]:
    wanted = set(terms.targets)
    if terms.target == "collections":
        return [line for line in cart.lines if wanted & set(line.collections)]
    return [line for line in cart.lines if line.product_id in wanted]
