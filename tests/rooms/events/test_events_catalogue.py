"""The contract with the tools that receive events: each event's properties, their order and spelling, written out."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

import regulars
from regulars import events
from regulars.conditions import Field, operators_for
from regulars.events import catalogue, rendering, schemas
from regulars.kit.clock import HandClock
from regulars.tenancy import Workspace

COMMON = """
business_name business_uri nector_business_uri business_coin_name business_currency_code
business_currency_symbol user_customer_id user_name user_email user_mobile user_tier user_referral_code
user_referral_coupon_code user_referral_link user_new_referral_link user_available_balance user_balance
user_dob user_full_dob user_country user_transaction_amount
"""

LEAD = """
entity_id referral_code customer_id referred_by_referral_code name available tier transaction_amount
last_transaction accept_email accept_mobile accept_smartdiscountapply dob full_dob mid mobile country eid
email email_status is_freezed created_at updated_at
"""

COUPON = """
entity_id lead_id activity_id offer_id reference_coupon_id reference_coupon_source name description type value
fiat_class fiat_value fiat_target minimumcart_amount meta__lead_name status redirect_link expire
formatted_expire updated_at created_at
"""

WALLET = """
entity_id lead_id activity_id title description amount closing_balance consolidated_cr consolidated_dr hash
meta__lead_name operation type status updated_at created_at
"""

REVIEW = """
entity_id lead_id order_id activity_id reference_product_name reference_product_source reference_product_id
reference_product_redirect_link reference_review_source reference_review_id type name rating title description
reply_to meta__coin_reward meta__is_rewarded is_verified is_approved is_featured updated_at created_at
"""

ORDER = """
entity_id lead_id reference_order_name reference_order_id reference_order_source activity_id currency_code
reference_cart_token fiat_amount fiat_discount fiat_tax payment_source payment_medium utm_source utm_medium
utm_campaign order_driven_by couponredeem_driven_by status financial_status delivery_status meta__lead_name
meta__coin_spent meta__coin_reward meta__is_rewarded meta__currency_code meta__redirect_link updated_at
created_at
"""

REVIEW_REQUEST = """
entity_id lead_id reference_order_name reference_order_id reference_order_source activity_id currency_code
reference_cart_token fiat_amount fiat_discount fiat_tax payment_source payment_medium utm_source utm_medium
utm_campaign order_driven_by couponredeem_driven_by status financial_status delivery_status meta__lead_name
meta__coin_spent meta__coin_reward meta__is_rewarded meta__currency_code meta__redirect_link order_review_link
updated_at created_at
"""

REFERRAL = """
entity_id coupon_id wallettransaction_id order_id referral_mode referred_by_name referred_by_lead_id
referred_by_eid referred_by_mid referred_to_name referred_to_lead_id referred_to_eid referred_to_mid
meta__referred_by_coupon_id meta__referred_to_coupon_id meta__incompletereferralrequest_count
meta__incompletereferralrequest_sentat meta__referred_by_wallettransaction_id
meta__referred_to_wallettransaction_id status created_at updated_at version wallettransaction_title
wallettransaction_description wallettransaction_amount wallettransaction_closing_balance coupon_name
coupon_description coupon_value coupon_fiat_value coupon_fiat_target coupon_fiat_class
coupon_minimumcart_amount coupon_formatted_expire coupon_expire coupon_redirect_link
"""

COIN_EXPIRY = """
wallet_expiry_unit wallet_expiry_amount wallet_expiry_notify_generated_on wallet_expiry_estimated_on
wallet_expiry_formatted_estimated_on
"""

VIP_TIER = """
entity_id lead_id tier formatted_tier direction created_at updated_at
"""

OWN = {
    "lead_create": LEAD,
    "lead_update": LEAD,
    "coupon_create": COUPON,
    "coupon_update": COUPON,
    "unusedcouponrequest_create": COUPON,
    "walletreward_create": WALLET,
    "wallettrasaction_update": WALLET,
    "unusedwalletcoinrequest_create": WALLET,
    "review_create": REVIEW,
    "review_update": REVIEW,
    "order_create": ORDER,
    "order_update": ORDER,
    "reviewrequest_create": REVIEW_REQUEST,
    "refereenotify_create": REFERRAL,
    "referrernotify_create": REFERRAL,
    "incompletereferralrequest_create": REFERRAL,
    "coinexpirynotify_create": COIN_EXPIRY,
    "viptier_create": VIP_TIER,
}
ADDED = {
    "lead_create": "lead_id",
    "lead_update": "lead_id changed_properties",
    "coupon_create": "coupon_id",
    "coupon_update": "coupon_id",
    "unusedcouponrequest_create": "coupon_id",
    "walletreward_create": "wallet wallettransaction_id order_id reference_order_name",
    "wallettrasaction_update": "wallet wallettransaction_id order_id reference_order_name",
    "unusedwalletcoinrequest_create": "wallet wallettransaction_id order_id reference_order_name "
    "meta__unusedwalletcoinrequest_count",
    "review_create": "has_pictures review_id",
    "review_update": "has_pictures review_id",
    "order_create": "order_id",
    "order_update": "order_id",
    "reviewrequest_create": "order_id",
    "refereenotify_create": "referral_id claim_link",
    "referrernotify_create": "referral_id claim_link",
    "incompletereferralrequest_create": "referral_id claim_link",
    "coinexpirynotify_create": "entity_id",
    "viptier_create": "viptier_id",
}
SHOP_ID = UUID("449ebf4f-f3e2-471a-a21f-47d8e148f259")
LEAD_ID = UUID("19c794f5-5ba6-4bf9-b30b-8666ae71d324")


class Asha:
    """A customer as this room needs to know one."""

    customer_id = "shopify-7029064106277"
    name = "Asha Rao"
    email = " Asha@Example.com"
    mobile = "098000-00000"
    phone = "+919800000000"
    country = "ind"
    dob = date(1990, 6, 2)
    referral_code = "2nfcdqo46x"
    tier = "silver"
    spent = {"inr": 84954, "usd": 5}  # noqa: RUF012


def test_every_topic_of_the_contract_is_there() -> None:
    assert set(events.TOPICS) == set(OWN) | {"viptierends_create", "segment_enter", "segment_leave"}


@pytest.mark.parametrize("topic", OWN)
def test_properties_stand_in_the_order_of_the_contract(topic: str) -> None:
    expected = [*COMMON.split(), *OWN[topic].split(), *ADDED[topic].split()]
    assert list(events.TOPICS[topic].type.__struct_fields__) == expected


@pytest.mark.parametrize("topic", OWN)
def test_bodies_keep_that_order_and_leave_nothing_out(topic: str) -> None:
    type_ = events.TOPICS[topic].type
    for example in schemas.examples(type_):
        assert msgspec.convert(example, type_)
        body = json.loads(events.body(topic, example))
        assert body == example
        assert list(body) == [name for name in type_.__struct_fields__ if name in example]
        assert set(type_.__struct_fields__) - set(body) <= schemas.optional_properties(type_)


def test_a_referral_tells_of_the_one_reward_it_gave() -> None:
    coins, coupon = schemas.examples(events.TOPICS["refereenotify_create"].type)
    names = REFERRAL.split()
    assert [name for name in names if name not in coins] == names[-10:]
    assert [name for name in names if name not in coupon] == names[23:27]


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("", ""),
        ("https://corner.example/o/1", "https://corner.example/o/1?UTM"),
        ("https://corner.example/o?key=1#top", "https://corner.example/o?key=1&UTM#top"),
        ("https://corner.example/o?utm_source=till", "https://corner.example/o?utm_source=till"),
    ],
)
def test_links_say_where_their_visitors_come_from(clock: HandClock, link: str, sent: str) -> None:
    for settings, name in (({}, "regulars"), ({"utm_source": "corner-club"}, "corner-club")):
        utm = f"utm_source={name}&utm_medium=email&utm_campaign=transactional"
        assert events.tagged(events.business(shop(clock, settings=settings)), link, "email") == sent.replace("UTM", utm)


@pytest.mark.parametrize("topic", OWN)
def test_restrictions_ask_about_properties_that_are_there(topic: str) -> None:
    it = events.TOPICS[topic]
    of_properties = schemas.properties(it.type)
    kinds = {"text": "string", "number": "number", "yes_no": "boolean", "list": "array"}
    for name, field in it.restrictions.items():
        assert isinstance(field, Field)
        assert field.name == name
        assert operators_for(field)
        if name == "segments":  # of the customer, and looked up
            continue
        schema = of_properties[name]
        assert kinds[field.type] in [schema.get("type"), *(kind.get("type") for kind in schema.get("anyOf", []))]
    asked = set(it.restrictions)
    assert {"user_country", "user_tier", "user_email", "user_mobile", "user_transaction_amount"} <= asked


@pytest.mark.parametrize(
    ("topic", "name", "values"),
    [
        ("order_create", "status", catalogue.ORDER_STATUSES),
        ("order_create", "financial_status", catalogue.FINANCIAL_STATUSES),
        ("order_create", "delivery_status", catalogue.DELIVERY_STATUSES),
        ("coupon_create", "status", catalogue.COUPON_STATUSES),
        ("walletreward_create", "operation", tuple(catalogue.OPERATIONS)),
        ("walletreward_create", "type", catalogue.TRANSACTION_TYPES),
        ("walletreward_create", "wallet", catalogue.WALLETS),
    ],
)
def test_properties_of_closed_sets_name_them(topic: str, name: str, values: tuple[str, ...]) -> None:
    schema = schemas.properties(events.TOPICS[topic].type)[name]
    assert set(schema["examples"]) <= set(values)
    if name != "operation" and topic != "coupon_create":
        assert schema["description"].endswith(f": {', '.join(values[:-1])} or {values[-1]}.")


def test_wallet_events_are_restricted_by_transaction_type_and_operation() -> None:
    fields = events.TOPICS["walletreward_create"].restrictions
    types, operations = fields["type"].choices, fields["operation"].choices
    assert types is not None
    every_type = ["reward", "redeem", "adjust", "expire", "revert", "referral", "import"]
    assert [choice.value for choice in types] == every_type
    assert operations is not None
    assert [(choice.value, choice.label) for choice in operations] == [("cr", "credited"), ("dr", "debited")]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server was started in this process."""
    monkeypatch.setattr(rendering, "_served_at", "")


