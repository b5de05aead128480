"""What a Send Events rule may ask about an event before it is sent, per family of events.

Choices are given where this program closes the set; what a shop or its platform may name freely is asked for as text.
"""

from collections.abc import Sequence

from regulars.conditions import Choice, Field, Schema, choices_of, schema
from regulars.events.catalogue.properties import (
    COUPON_STATUSES,
    DELIVERY_STATUSES,
    FINANCIAL_STATUSES,
    OPERATIONS,
    ORDER_STATUSES,
    TRANSACTION_TYPES,
    WALLETS,
)
from regulars.kit import countries, currency


def _listed(values: Sequence[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in values)


def _with_common(*fields: Field) -> Schema:
    """The event's own fields first: they are why a rule is restricted most often."""
    return schema([*fields, *_COMMON])


_COMMON = (
    Field("user_country", "Country", "text", choices=_listed(countries.LISTED), help="The customer's country."),
    Field("user_tier", "Customer's tier", "text", help="The VIP tier the customer is in."),
    Field("user_email", "E-mail", "text", help="“Is filled in” leaves out customers without an e-mail address."),
    Field("user_mobile", "Mobile number", "text", help="“Is filled in” leaves out customers without a mobile number."),
    Field("user_transaction_amount", "Order total", "number", help="What all orders of the customer amount to."),
)

_LEAD = (
    Field("accept_email", "Agreed to e-mail", "yes_no"),
    Field("accept_mobile", "Agreed to mobile messages", "yes_no"),
    Field(
        "referred_by_referral_code",
        "Referrer's code",
        "text",
        help="“Is filled in” means that somebody referred the customer.",
    ),
)

LEAD = _with_common(*_LEAD)

LEAD_UPDATE = _with_common(
    Field(
        "changed_properties",
        "Changed properties",
        "list",
        choices=(
            Choice("name", "name"),
            Choice("email", "e-mail"),
            Choice("mobile", "mobile number"),
            Choice("country", "country"),
            Choice("gender", "gender"),
            Choice("dob", "date of birth"),
            Choice("tier", "tier"),
            Choice("accept_email", "agreed to e-mail"),
            Choice("accept_mobile", "agreed to mobile messages"),
        ),
    ),
    *_LEAD,
)

VIP_TIER = _with_common(
    Field("direction", "Direction", "text", choices=(Choice("up", "up"), Choice("down", "down"))),
    Field("tier", "New tier", "text", help="The tier as it is spelled in events: silver."),
)

TIER_ENDS = _with_common(Field("tier", "Tier", "text", help="The tier as it is spelled in events: silver."))

_ORDER = (
    Field("status", "Order status", "text", choices=choices_of(ORDER_STATUSES)),
    Field("financial_status", "Payment status", "text", choices=choices_of(FINANCIAL_STATUSES)),
    Field("delivery_status", "Delivery status", "text", choices=choices_of(DELIVERY_STATUSES)),
    Field("fiat_amount", "Order amount", "number", help="In units of the order's currency."),
    Field("currency_code", "Currency", "text", choices=_listed(currency.LISTED)),
    Field("reference_order_source", "Order source", "text", help="The platform the order was placed on: shopify."),
    Field("utm_source", "UTM source", "text"),
    Field("utm_medium", "UTM medium", "text"),
    Field("utm_campaign", "UTM campaign", "text"),
    Field("meta__coin_spent", "Coins spent on the order", "number", unit="coins"),
    Field("meta__coin_reward", "Coins earned by the order", "number", unit="coins"),
)

ORDER = _with_common(*_ORDER)

WALLET = _with_common(
    Field("type", "Wallet transaction type", "text", choices=choices_of(TRANSACTION_TYPES)),
    Field(
        "operation",
        "Wallet transaction operation",
        "text",
        choices=tuple(Choice(value, label) for value, label in OPERATIONS.items()),
    ),
    Field("amount", "Amount", "number", unit="coins"),
    Field("status", "Transaction status", "text", help="Such as success."),
    Field("wallet", "Wallet", "text", choices=choices_of(WALLETS)),
)

COIN_EXPIRY = _with_common(
    Field("wallet_expiry_unit", "Time left", "text", choices=choices_of(("month", "week", "day"))),
    Field("wallet_expiry_amount", "Coins that expire", "number", unit="coins"),
)

UNUSED_COINS = _with_common(
    Field("user_available_balance", "Balance", "number", unit="coins"),
    Field("meta__unusedwalletcoinrequest_count", "Count of reminders", "number"),
)

COUPON = _with_common(
    Field("type", "Coupon type", "text", help="How it came to be issued: manual_redeem."),
    Field("status", "Coupon status", "text", choices=choices_of(COUPON_STATUSES)),
    Field("fiat_class", "Kind of discount", "text", choices=choices_of(("percent", "amount"))),
    Field("fiat_value", "Discount", "number", help="A percentage or an amount, as the kind of discount says."),
    Field("fiat_target", "Discount target", "text", help="What is made cheaper: cart."),
    Field("offer_id", "Offer", "text", help="The offer's id."),
    Field("reference_coupon_source", "Coupon source", "text", help="The platform it can be used on: shopify."),
)

REVIEW = _with_common(
    Field("rating", "Rating", "number", help="Stars, from 1 to 5."),
    Field("is_verified", "Verified buyer", "yes_no"),
    Field("is_approved", "Approved", "yes_no"),
    Field("has_pictures", "With pictures", "yes_no"),
    Field("reference_product_name", "Product name", "text"),
    Field("reference_product_id", "Product id", "text", help="The product's id on the shop's platform."),
)

_REFERRAL = (
    Field("referral_mode", "Referral mode", "text", help="How the friend was referred: link, email, mobile or coupon."),
)

REFERRAL = _with_common(*_REFERRAL)

INCOMPLETE_REFERRAL = _with_common(
    *_REFERRAL, Field("meta__incompletereferralrequest_count", "Count of reminders", "number")
)
