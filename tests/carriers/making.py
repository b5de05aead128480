"""Settings for every connector that fit the sandbox, and parcels to carry."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from regulars.delivery import Carrier, Parcel
from regulars.integrations import CONNECTORS
from regulars.kit.fields import checked_settings

OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

# What a shop fills in, per tool; BASE stands for the sandbox's address, AT for the host and port in it.
GIVEN: dict[str, dict[str, Any]] = {
    "omnisend": {"api_key": "sandbox-key", "host": "BASE/omnisend"},
    "klaviyo": {"api_key": "pk_sandbox_key", "host": "BASE/klaviyo"},
    "contlo": {"api_key": "sandbox-key", "host": "BASE/contlo"},
    "webengage": {"api_key": "sandbox-key", "licence_code": "~47b66161", "host": "BASE/webengage"},
    "moengage": {"api_key": "sandbox-key", "workspace_id": "OAPQQ2AMD01", "host": "BASE/moengage"},
    "clevertap": {"api_key": "sandbox-key", "account_id": "ABC-123-XYZ", "host": "BASE/clevertap"},
    "attentive": {"api_key": "sandbox-key", "host": "BASE/attentive"},
    "mailchimp": {"api_key": "sandbox-key-us21", "list_id": "a1b2c3d4e5", "host": "BASE/mailchimp"},
    "postscript": {"api_key": "sandbox-key", "host": "BASE/postscript"},
    "webhook": {"url": "BASE/webhook/shop", "secret": SECRET},
    "nats": {"servers": "AT", "password": "sandbox-token"},
    "kafka": {"servers": "AT", "user": "shop", "password": "sandbox-password"},
}

EVENT: dict[str, Any] = {
    "business_name": "Corner Shop",
    "user_customer_id": "shopify-7029064106277",
    "user_name": "Ayush Kumar Shukla",
    "user_email": "ayush@example.com",
    "user_mobile": "+919999999999",
    "user_tier": "",
    "user_referral_code": "2nfcdqo46x",
    "user_available_balance": 120,
    "user_transaction_amount": 499.5,
    "entity_id": "449ebf4f-f3e2-471a-a21f-47d8e148f259",
    "title": 'A "quoted" \u2028 ürôpé title',
    "amount": 100,
    "closing_balance": 0,
    "last_transaction": "",
    "operation": "cr",
}


# What is true of the customer by now: more than the event says.
PROFILE: dict[str, Any] = {
    "user_customer_id": "shopify-7029064106277",
    "user_name": "Ayush Kumar Shukla",
    "user_email": "ayush@example.com",
    "user_mobile": "+919999999999",
    "user_tier": "",
    "user_referral_code": "2nfcdqo46x",
    "user_referral_link": "https://corner.example/r/2nfcdqo46x",
    "user_available_balance": 170,
    "user_transaction_amount": 499.5,
    "user_segments": ["Champions", "At risk"],
    "user_tags": ["VIP"],
}


def carrier_for(tool: str, base_url: str, **changed: Any) -> Carrier:
    host = urlsplit(base_url)
    at = f"{host.hostname}:{host.port or 4222}"
    given = {
        name: value.replace("BASE", base_url).replace("AT", at) if isinstance(value, str) else value
        for name, value in (GIVEN[tool] | changed).items()
    }
    connector = CONNECTORS[tool]
    return connector.carrier(*checked_settings(connector.manifest, given, {}, {}))


def parcel(**changed: Any) -> Parcel:
    """An attempt made now: receivers refuse signatures that are old."""
    body = EVENT | changed.pop("event", {})
    fields: dict[str, Any] = {
        "delivery_id": UUID("0197aa00-0000-7000-8000-000000000001"),
        "event_id": UUID("0197aa00-0000-7000-8000-000000000002"),
        "event_name": "shop_walletreward_create",
        "topic": "walletreward_create",
        "occurred_at": datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC),
        "body": msgspec.json.encode(body).decode(),
        "test": False,
        "attempt_number": 1,
        "attempted_at": datetime.now(UTC),
        "profile": PROFILE,
    }
    return Parcel(**(fields | changed))
