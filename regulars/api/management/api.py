"""The management API itself, for its operations to declare themselves on, with what they do so by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits
from regulars.api.operations import Api
from regulars.api.operations import Call as Call
from regulars.api.operations import NoQuery as NoQuery
from regulars.api.resources import Resource as Resource
from regulars.kit import Reading, Refusal


class _Named(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)

management = Api(
    "management",
    "/api/v1",
    "problem",
    "Management API",
    {
        "Shop": "settings",
        "Keys": "staff",
        "Staff": "staff",
        "Customers": "data",
        "Triggers": "rules",
        "Offers": "rules",
        "Coupons": "data",
        "Tiers": "rules",
        "Segments": "rules",
        "Automations": "rules",
        "Campaigns": "rules",
        "Reviews": "data",
        "Referrals": "data",
        "Messages": "rules",
        "Orders": "data",
        "Imports": "data",
        "Events": "data",
        "Send Events": "rules",
        "Integrations": "rules",
        "Senders": "rules",
        "Checkout": "rules",
        "Deliveries": "data",
        "Set aside": "data",
        "Sources": "rules",
    },
)

Limit = Annotated[int, Meta(ge=1, le=limits.PAGE_ITEMS_MAX, description="How many at most.")]
Before = Annotated[UUID, Meta(description="`next` of the page before.")]


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    before: Before | None = None
    limit: Limit = limits.PAGE_ITEMS_DEFAULT


class DatedQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list that can be kept to a stretch of time: from `since` on, before `until`."""

    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


def asked(query: PageQuery, more: int = 1) -> dict[str, Any]:
    """What of a list is asked for, as rooms name it, and so many more than fit the page."""
    given = {name: value for name, value in msgspec.structs.asdict(query).items() if value is not None}
    if "before" in given:
        given["before_id"] = given.pop("before")
    return {**given, "limit": query.limit + more}


def page_of(found: Sequence[N], limit: int) -> tuple[list[N], UUID | None]:
    """Found are the page's items and one more, if there is one: the items, and what continues after them."""
    items = list(found[:limit])
    return items, items[-1].id if len(found) > limit else None


def only(outcomes: Sequence[T | Refusal]) -> T:
    """What came of the one thing that was asked for. Raises the Refusal."""
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def asked_of(call: Call[Any, Any], tx: Reading) -> UUID | None:
    """Our id of the customer whom the query's `customer_id` names; one that nobody has where there is no such."""
    if call.query.customer_id is None:
        return None
    customer = await customers.find(tx, call.workspace_id, customer_id=call.query.customer_id)
    return customer.id if customer else UUID(int=0)
