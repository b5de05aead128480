"""A customer as programs report them."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.customers.model import NewCustomer
from regulars.kit import a_birthday

CustomerId = Annotated[
    str,
    Meta(
        min_length=limits.CUSTOMER_ID_CHARS_MIN,
        max_length=limits.CUSTOMER_ID_CHARS_MAX,
        description="The customer's id on the shop's platform.",
        examples=["shopify-7029064106277"],
    ),
]
Name = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["Asha Rao"])]
Email = Annotated[
    str, Meta(max_length=limits.EMAIL_CHARS_MAX, description="A valid e-mail address.", examples=["asha@example.com"])
]
Mobile = Annotated[
    str,
    Meta(max_length=limits.MOBILE_CHARS_MAX, description="4 to 15 digits; needs `country`.", examples=["919800000000"]),
]
Country = Annotated[str, Meta(max_length=3, description="Three lower-case letters.", examples=["ind"])]
ReferralCode = Annotated[
    str,
    Meta(
        max_length=40, description="This customer's own code, 3 to 40 letters, digits, - or _; drawn if none is given."
    ),
]


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    email: Email = ""
    mobile: Mobile = ""
    country: Country = ""
    gender: Literal["male", "female", "other", ""] = ""
    dob: Annotated[date, Meta(description="Date of birth, such as 1990-05-26.")] | None = None


class Details(Contact, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a customer, and may change."""

    name: Name = ""


class CustomerDetails(Details, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a customer."""

    customer_id: CustomerId
    referral_code: ReferralCode = ""

    def new_customer(self) -> NewCustomer:
        a_birthday("dob", self.dob)
        return NewCustomer(**{name: getattr(self, name) for name in NewCustomer.__struct_fields__})
