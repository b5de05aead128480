"""From a workspace, a customer and times to the words of an event's body. Pure, and called for every single event."""

from calendar import month_name
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars.events.catalogue import TOPICS
from regulars.events.model import NewEvent
from regulars.kit import units_of
from regulars.kit.phones import digits_of
from regulars.tenancy.model import Workspace

_ENCODER = msgspec.json.Encoder()
UTM_SOURCE = "regulars"


class CustomerLike(Protocol):
    """What this room needs to know of a customer."""

    @property
    def customer_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def mobile(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def dob(self) -> date | None: ...
    @property
    def referral_code(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def spent(self) -> Mapping[str, int]: ...


class Business(msgspec.Struct, frozen=True, gc=False):
    """What all events of a workspace share, worked out once per batch by `business(workspace)`."""

    entity_id: str
    properties: dict[str, Any]
    referral_link_base: str
    referral_link_end: str
    code_is_coupon: bool
    utm_source: str
    currency_code: str


_served_at = ""


def serve_at(address: str) -> None:
    """Where this installation's server is reached: said once, as a process starts."""
    global _served_at
    _served_at = address


def business(workspace: Workspace) -> Business:
    """The part of the common properties that hangs on the workspace only.

    Referral links start with the workspace's setting `referral_link_base`, an address of the shop's own that leads
    `/r/*` here; without it, with this server's, which answers them (see `serve_at`), or else with the website's.
    At an address that many shops share, a link names its shop too: a code may be another's as well.
    The setting `utm_source` is what links to the shop name as where the visitor came from.
    """
    own = workspace.settings.get("referral_link_base")
    base = own or _served_at or workspace.uri
    return Business(
        entity_id=str(workspace.id),
        properties={
            "business_name": workspace.name,
            "business_uri": workspace.uri,
            "nector_business_uri": workspace.uri,
            "business_coin_name": workspace.coin_name,
            "business_currency_code": workspace.currency_code,
            "business_currency_symbol": workspace.currency_symbol,
        },
        referral_link_base=str(base).rstrip("/"),
        referral_link_end="" if own or not _served_at else f"?shop={workspace.id}",
        code_is_coupon="coupon" in (workspace.settings.get("referrals") or {}).get("modes", ()),
        utm_source=str(workspace.settings.get("utm_source") or UTM_SOURCE),
        currency_code=workspace.currency_code,
    )


def referral_link(of: Business, code: str) -> str:
    """'' where there is no address."""
    return f"{of.referral_link_base}/r/{code}{of.referral_link_end}" if code and of.referral_link_base else ""


def common(of: Business, customer: CustomerLike, available: int) -> dict[str, Any]:
    """The common properties, to stand on an event: `body("order_create", common(of, customer, 12) | own)`.

    `available` is the customer's coins after the fact that the event is about.
    """
    code = customer.referral_code
    link = referral_link(of, code)
    full_dob = formatted_date(customer.dob)
    return {
        **of.properties,
        "user_customer_id": customer.customer_id,
        "user_name": customer.name,
        "user_email": customer.email,
        "user_mobile": customer.phone or customer.mobile,
        "user_tier": customer.tier,
        "user_referral_code": code,
        "user_referral_coupon_code": code if of.code_is_coupon else "",
        "user_referral_link": link,
        "user_new_referral_link": link,
        "user_available_balance": available,
        "user_balance": available,
        "user_dob": full_dob[:5],
        "user_full_dob": full_dob,
        "user_country": customer.country,
        "user_transaction_amount": major_units(customer.spent.get(of.currency_code, 0), of.currency_code),
    }


def tagged(of: Business, link: str, medium: Literal["email", "event"]) -> str:
    """The link with what the shop's statistics read of where a visitor came from, unless it says so itself."""
    if not link or "utm_source=" in link:
        return link
    address, hash_, fragment = link.partition("#")
    said = f"utm_source={quote(of.utm_source)}&utm_medium={medium}&utm_campaign=transactional"
    return f"{address}{'&' if '?' in address else '?'}{said}{hash_}{fragment}"


def major_units(amount_minor: int, currency_code: str) -> float | int:
    """84954 of inr is 849.54, 1000 is 10 (and not 10.0); of jpy, which has no smaller unit, 1000 is 1000."""
    units = units_of(currency_code)
    whole, rest = divmod(amount_minor, units)
    return amount_minor / units if rest else whole


def formatted_date(day: date | None) -> str:
    """DD-MM-YYYY; '' for none. Its first five characters are the birthday, DD-MM."""
    return "" if day is None else f"{day.day:02d}-{day.month:02d}-{day.year:04d}"


def formatted(at: datetime, zone: ZoneInfo) -> str:
    """A time as people write it, in the shop's time zone: `June 2nd 2023, 6:40:33 am`."""
    local = at.astimezone(zone)
    day, hour = local.day, local.hour
    ordinal = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    half = "am" if hour < 12 else "pm"
    return (
        f"{month_name[local.month]} {day}{ordinal} {local.year}, "
        f"{hour % 12 or 12}:{local.minute:02d}:{local.second:02d} {half}"
    )


def eid(email: str) -> str:
    """SHA-256, as 64 hex digits, of the trimmed, lower-case e-mail address; '' for none."""
    normal = email.strip().lower()
    return sha256(normal.encode()).hexdigest() if normal else ""


def mid(mobile: str) -> str:
    """SHA-256, as 64 hex digits, of the mobile number's digits; '' for none."""
    digits = digits_of(mobile)
    return sha256(digits.encode()).hexdigest() if digits else ""


def body(topic: str, properties: Mapping[str, Any]) -> str:
    """Of an event with these properties, all that the catalogue has for its topic and no others: JSON, rendered here
    once and never again, in the order of the catalogue.

    A NUL character becomes U+FFFD. PostgreSQL's text would hold the escape that JSON makes of it, but neither its
    jsonb nor most of the tools that events are sent to accept one.
    """
    type_ = TOPICS[topic].type
    text = _ENCODER.encode(type_(**properties)).decode()
    if "\\u0000" in text:
        text = _ENCODER.encode(type_(**{name: _without_nul(value) for name, value in properties.items()})).decode()
    return text


class Begun(NamedTuple):
    """What many bodies begin with, made into text once."""

    properties: dict[str, Any]
    text: str


def begun(properties: dict[str, Any]) -> Begun:
    """Of the common properties and whatever else stands before what differs, in the order of the catalogue."""
    return Begun(properties, _ENCODER.encode(properties).decode()[:-1])


def finished(topic: str, begun: Begun, rest: dict[str, Any]) -> str:
    """As `body` of both, which is what it is left to unless they are all of it in the order of the catalogue."""
    if (*begun.properties, *rest) == TOPICS[topic].type.__struct_fields__:
        text = f"{begun.text},{_ENCODER.encode(rest).decode()[1:]}"
        if "\\u0000" not in text:
            return text
    return body(topic, begun.properties | rest)


def told(topic: str, customer_id: UUID, said: Mapping[str, Any], at: datetime, **more: Any) -> NewEvent:
    """An event with these properties, to be logged; `more` as `NewEvent` has it."""
    return NewEvent(topic, customer_id, body(topic, said), at, **more)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
