"""Offers and the coupons issued from them."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, BinaryIO, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from regulars import customers, events, limits, rewards, tenancy
from regulars.api.management.api import DatedQuery, asked, asked_of, management, only, page_of
from regulars.api.management.items import Whose, named, whose
from regulars.api.operations import Call, NoQuery, tried
from regulars.api.resources import Resource
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.kit import Listed, Page, Partial, Reading, Refusal, Shown, Tx, copied, invalid, showing
from regulars.orders.model import minor_units
from regulars.orders.reported import Money
from regulars.rewards import Ask, Cart, CartLine, Coupon, Offer, Status, Terms, Uploaded, Use, Verdict
from regulars.rewards.model import fiat
from regulars.tenancy import Workspace

Code = Annotated[str, Meta(min_length=1, max_length=limits.COUPON_CODE_CHARS_MAX)]


class TermsGiven(Partial[Terms], frozen=True):
    """What an offer gives, for how much, to whom, how often. Amounts are in units of the shop's currency; 0 and '' are
    no limit."""


class OfferSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Five dollars off"])]
    terms: Annotated[TermsGiven, Meta(examples=[{"discount": "amount", "value": 5, "price": "fixed", "coins": 100}])]
    active: bool = True
    show_in_widget: bool = True
    public: Annotated[bool, Meta(description="Other shops on this server may see it, and ask to sell it.")] = False


class NewOffer(OfferSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An offer, the last in the widget's order."""


class OfferChange(Partial[OfferSettings], frozen=True, kw_only=True):
    """Only what is given changes, within the terms too. Other terms are a new version: coupons that are out keep the
    ones they were issued under."""

    place: Annotated[int, Meta(ge=1, le=limits.OFFERS_MAX, description="In the widget, 1 first.")] | UnsetType = UNSET


class OfferItem(Shown[Offer], frozen=True, kw_only=True):
    """An offer at its newest version; `sentence` says it in words. `issued` and `taken_off_minor` are counted where
    there is a stock or a budget; `codes_left` where codes come from a list."""

    sentence: str
    codes_left: int | None


class OfferVersionItem(rewards.OfferVersion, frozen=True, kw_only=True):
    sentence: str


class UploadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rehearse: Annotated[Literal["true", "false"], Meta(description="`true`: only say what would come of it.")] = "false"


@showing(
    "id customer offer_id offer_version type status code name description fiat_class fiat_value fiat_target"
    " minimum_cart coins reference order_id taken_off expires_at created_at updated_at discount discount_said",
    Coupon,
    Terms,
)
class CouponItem(msgspec.Struct):
    """`fiat_class`, `fiat_value` and `fiat_target` say what it takes off, as events do; `coins` is what was paid for
    it, `taken_off` what it took off where it was used, if that is known. `reference` is what it was redeemed for.
    `discount` is how it stands at the platform that makes it too: '' where none does; `discount_said` what that said
    against it."""

    customer: Whose
    name: str
    description: str
    fiat_class: str
    fiat_value: int | float
    fiat_target: str
    taken_off: int | float | None


class CouponQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    offer_id: UUID | None = None
    customer_id: CustomerId | None = None
    status: Status | None = None
    code: (
        Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, description="A whole code; several have a shared one.")]
        | None
    ) = None


class NewCoupon(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For the customer with this `id`: given, or bought with their coins. `step` is how many steps of a dynamic price;
    `coin_amount` what you take for the price, only compared."""

    offer_id: UUID
    customer: Annotated[UUID, Meta(description="The customer's id here.")]
    bought: bool = False
    step: Annotated[int, Meta(ge=1, le=limits.OFFER_STEPS_MAX)] | None = None
    coin_amount: Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)] | None = None


class CartLineGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`amount` is for the whole quantity."""

    product_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] = ""
    quantity: Annotated[int, Meta(ge=1, le=limits.ORDER_ITEMS_MAX)] = 1
    amount: Money = "0"
    collections: Annotated[tuple[str, ...], Meta(max_length=limits.ORDER_LABELS_MAX)] = ()


class CartGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is about to be bought, in the shop's currency; `codes` are the others that stand in the cart."""

    amount: Annotated[Money, Meta(examples=["84.90"])]
    shipping: Money = "0"
    lines: Annotated[tuple[CartLineGiven, ...], Meta(max_length=limits.ORDER_LINES_MAX)] = ()
    codes: Annotated[tuple[Code, ...], Meta(max_length=limits.ORDER_LABELS_MAX)] = ()


class Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`customer_id`, the shop's own, is needed of a code that everybody has."""

    customer_id: CustomerId | None = None
    cart: CartGiven | None = None


class Redemption(Validation, frozen=True, forbid_unknown_fields=True, kw_only=True):
    reference: Annotated[
        str, Meta(min_length=1, max_length=limits.ORDER_ID_CHARS_MAX, description="The order, as the shop calls it.",
                  examples=["1028"]),
    ]  # fmt: skip


