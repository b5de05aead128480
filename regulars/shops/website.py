"""A shop of one's own: the same facts as the management API takes, pushed to an address that only the shop knows, and
signed besides where it chooses so."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from regulars.customers import NewCustomer
from regulars.kit import a_birthday, wire_time
from regulars.kit.fields import form_of, signing_secret
from regulars.kit.secrets import new_token
from regulars.orders.reported import Reported, report_of
from regulars.shops.model import CustomerSaid, Envelope, Nothing, OrderSaid, Platform, Said, Source, topic_of
from regulars.shops.reading import Text, moment, typed

_TOPIC, _SIGNATURE, _ID = "x-custom-website-topic", "x-custom-website-signature", "x-custom-website-id"
_TOPICS = re.compile(r"(order|customer|lead)s?[/._-](create|update)d?")


class _Details(msgspec.Struct, frozen=True):
    email: Text = None
    mobile: Text = None
    country: Text = None
    gender: Text = None
    dob: date | None = None


class _Customer(_Details, frozen=True):
    """As `POST /leads` has it, or as a customer of an order."""

    customer_id: str = ""
    name: Text = None
    referral_code: Text = None
    metadetail: _Details = _Details()
    accept_email: bool | None = None
    accept_mobile: bool | None = None
    updated_at: Text = None
    tags: list[str] = []


def _envelope(headers: Mapping[str, str], settings: Mapping[str, Any]) -> Envelope:
    return Envelope(
        topic_of(headers.get(_TOPIC, "").strip().lower()),
        topic_of(headers.get(_ID, "")),
        headers.get(_SIGNATURE, ""),
        signed=settings.get("signed") == "yes",
    )


def _read(topic: str, body: dict[str, Any], source: Source) -> Said:
    found = _TOPICS.fullmatch(topic)
    if found is None:
        return Nothing("Nothing is done with this topic.")
    if found[1] != "order":
        return _customer(typed(_Customer, body))
    given = typed(Reported, {"source": source.slug, **body})
    # When it was changed last must be said by itself: a hook that is handled late is not news for that.
    return OrderSaid(report_of(given, given.updated_at or given.placed_at))


def _customer(given: _Customer) -> CustomerSaid:
    said = {name: getattr(given, name) or getattr(given.metadetail, name) for name in _Details.__struct_fields__}
    a_birthday("dob", said["dob"])
    details = NewCustomer(
        given.customer_id,
        name=given.name or "",
        referral_code=given.referral_code or "",
        **{name: value for name, value in said.items() if value},
    )
    consent = {name: value for name in ("accept_email", "accept_mobile") if (value := getattr(given, name)) is not None}
    return CustomerSaid(details, moment(given.updated_at), consent, given.tags)


def _example(at: datetime, currency_code: str, _: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    return {_TOPIC: "orders/created"}, {
        "reference_id": "1001",
        "name": "#1001",
        "customer": {"customer_id": "website-17", "name": "Asha Rao", "email": "asha@example.com"},
        "amount": "130",
        "currency_code": currency_code,
        "placed_at": wire_time(at.astimezone(UTC)),
    }


PLATFORM = Platform(
    platform="website",
    **form_of(__file__, "website", signing_secret(lambda: new_token("ws_"))),
    topics=("orders/created", "orders/updated", "customers/created", "customers/updated"),
    signature_header=_SIGNATURE,
    envelope=_envelope,
    read=_read,
    example=_example,
)