def shop(clock: HandClock, **fields: Any) -> Workspace:
    given = {"uri": "https://corner.example/", "settings": {}, "currency_code": "inr", **fields}
    now = clock.now()
    return Workspace(
        id=SHOP_ID,
        name="Corner Shop",
        time_zone="Asia/Kolkata",
        currency_symbol="₹",
        coin_name="beans",
        events_on=True,
        created_at=now,
        updated_at=now,
        **given,
    )


def test_common_properties_of_a_customer_in_a_shop(clock: HandClock) -> None:
    assert events.common(events.business(shop(clock)), Asha(), 31546) == {
        "business_name": "Corner Shop",
        "business_uri": "https://corner.example/",
        "nector_business_uri": "https://corner.example/",
        "business_coin_name": "beans",
        "business_currency_code": "inr",
        "business_currency_symbol": "₹",
        "user_customer_id": "shopify-7029064106277",
        "user_name": "Asha Rao",
        "user_email": " Asha@Example.com",
        "user_mobile": "+919800000000",
        "user_tier": "silver",
        "user_referral_code": "2nfcdqo46x",
        "user_referral_coupon_code": "",
        "user_referral_link": "https://corner.example/r/2nfcdqo46x",
        "user_new_referral_link": "https://corner.example/r/2nfcdqo46x",
        "user_available_balance": 31546,
        "user_balance": 31546,
        "user_dob": "02-06",
        "user_full_dob": "02-06-1990",
        "user_country": "ind",
        "user_transaction_amount": 849.54,
    }


