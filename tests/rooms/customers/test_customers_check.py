"""What a shop may say about a customer: a table of details and what is kept, or which field is named."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers import NewCustomer, check, check_changes
from regulars.customers.model import draw_referral_code
from regulars.kit.errors import Invalid

ID = "shopify-7029064106277"
LONG_EMAIL = f"{'a' * 242}@example.com"

KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"customer_id": "12345678"}, {}),
    ({"customer_id": "x" * 128}, {}),
    ({"customer_id": f"  {ID}\n"}, {"customer_id": ID}),
    ({"name": "  Asha Rao "}, {"name": "Asha Rao"}),
    ({"name": "x" * 200}, {}),
    ({"name": "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\u200f שלום"}, {}),
    ({"name": "مريم بنت عمران"}, {}),
    ({"name": "👩‍👩‍👧‍👦 Zoë O'Neil <b>"}, {}),
    ({"email": " Asha@Example.com "}, {"email": "Asha@Example.com"}),
    ({"email": "a+tag.x@sub.example.co.uk"}, {}),
    ({"email": "用户@例子.广告"}, {}),
    ({"email": LONG_EMAIL}, {}),
    ({"mobile": "919800000000", "country": "ind"}, {}),
    ({"mobile": " +91 98000-00000 ", "country": "ind"}, {"mobile": "+91 98000-00000"}),
    ({"mobile": "1234", "country": "usa"}, {}),
    ({"mobile": "123456789012345", "country": "usa"}, {}),
    ({"mobile": "+1 (415) 555-0132", "country": "usa"}, {}),
    ({"mobile": "+123456789012345", "country": "usa"}, {}),
    ({"mobile": "(0151) 123 456-78", "country": "deu"}, {}),
    ({"mobile": "\u202a+91\u00a098000\u00a000000\u202c", "country": "ind"}, {"mobile": "+91 98000 00000"}),
    ({"email": "\ufeffasha\u200b@exam\u00adple.com\u200e"}, {"email": "asha@example.com"}),
    ({"email": "\u00a0asha@example.com\u2003"}, {"email": "asha@example.com"}),
    ({"name": "Asha\u200b\u00a0Rao\u202e"}, {"name": "Asha Rao"}),
    ({"name": "\u0928\u0940\u0915\u094d\u200d\u0937"}, {}),
    ({"customer_id": f"\ufeff{ID}\u200b"}, {"customer_id": ID}),
    ({"country": "ind"}, {}),
    ({"gender": "female"}, {}),
    ({"dob": date(1990, 6, 2)}, {}),
    ({"referral_code": "abc"}, {}),
    ({"referral_code": "A-b_9" * 8}, {}),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"customer_id": ""}, "customer_id"),
    ({"customer_id": "1234567"}, "customer_id"),
    ({"customer_id": "  1234567  "}, "customer_id"),
    ({"customer_id": "x" * 129}, "customer_id"),
    ({"customer_id": "12345678\x00"}, "customer_id"),
    ({"name": "x" * 201}, "name"),
    ({"name": "A\x00B"}, "name"),
    ({"email": "asha"}, "email"),
    ({"email": "asha@example"}, "email"),
    ({"email": "@example.com"}, "email"),
    ({"email": "a@b@example.com"}, "email"),
    ({"email": "a b@example.com"}, "email"),
    ({"email": "a@example.com\nBcc: b@example.com"}, "email"),
    ({"email": "a\x00@example.com"}, "email"),
    ({"email": f"a{LONG_EMAIL}"}, "email"),
    ({"mobile": "919800000000"}, "country"),
    ({"mobile": "123", "country": "ind"}, "mobile"),
    ({"mobile": "1234567890123456", "country": "ind"}, "mobile"),
    ({"mobile": "98000x0000", "country": "ind"}, "mobile"),
    ({"mobile": "++9198000", "country": "ind"}, "mobile"),
    ({"mobile": "٩٨٠٠٠٠٠٠", "country": "ind"}, "mobile"),
    ({"mobile": "91980\x000000", "country": "ind"}, "mobile"),
    ({"country": "in"}, "country"),
    ({"country": "IND"}, "country"),
    ({"country": "indi"}, "country"),
    ({"country": "in\x00"}, "country"),
    ({"gender": "Female"}, "gender"),
    ({"gender": "unknown"}, "gender"),
    ({"referral_code": "ab"}, "referral_code"),
    ({"referral_code": "x" * 41}, "referral_code"),
    ({"referral_code": "a b c"}, "referral_code"),
    ({"referral_code": "abc\n"}, "referral_code"),
    ({"referral_code": "a/../b"}, "referral_code"),
]


@pytest.mark.parametrize(("given_", "kept"), KEPT, ids=lambda value: str(value)[:50])
def test_is_kept(given_: dict[str, Any], kept: dict[str, Any]) -> None:
    assert check(NewCustomer(**{"customer_id": ID, **given_})) == NewCustomer(**{"customer_id": ID, **given_, **kept})


@pytest.mark.parametrize(("given_", "field"), REFUSED, ids=lambda value: str(value)[:50])
def test_is_refused_by_name(given_: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(NewCustomer(**{"customer_id": ID, **given_}))
    assert list(refused.value.fields) == [field]


@given(st.text(), st.text(), st.text(), st.sampled_from(["", "ind", "IN"]))
def test_checking_twice_changes_nothing(name: str, email: str, mobile: str, country: str) -> None:
    try:
        once = check(NewCustomer(customer_id=ID, name=name, email=email, mobile=mobile, country=country))
    except Invalid:
        return
    assert check(once) == once
    assert "\x00" not in f"{once.name}{once.email}{once.mobile}"


def test_changes_are_checked_alone() -> None:
    assert check_changes({"name": " A "}) == {"name": "A"}
    assert check_changes({"email": "", "gender": "", "country": ""}) == {"email": "", "gender": "", "country": ""}
    with pytest.raises(Invalid):
        check_changes({"email": "nothing"})


def test_drawn_referral_codes_are_valid_and_differ() -> None:
    codes = {draw_referral_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert check(NewCustomer(customer_id=ID, referral_code=code)).referral_code == code
