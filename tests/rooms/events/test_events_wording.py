"""Each event as one sentence, made of its body alone."""

from typing import Any

import pytest

from regulars import events
from regulars.events import schemas


def said(topic: str, **values: Any) -> str:
    type_ = events.TOPICS[topic].type
    body = schemas.examples(type_)[0] | {"user_name": "Asha Rao"} | values
    return events.sentence(topic, events.body(topic, body))


SENTENCES = [
    ("walletreward_create", {"amount": 93, "closing_balance": 240, "reference_order_name": "#1028"},
     "93 coins to Asha Rao for order #1028, balance 240"),
    ("walletreward_create", {"amount": 1, "closing_balance": 1240, "title": "Birthday", "business_coin_name": "stars"},
     "1 star to Asha Rao for “Birthday”, balance 1,240"),
    ("walletreward_create", {"operation": "dr", "type": "expire", "amount": 5, "closing_balance": 0, "title": ""},
     "5 coins expired for Asha Rao, balance 0"),
    ("walletreward_create", {"operation": "dr", "type": "adjust", "amount": 5, "closing_balance": 0, "title": "Typo"},
     "5 coins taken away by hand from Asha Rao for “Typo”, balance 0"),
    ("walletreward_create", {"wallet": "credits", "amount": 2.5, "closing_balance": 12, "title": "",
                             "business_currency_code": "usd", "business_currency_symbol": "$"},
     "$2.50 to Asha Rao, balance $12.00"),
    ("order_create", {"fiat_amount": 1849.5, "currency_code": "eur", "financial_status": "paid",
                      "delivery_status": "pending"},
     "Order #1028 of Asha Rao over 1,849.50 EUR, paid"),
    ("order_update", {"fiat_amount": 900, "currency_code": "jpy", "financial_status": "partially_refunded",
                      "delivery_status": "fulfilled"},
     "Order #1028 of Asha Rao over 900 JPY, partially refunded, fulfilled now"),
    ("lead_create", {"user_name": "", "user_email": "", "user_customer_id": "shopify-7"},
     "shopify-7 became a customer"),
    ("lead_create", {"user_name": "", "user_customer_id": "referred-0"}, "asha@example.com became a customer"),
    ("lead_update", {"changed_properties": ["referred_by_referral_code"], "referred_by_referral_code": "asha1"},
     "Asha Rao came by the code asha1"),
    ("lead_update", {"changed_properties": ["mobile", "dob"]}, "Asha Rao: mobile number, date of birth changed"),
    ("viptier_create", {"direction": "up", "formatted_tier": "Silver"}, "Asha Rao moved up to Silver"),
    ("viptierends_create", {"formatted_tier": "Silver", "formatted_ends_at": "June 2nd 2024, 6:40:33 am"},
     "Asha Rao stays in Silver until June 2nd 2024, 6:40:33 am, and does not qualify any more"),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "values", "sentence"), SENTENCES)
def test_an_event_says_what_happened_in_one_sentence(topic: str, values: dict[str, Any], sentence: str) -> None:
    assert said(topic, **values) == sentence


@pytest.mark.parametrize("topic", events.TOPICS)
def test_every_topic_has_a_sentence_of_its_own_without_wire_names(topic: str) -> None:
    sentence = said(topic)
    assert sentence
    assert "_" not in sentence
    assert "{" not in sentence
    assert topic not in sentence
    assert not sentence.startswith(events.TOPICS[topic].label + ": ")


def test_an_event_of_a_later_version_is_still_said() -> None:
    assert events.sentence("moonlanding_create", '{"user_name": "Asha Rao"}') == "moonlanding_create: Asha Rao"
