"""What platforms' bodies have in common, as typed values."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from iso3166 import countries_by_alpha2

from regulars import orders
from regulars.customers import NewCustomer
from regulars.kit import Faults
from regulars.orders import OrderReport
from regulars.shops.model import Source, Unreadable

T = TypeVar("T")

Id = int | str
Text = str | None


def typed(type_: type[T], body: Any) -> T:
    """Whatever else a body holds is left aside. Raises Unreadable saying what was expected where."""
    try:
        return msgspec.convert(body, type_, strict=False)
    except msgspec.ValidationError as error:
        raise Unreadable(f"The body is not what was expected: {error}") from None


def customer_id(source: Source, id: Id) -> str:
    return f"{source.slug}-{id}"


def guest_id(source: Source, email: str) -> str:
    """Who has no account there is known by their address alone, which an id should not tell."""
    return f"{source.slug}-guest-{sha256(email.strip().lower().encode()).hexdigest()[:20]}"


def country_of(alpha2: Text) -> str:
    found = countries_by_alpha2.get((alpha2 or "").strip().upper())
    return found.alpha3.lower() if found else ""


def person(id: str, first: Text, last: Text, email: Text, mobile: Text, country: Text) -> NewCustomer:
    """A number without its country can't be kept, and is left out."""
    name = " ".join(part.strip() for part in (first, last) if part and part.strip())
    code = country_of(country)
    return NewCustomer(
        id, name=name, email=(email or "").strip(), mobile=(mobile or "").strip() if code else "", country=code
    )


def shipped_to(source: Source, *address: Text) -> str:
    """A mark of street, what is beside it, postcode and country that an order goes to, the same however they are
    spelled, which does not tell where that is; '' of an address that says too little."""
    if not (address[0] and address[2]):
        return ""
    said = re.sub(r"[\W_]+", "", "".join(part or "" for part in address).casefold())
    return sha256(source.workspace_id.bytes + said.encode()).hexdigest()[:32]


def moment(text: Text) -> datetime | None:
    """A time without an offset is in UTC, as platforms write those that they call GMT."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"expected a time such as 2026-03-14T09:26:53Z, not {text[:40]}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def the_moment(*texts: Text) -> datetime:
    """The first of them that is said. Raises Unreadable where none is."""
    at = moment(next((text for text in texts if text), ""))
    if at is None:
        raise Unreadable("expected a time such as 2026-03-14T09:26:53Z, and none is said")
    return at


class Money:
    """Amounts of one currency in minor units; what is wrong with one is noted."""

    def __init__(self, currency: str) -> None:
        self.code = currency.strip().lower()
        self.faults = Faults()

    def of(self, field: str, *amounts: str | float | None) -> int:
        """All of them together; a sign is left out, as platforms write what goes back with one or without."""
        total = 0
        for amount in amounts:
            with self.faults:
                total += orders.minor_units(field, str(amount or 0).strip().lstrip("-") or "0", self.code)
        return total

    def checked(self, report: OrderReport) -> OrderReport:
        """Raises Invalid naming each field."""
        with self.faults:
            report = orders.check(report)
        self.faults.check()
        return report


def campaign(address: Text, given: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """The UTM marks of the page that somebody came in by."""
    try:
        pairs = parse_qsl(urlsplit(address or "").query, max_num_fields=100)
    except ValueError:
        pairs = []
    return {name: value[:200] for name, value in (*pairs, *given) if name in _CAMPAIGN and value}


_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign")
