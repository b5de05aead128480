"""The properties that stand on every event, and the types that properties have."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

# A number or a flag without a value is written '', as every property without a value is.
Number = float | int | Literal[""]
Flag = bool | Literal[""]


def says(description: str, *examples: object) -> msgspec.Meta:
    """What a property means, and what it looks like: the text of the generated schemas and pages."""
    return msgspec.Meta(description=description, examples=list(examples))


def listed(values: Sequence[str]) -> str:
    """a, b or c"""
    return f"{', '.join(values[:-1])} or {values[-1]}"


BusinessId = Annotated[
    str, says("Id of the business, the same in each of its events.", "449ebf4f-f3e2-471a-a21f-47d8e148f259")
]


class Common(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Properties common to all events, in the order they have on the wire."""

    business_name: Annotated[str, says("Name of the business.", "Corner Shop")]
    business_uri: Annotated[str, says("Website address of the business.", "https://corner.example")]
    nector_business_uri: Annotated[str, says("Website address of the business.", "https://corner.example")]
    business_coin_name: Annotated[str, says("What the business calls its coins.", "coins")]
    business_currency_code: Annotated[str, says("Currency of the business, in lower case.", "inr")]
    business_currency_symbol: Annotated[str, says("Symbol of that currency.", "₹")]
    user_customer_id: Annotated[str, says("The customer's id on the shop's platform.", "shopify-7029064106277")]
    user_name: Annotated[str, says("The customer's name.", "Asha Rao")]
    user_email: Annotated[str, says("The customer's e-mail address.", "asha@example.com")]
    user_mobile: Annotated[str, says("The customer's mobile number.", "919800000000")]
    user_tier: Annotated[str, says("The customer's VIP tier.", "silver")]
    user_referral_code: Annotated[str, says("The customer's referral code.", "2nfcdqo46x")]
    user_referral_coupon_code: Annotated[str, says("The coupon code that stands for the customer's referral code.", "")]
    user_referral_link: Annotated[
        str, says("The link by which the customer refers friends.", "https://corner.example/r/2nfcdqo46x")
    ]
    user_new_referral_link: Annotated[
        str, says("The link by which the customer refers friends.", "https://corner.example/r/2nfcdqo46x")
    ]
    user_available_balance: Annotated[float | int, says("The customer's coins, ready to be spent.", 31546)]
    user_balance: Annotated[float | int, says("The customer's coins, ready to be spent.", 31546)]
    user_dob: Annotated[str, says("The customer's birthday, DD-MM.", "02-06")]
    user_full_dob: Annotated[str, says("The customer's date of birth, DD-MM-YYYY.", "02-06-1990")]
    user_country: Annotated[str, says("The customer's country, three lower-case letters.", "ind")]
    user_transaction_amount: Annotated[float | int, says("Total amount of the customer's orders.", 849.54)]
