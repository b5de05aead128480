"""Lists that go on by key: what is asked of them, and a page of one; the same page as CSV, a line for each item."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits
from regulars.api.operations import Call
from regulars.kit import Reading
from regulars.kit.sheets import csv_lines

N = TypeVar("N")
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


async def asked_of(call: Call[Any, Any], tx: Reading) -> UUID | None:
    """Our id of the customer whom the query's `customer_id` names; one that nobody has where there is no such."""
    if call.query.customer_id is None:
        return None
    customer = await customers.find(tx, call.workspace_id, customer_id=call.query.customer_id)
    return customer.id if customer else UUID(int=0)


def page_of(found: Sequence[N], limit: int) -> tuple[list[N], UUID | None]:
    """Found are the page's items and one more, if there is one: the items, and what continues after them, which of
    things that have no id is their customer's."""
    items = list(found[:limit])
    last: Any = items[-1] if len(found) > limit else None
    return items, last and (last.id if hasattr(last, "id") else last.customer_id)


def as_csv(answer: bytes) -> tuple[bytes, str]:
    """The items of an answer, and its `next`, empty on the last page. What stands in an item's own objects has their
    name before it (`customer.name`); a list is JSON."""
    page = msgspec.json.decode(answer)
    items = [_flat(item) for item in page["items"]]
    heads = list(dict.fromkeys(name for item in items for name in item))
    rows = [[item.get(name) for name in heads] for item in items]
    return csv_lines([heads, *rows]).encode(), page["next"] or ""


def _flat(item: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = msgspec.json.encode(value).decode() if isinstance(value, list | bool) else value
    return flat