class VerdictItem(msgspec.Struct, frozen=True):
    """`taken_off` is what it takes off the cart, in the shop's currency; null where none was given."""

    coupon: CouponItem
    taken_off: int | float | None


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Offer]) -> list[OfferItem]:
    left = await rewards.codes_left(tx, call.workspace_id, [one.id for one in found if one.terms.code == "list"])
    return [
        copied(OfferItem, one, sentence=rewards.offer_sentence(one.terms, call.workspace), codes_left=left.get(one.id))
        for one in found
    ]


offers = Resource(management, "/offers", OfferItem, tag="Offers", one="offer", says=_said)
offers.all("All offers", rewards.list_offers, "In the order in which the widget shows them.")
offers.each(rewards.find_offer)


@offers.create("Create an offer", about=("name",))
def create_offer(call: Call[NoQuery, NewOffer], tx: Tx) -> Awaitable[Offer]:
    given = asdict(call.body) | {"terms": Terms(**call.body.terms.given())}
    return rewards.create_offer(tx, call.workspace, now=call.now, actor=call.caller.actor, **given)


@offers.change("Change an offer", about=("version",))
async def change_offer(call: Call[NoQuery, OfferChange], tx: Tx) -> Offer:
    offer, changes = await rewards.find_offer(tx, call.workspace_id, call.path_id()), call.body.given()
    if "terms" in changes:
        changes["terms"] = changes["terms"].over(offer.terms)
    return await rewards.change_offer(tx, call.workspace, offer.id, changes, call.now, actor=call.caller.actor)


@management.get("/offers/{id}/versions", "An offer's versions", tag="Offers")
async def list_offer_versions(call: Call[NoQuery, None], tx: Reading) -> Listed[OfferVersionItem]:
    """Newest first."""
    offer = await rewards.find_offer(tx, call.workspace_id, call.path_id())
    found = await rewards.versions_of(tx, call.workspace_id, offer.id)
    return Listed(
        [copied(OfferVersionItem, one, sentence=rewards.offer_sentence(one.terms, call.workspace)) for one in found]
    )


@management.post("/offers/{id}/codes", "Upload codes", tag="Offers", stored=False)
async def upload_codes(call: Call[UploadQuery, BinaryIO], tx: Tx) -> Uploaded:
    """The body is a text with a code a line (of a CSV the first column), up to 200,000. What is known already, or comes
    twice, is refused by line, and the rest is taken."""
    lines = rewards.lines_of(call.body)
    rehearsed = call.query.rehearse == "true"
    came = await rewards.upload(tx, call.workspace_id, call.path_id(), lines, rehearsed=rehearsed)
    if not rehearsed:
        await call.audit(tx, "offer.codes", call.path_id(), added=came.added, refused=came.refused)
    return came


async def coupon_items(
    tx: Reading, shop: Workspace, found: Sequence[Coupon], terms: dict[tuple[UUID, int], Terms], now: datetime
) -> list[CouponItem]:
    people, code = await whose(tx, shop, found), shop.currency_code
    items = []
    for one in found:
        its = terms[one.offer_id, one.offer_version]
        fiat_class, fiat_value, fiat_target = fiat(its, one.steps)
        off = one.taken_off_minor
        items.append(
            copied(
                CouponItem,
                one,
                its,
                customer=named(people[one.customer_id]),
                name=rewards.coupon_name(its, one.steps, shop),
                description=rewards.coupon_description(its, shop),
                fiat_class=fiat_class,
                fiat_value=fiat_value,
                fiat_target=fiat_target,
                taken_off=None if off is None else events.major_units(off, code),
                status="expired" if one.expired_at(now) else one.status,
            )
        )
    return items


async def _one(call: Call[Any, Any], tx: Reading, coupon: Coupon, terms: Terms) -> CouponItem:
    its = {(coupon.offer_id, coupon.offer_version): terms}
    (item,) = await coupon_items(tx, call.workspace, [coupon], its, call.now)
    return item


@management.get("/coupons", "Coupons", tag="Coupons")
async def list_coupons(call: Call[CouponQuery, None], tx: Reading) -> Page[CouponItem]:
    """Newest first; every condition that is given must hold."""
    wanted = asked(call.query) | {"customer_id": await asked_of(call, tx)}
    found, terms = await rewards.coupons(tx, call.workspace_id, **wanted)
    items, after = page_of(found, call.query.limit)
    return Page(await coupon_items(tx, call.workspace, items, terms, call.now), after)