@pytest.mark.parametrize(
    ("fields", "served_at", "link"),
    [
        (
            {"settings": {"referral_link_base": "https://club.example"}},
            "https://here",
            "https://club.example/r/2nfcdqo46x",
        ),
        (
            {"settings": {"referral_link_base": ""}},
            "https://here.example",
            "https://here.example/r/2nfcdqo46x?shop={id}",
        ),
        ({}, "", "https://corner.example/r/2nfcdqo46x"),
        ({"uri": ""}, "", ""),
    ],
)
def test_referral_links_start_where_the_shop_says_or_else_where_the_server_is_reached(
    clock: HandClock, fields: dict[str, Any], served_at: str, link: str
) -> None:
    events.serve_at(served_at)
    workspace = shop(clock, **fields)
    common = events.common(events.business(workspace), Asha(), 0)
    assert common["user_referral_link"] == common["user_new_referral_link"] == link.replace("{id}", str(workspace.id))


def test_what_is_offered_as_sent_is_what_the_rooms_render() -> None:
    texts = {path: path.read_text() for path in Path(regulars.__file__).parent.glob("**/*.py")}
    rendered = "".join(text for path, text in texts.items() if path.name == "wire.py" or "events.told(" in text)
    assert [topic.topic for topic in events.TOPICS.values() if topic.emitted] == [
        name for name in events.TOPICS if f'"{name}"' in rendered
    ]


@pytest.mark.parametrize("topic", OWN)
def test_a_sample_is_about_the_customer(clock: HandClock, topic: str) -> None:
    business = events.business(shop(clock))
    common = events.common(business, Asha(), 12)
    body = json.loads(events.sample(topic, business, common, LEAD_ID, clock.now()))
    assert body.items() >= common.items()
    assert body["entity_id"] == str(SHOP_ID)
    assert body.get("lead_id", str(LEAD_ID)) == str(LEAD_ID)
    assert body.get("created_at", "2026-03-14T09:26:53.589Z") == "2026-03-14T09:26:53.589Z"
    if topic.startswith("lead_"):
        assert body["email"] == Asha.email
        assert body["eid"] == events.eid(Asha.email)
        assert body["available"] == 12
        assert body["transaction_amount"] == 849.54
