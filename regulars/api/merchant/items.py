"""Customers, wallet transactions, firings and triggers as the merchant API says them. Pure functions, and the structs
they fill; the names and their spellings are the contract."""

from typing import Any
from uuid import UUID

import msgspec

from regulars import events, rewards
from regulars.customers import Customer
from regulars.kit import copied, showing, wire_time
from regulars.ledger import Balance, Txn, amount_on_wire
from regulars.rewards import Coupon, Terms
from regulars.rewards.model import fiat
from regulars.tenancy import Workspace
from regulars.triggers import Content, Fired, Firing, Rule, Trigger, sentence


class Wallet(msgspec.Struct, frozen=True):
    available: int | float


@showing(
    "_id=id customer_id name email mobile country gender dob tier available pending wallet creditwallet mid eid"
    " referral_code referred_by_referral_code=referred_by_code entity_id created_at updated_at",
    Customer,
    worded=True,
)
class LeadItem(msgspec.Struct):
    """A customer. READ keys see `email` and `mobile` masked, and no `eid` and `mid`, which are hashes of them.
    `entity_id` is the business, the same for each of them."""

    available: str
    pending: int | float
    wallet: Wallet
    creditwallet: Wallet
    mid: str
    eid: str
    entity_id: UUID


class TxnItem(msgspec.Struct, frozen=True, gc=False):
    """A wallet transaction. `closing_balance` is what the wallet held after it, `consolidated_cr` and `consolidated_dr`
    what had ever been credited and debited."""

    id: UUID = msgspec.field(name="_id")
    lead_id: UUID
    title: str
    description: str
    amount: int | float
    operation: str
    type: str
    status: str
    closing_balance: int | float
    consolidated_cr: int | float
    consolidated_dr: int | float
    hash: str
    reference: str
    trigger_id: UUID | None
    created_at: str
    updated_at: str


class ActivityItem(msgspec.Struct, frozen=True, gc=False):
    """One firing of a trigger for a customer: `success`; `pending`, to be given on a later day; or `refused`, which
    gave nothing and says why."""

    id: UUID = msgspec.field(name="_id")
    trigger_id: UUID
    lead_id: UUID
    status: str
    reason: str
    created_at: str
    updated_at: str


class CoinRange(msgspec.Struct, frozen=True):
    min: int
    max: int


@showing("type title description icon link", Content)
class ContentItem(msgspec.Struct):
    """What a widget draws. `icon` is an address, or a name that the widget knows."""


@showing(
    "_id=id name content type=kind operation coin_range coins_per_unit is_open=open sentence created_at updated_at",
    Trigger,
    Rule,
    worded=True,
)
class TriggerItem(msgspec.Struct):
    """A way to earn, as a widget shows it. `sentence` says it in words, in the shop's own name for coins."""

    content: ContentItem
    coin_range: CoinRange
    sentence: str


class LeadAnswer(msgspec.Struct, frozen=True):
    """`leadtoken` proves the customer in later calls with a STOREFRONT key, for an hour."""

    item: LeadItem
    leadtoken: str | msgspec.UnsetType = msgspec.UNSET


@showing(
    "_id=id lead_id=customer_id offer_id publicoffer_id name description type status value=code fiat_class fiat_value"
    " fiat_target minimumcart_amount=minimum_cart coin_amount=coins redirect_link expire=expires_at created_at"
    " updated_at",
    Coupon,
    Terms,
    worded=True,
)
class CouponItem(msgspec.Struct):
    """A coupon. `value` is its code; `fiat_class` says whether `fiat_value` is a percentage or an amount, `fiat_target`
    what it is taken off from. One that is good in another shop has a `publicoffer_id`."""

    _id: UUID
    publicoffer_id: UUID | None
    name: str
    description: str
    fiat_class: str
    fiat_value: int | float
    fiat_target: str
    redirect_link: str