@management.post("/coupons", "Issue a coupon", tag="Coupons", status=201)
async def issue_coupon(call: Call[NoQuery, NewCoupon], tx: Tx) -> CouponItem:
    body = call.body
    customer = await customers.get(tx, call.workspace_id, id=body.customer)
    ask = Ask(
        customer_id=customer.id,
        offer_id=body.offer_id,
        type="manual_redeem" if body.bought else "reward",
        step=body.step,
        coin_amount=body.coin_amount,
        actor=call.caller.actor,
    )
    issued = only(await rewards.issue(tx, call.workspace, [ask], call.now, known={customer.id: customer}))
    await call.audit(tx, "coupon.issue", issued.coupon.id, offer_id=str(body.offer_id))
    return await _one(call, tx, issued.coupon, issued.terms)


@management.get("/coupons/{id}", "One coupon", tag="Coupons")
async def read_coupon(call: Call[NoQuery, None], tx: Reading) -> CouponItem:
    return await _one(call, tx, *await rewards.find_coupon(tx, call.workspace_id, call.path_id()))


@management.post("/coupons/{id}/cancel", "Cancel a coupon", tag="Coupons")
async def cancel_coupon(call: Call[NoQuery, None], tx: Tx) -> CouponItem:
    """Its code is good for nothing any more; its coins go back, unless the offer says otherwise."""
    await rewards.cancel(tx, call.workspace, call.path_id(), call.now, actor=call.caller.actor)
    await call.audit(tx, "coupon.cancel", call.path_id())
    return await read_coupon(call, tx)


@management.post("/coupons/{code}/validate", "Validate a coupon", tag="Coupons", access="READ")
async def validate_coupon(call: Call[NoQuery, Validation], tx: Tx) -> VerdictItem:
    """Whether it would hold for this cart now, and what it is worth; nothing is promised."""
    (use,) = await _uses([call], tx)
    if isinstance(use, Refusal):
        raise use
    (item,) = await _verdicts(call, tx, [await rewards.validate(tx, call.workspace, use, call.now)])
    return item


@management.post("/coupons/{code}/redeem", "Redeem a coupon", tag="Coupons")
async def redeem_coupon(calls: Sequence[Call[NoQuery, Redemption]], tx: Tx) -> list[VerdictItem | Refusal]:
    """Once: the same `reference` again is the same answer, another is refused. An order that comes in with the code
    redeems it too."""
    shop, now, uses = calls[-1].workspace, calls[-1].now, await _uses(calls, tx)
    came = iter(await rewards.redeem(tx, shop, [one for one in uses if isinstance(one, Use)], now))
    answers = [one if isinstance(one, Refusal) else next(came) for one in uses]
    verdicts = [one for one in answers if isinstance(one, Verdict)]
    done = [
        (call.caller.actor, str(one.coupon.id), {"reference": one.coupon.reference})
        for call, one in zip(calls, answers, strict=True)
        if isinstance(one, Verdict)
    ]
    if done:
        tenancy.audit_each(tx, shop.id, "coupon.redeem", done, now=now)
    items = iter(await _verdicts(calls[-1], tx, verdicts))
    return [one if isinstance(one, Refusal) else next(items) for one in answers]


async def _uses(calls: Sequence[Call[NoQuery, Any]], tx: Reading) -> list[Use | Refusal]:
    names = [call.body.customer_id for call in calls if call.body.customer_id is not None]
    known = await customers.by_customer_ids(tx, calls[-1].workspace_id, names) if names else {}
    return [tried(partial(_use, call, known)) for call in calls]


def _use(call: Call[NoQuery, Any], known: Mapping[str, Customer]) -> Use:
    body: Validation = call.body
    code, customer = call.workspace.currency_code, None
    if body.customer_id is not None:
        customer = known.get(body.customer_id)
        if customer is None:
            raise invalid("customer_id", "the id of a customer of this shop")
    use = Use(call.path["code"], getattr(body, "reference", ""), None, customer.id if customer else None)
    if body.cart is None:
        return use
    cart = Cart(
        amount_minor=minor_units("cart.amount", body.cart.amount, code),
        shipping_minor=minor_units("cart.shipping", body.cart.shipping, code),
        codes=body.cart.codes,
        lines=tuple(
            copied(CartLine, line, amount_minor=minor_units(f"cart.lines[{n}].amount", line.amount, code))
            for n, line in enumerate(body.cart.lines)
        ),
    )
    return msgspec.structs.replace(use, cart=cart)


async def _verdicts(call: Call[Any, Any], tx: Reading, verdicts: Sequence[Verdict]) -> list[VerdictItem]:
    terms = {(one.coupon.offer_id, one.coupon.offer_version): one.terms for one in verdicts}
    items = await coupon_items(tx, call.workspace, [one.coupon for one in verdicts], terms, call.now)
    code, off = call.workspace.currency_code, [one.taken_off_minor for one in verdicts]
    return [
        VerdictItem(item, None if taken is None else events.major_units(taken, code))
        for item, taken in zip(items, off, strict=True)
    ]
