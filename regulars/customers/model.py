"""Who a customer is, and what may be said about one."""

import re
import secrets
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Faults, countries
from regulars.kit.mailboxes import readable
from regulars.kit.phones import digits_of

GENDERS = ("male", "female", "other")
REFERRAL_CODE_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
REFERRAL_CODE_CHARS = 10


class Customer(msgspec.Struct, frozen=True, gc=False):
    """`id` is the wire's lead_id; `customer_id` is the customer's id on the shop's own platform. `mobile` is the number
    as it was typed, `phone` the same as E.164, empty when it can't be one. `spent` is in minor units, by currency:
    amounts of different currencies are never added. Who was `merged_into` another is only found by that one's name."""

    id: UUID
    customer_id: str
    name: str
    email: str
    mobile: str
    phone: str
    country: str
    gender: str
    dob: date | None
    referral_code: str
    referred_by_code: str
    accept_email: bool
    accept_mobile: bool
    tier: str
    spent: dict[str, int]
    orders_count: int
    last_order_at: datetime | None
    created_at: datetime
    updated_at: datetime
    merged_into: UUID | None
    erased_at: datetime | None
    tags: list[str]
    properties: dict[str, Any]


class NewCustomer(msgspec.Struct, frozen=True, gc=False):
    """What is known of a customer who may have to be created; an empty referral code is drawn at random."""

    customer_id: str
    name: str = ""
    email: str = ""
    mobile: str = ""
    country: str = ""
    gender: str = ""
    dob: date | None = None
    referral_code: str = ""


CHANGEABLE = (
    *("name", "email", "mobile", "country", "gender", "dob", "accept_email", "accept_mobile", "tags", "properties"),
)
"""What may be changed of a customer. Ids, codes and totals follow from elsewhere."""

# What can't be seen and comes along when people copy: control characters, soft hyphens, zero-width spaces, overrides of
# direction. Names keep the joiners and marks of direction that some scripts are written with.
_UNSEEN = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff]")
_IN_NAMES = re.compile(r"[\u061c\u200c-\u200f]")
_SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+")
_MOBILE = re.compile(r"\+?\(?[0-9][0-9 ()./-]*")
_REFERRAL_CODE = re.compile(r"[A-Za-z0-9_-]{3,40}")


def check(details: NewCustomer) -> NewCustomer:
    """The same details, trimmed and in the form they are kept in. Raises Invalid naming each field."""
    faults = Faults()
    customer_id = seen(details.customer_id)
    shortest, longest = limits.CUSTOMER_ID_CHARS_MIN, limits.CUSTOMER_ID_CHARS_MAX
    if not shortest <= len(customer_id) <= longest or "\x00" in customer_id:
        faults.add("customer_id", f"{shortest} to {longest} characters")
    if details.referral_code and not _REFERRAL_CODE.fullmatch(details.referral_code):
        faults.add("referral_code", "3 to 40 letters, digits, - or _")
    if details.mobile.strip() and not details.country:
        faults.add("country", "three lower-case letters such as ind, which a mobile number needs")
    kept: dict[str, Any] = {name: value for name in CHANGEABLE if (value := getattr(details, name, None))}
    if kept:
        with faults:
            kept = check_changes(kept)
    faults.check()
    return NewCustomer(customer_id=customer_id, referral_code=details.referral_code, **kept)


def check_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The same changes in the form they are kept in. Raises Invalid naming each field that can't be kept."""
    kept = dict(changes)
    faults = Faults()
    for field in ("name", "email", "mobile"):
        if field in kept:
            kept[field] = seen(kept[field], name=field == "name")
    if len(kept.get("name", "")) > limits.NAME_CHARS_MAX or "\x00" in kept.get("name", ""):
        faults.add("name", f"at most {limits.NAME_CHARS_MAX} characters")
    if "email" in kept:
        kept["email"] = readable(kept["email"])
    email = kept.get("email", "")
    if email and (len(email) > limits.EMAIL_CHARS_MAX or not _EMAIL.fullmatch(email)):
        faults.add("email", "an e-mail address")
    mobile = kept.get("mobile", "")
    if mobile and not _is_mobile(mobile):
        least, most = limits.MOBILE_DIGITS_MIN, limits.MOBILE_DIGITS_MAX
        faults.add("mobile", f"a number of {least} to {most} digits, such as +91 98000 00000")
    if kept.get("country") and kept["country"] not in countries.NAMES:
        faults.add("country", "the three-letter code of a country in lower case, such as ind")
    if kept.get("gender") and kept["gender"] not in GENDERS:
        faults.add("gender", "male, female or other")
    for field in ("accept_email", "accept_mobile"):
        if not isinstance(kept.get(field, False), bool):
            faults.add(field, "yes or no")
    faults.check()
    return kept


def seen(text: str, *, name: bool = False) -> str:
    """The text as one sees it: trimmed, without characters that have no shape, its spaces ordinary ones."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = _SPACES.sub(" ", _UNSEEN.sub("", text))
    return (kept if name else _IN_NAMES.sub("", kept)).strip()


def _is_mobile(text: str) -> bool:
    digits = len(digits_of(text))
    fits = len(text) <= limits.MOBILE_CHARS_MAX and limits.MOBILE_DIGITS_MIN <= digits <= limits.MOBILE_DIGITS_MAX
    return fits and _MOBILE.fullmatch(text) is not None


def draw_referral_code() -> str:
    """One of 36**10 codes: that two customers of a million draw the same has a chance of one in seven thousand."""
    return "".join(secrets.choice(REFERRAL_CODE_ALPHABET) for _ in range(REFERRAL_CODE_CHARS))