class ActivityAnswer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`wallet_reward` is the wallet transaction it led to, left out where 0 coins were drawn; `offer_reward` the coupon
    that an offer trigger gave. `message`, `code`: why it gave nothing."""

    activity: ActivityItem
    wallet_reward: TxnItem | None = None
    offer_reward: CouponItem | None = None
    message: str = ""
    code: str = ""


def lead_item(customer: Customer, balances: dict[Any, Balance], entity_id: UUID, *, masked: bool) -> LeadItem:
    coins, credits = balances["coins"], balances["credits"]
    return copied(
        LeadItem,
        customer,
        email=masked_email(customer.email) if masked else customer.email,
        mobile=masked_mobile(customer.mobile) if masked else customer.mobile,
        available=str(coins.available),
        pending=coins.pending,
        wallet=Wallet(coins.available),
        creditwallet=Wallet(amount_on_wire("credits", credits.available)),
        # Whoever hashes every number there is finds the one behind a hash: where one is masked, the other is left out.
        mid="" if masked else events.mid(customer.mobile),
        eid="" if masked else events.eid(customer.email),
        entity_id=entity_id,
    )


def txn_item(txn: Txn) -> TxnItem:
    recorded_at = wire_time(txn.recorded_at)
    return TxnItem(
        id=txn.id,
        lead_id=txn.customer_id,
        title=txn.title,
        description=txn.description,
        amount=amount_on_wire(txn.kind, txn.amount),
        operation=txn.operation,
        type=txn.type,
        status=txn.status,
        closing_balance=amount_on_wire(txn.kind, txn.closing_balance),
        consolidated_cr=amount_on_wire(txn.kind, txn.credited),
        consolidated_dr=amount_on_wire(txn.kind, txn.debited),
        hash=txn.wire_hash,
        reference=txn.reference,
        trigger_id=txn.trigger_id,
        created_at=recorded_at,
        updated_at=recorded_at,
    )


_STATUSES = {"granted": "success", "waiting": "pending", "refused": "refused", "reversed": "refused"}


def activity_item(firing: Firing) -> ActivityItem:
    fired_at = wire_time(firing.fired_at)
    return ActivityItem(
        id=firing.id,
        trigger_id=firing.trigger_id,
        lead_id=firing.customer_id,
        status=_STATUSES[firing.state],
        reason=firing.reason,
        created_at=fired_at,
        updated_at=fired_at,
    )


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    meta: dict[str, str | int]
    data: ActivityAnswer


_GRANTED: dict[str, str | int] = {"status": "success", "code": 200}
_REFUSED: dict[str, str | int] = {"status": "error", "code": 422}
_encode = msgspec.json.Encoder().encode


def fired_answer(workspace: Workspace, fired: Fired) -> tuple[int, str]:
    """Status and body of POST /activities. A firing that gave nothing is stored, and answered with why."""
    firing, txn = fired.firing, fired.txn
    if not firing.reason:
        coupon = coupon_item(workspace, fired.issued.coupon, fired.issued.terms) if fired.issued else None
        answer = ActivityAnswer(activity_item(firing), txn_item(txn) if txn else None, coupon)
        return 200, _encode(_Envelope(_GRANTED, answer)).decode()
    answer = ActivityAnswer(activity_item(firing), message=firing.explanation, code=firing.reason)
    return 422, _encode(_Envelope(_REFUSED, answer)).decode()


def coupon_item(workspace: Workspace, coupon: Coupon, terms: Terms) -> CouponItem:
    fiat_class, fiat_value, fiat_target = fiat(terms, coupon.steps)
    return copied(
        CouponItem,
        coupon,
        terms,
        publicoffer_id=coupon.offer_id if coupon.stands_in else None,
        name=rewards.coupon_name(terms, coupon.steps, workspace),
        description=rewards.coupon_description(terms, workspace),
        fiat_class=fiat_class,
        fiat_value=fiat_value,
        fiat_target=fiat_target,
        redirect_link=events.tagged(events.business(workspace), workspace.uri, "event"),
    )


def trigger_item(trigger: Trigger, coin_name: str, currency_symbol: str) -> TriggerItem:
    rule, content = trigger.rule, trigger.content
    title, description = content.title or rule.title or trigger.name, content.description or rule.description
    return copied(
        TriggerItem,
        trigger,
        rule,
        content=copied(ContentItem, content, title=title, description=description),
        coin_range=CoinRange(rule.coins_min, rule.coins_max),
        sentence=sentence(trigger.source, rule, coin_name, currency_symbol, trigger.kind),
    )


def masked_email(email: str) -> str:
    """`asha@shop.example` is `a***@shop.example`; its length does not show."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}***{at}{domain}" if email else ""


def masked_mobile(mobile: str) -> str:
    """The last two digits remain, behind six stars however long it is."""
    return f"******{mobile[-2:]}" if mobile else ""
