"""What a segment's condition may ask: what a customer is, and what they have done."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import conditions
from regulars.conditions import Choice, Column, Condition, Deed, Done, Field, Language, Measure, People, Property, Test
from regulars.customers import TAGS, Customer, own_fields
from regulars.events import TOPICS
from regulars.kit import units_of
from regulars.tenancy import Workspace
from regulars.triggers import CUSTOMER, customer_payload

_MORE = (
    Field("customer_balance", "Customer's balance", "number", unit="coins", help="What they can spend."),
    Field("customer_last_order", "Customer's last order", "date"),
)
_DEEDS = {
    topic.topic: Deed(topic.happening, {k: v for k, v in topic.restrictions.items() if k != "segments"})
    for topic in TOPICS.values()
    if topic.emitted
}
_LEAD = ("lead_create", "lead_update", "viptier_create")
_ORDERS = ("lead_create", "lead_update", "order_create", "order_update")
_CHANGED_BY = {
    "customer_orders": _ORDERS,
    "customer_spent": _ORDERS,
    "customer_last_order": _ORDERS,
    "customer_balance": ("lead_create", "lead_update", "walletreward_create", "wallettrasaction_update"),
}
"""The events that may change what a customer is; of all other properties `_LEAD`."""


def language(shop: Workspace | None = None, known: Mapping[UUID, str] | None = None) -> Language:
    """The schema, with what a shop keeps of customers; with its segments by their ids where they are to be chosen, or
    called by their names."""
    choices = None if known is None else tuple(Choice(str(id), name) for id, name in known.items())
    fields = (msgspec.structs.replace(one, choices=choices) if one.name == "segments" else one for one in CUSTOMER)
    return Language([*fields, *_MORE, *own_fields(shop)], _DEEDS)


LANGUAGE = language()


@lru_cache(maxsize=4_096)
def read(condition: str | None) -> Condition | None:
    """A condition as it is stored."""
    return None if condition is None else conditions.parse(msgspec.json.decode(condition), LANGUAGE)


@lru_cache(maxsize=4_096)
def test_of(condition: str | None, zone: ZoneInfo) -> Test:
    found = read(condition)
    return (lambda payload, now: True) if found is None else conditions.compiled(found, zone)


def mentions(condition: Condition | None) -> set[str]:
    """The topics of the log because of which somebody may enter or leave."""
    topics = {"lead_create"}
    for leaf in conditions.leaves(condition):
        topics.update((leaf.measure.topic,) if isinstance(leaf, Done) else _CHANGED_BY.get(leaf.name, _LEAD))
    return topics


def uses(condition: Condition | None) -> set[UUID]:
    """The segments that it asks about."""
    found: set[UUID] = set()
    for leaf in conditions.leaves(condition):
        if isinstance(leaf, Property) and leaf.name == "segments" and isinstance(leaf.value, tuple):
            found.update(UUID(id) for id in leaf.value if isinstance(id, str) and _is_id(id))
    return found


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def measures_of(found: Iterable[Condition | None]) -> list[Measure]:
    leaves = (leaf for one in found for leaf in conditions.leaves(one))
    return list(dict.fromkeys(leaf.measure for leaf in leaves if isinstance(leaf, Done)))


def payload(
    customer: Customer, workspace: Workspace, available: int, segments: Iterable[UUID], done: Mapping[Measure, object]
) -> dict[Any, Any]:
    last = customer.last_order_at
    return {
        **customer_payload(customer, workspace),
        "customer_balance": available,
        "customer_last_order": last and last.isoformat(),
        "segments": [str(id) for id in segments],
        **done,
    }


def people(workspace: Workspace, one_of: int = 1) -> People:
    """The same in SQL; of a sample of one of so many, a power of two."""

    def text(column: str) -> Column:
        return Column(f"NULLIF(c.{column}, '')")

    # Of the texts only an e-mail address may be other than ASCII; codes are kept as they were drawn or typed.
    currency = "(SELECT w.currency_code FROM tenancy_workspace AS w WHERE w.workspace_id = $1)"
    spent = f"COALESCE((c.spent ->> {currency})::float8, 0) / {units_of(workspace.currency_code)}"
    own = "WHERE {0}.workspace_id = $1 AND {0}.customer_id = c.id"
    columns = {
        "customer_country": text("country"),
        "customer_tier": text("tier"),
        "customer_email": text("email_folded"),
        "customer_mobile": Column("NULLIF(btrim(c.mobile), '')"),
        "customer_gender": text("gender"),
        "customer_dob": Column("c.dob"),
        "customer_since": Column("c.created_at", at=True),
        "customer_orders": Column("c.orders_count::float8"),
        "customer_spent": Column(spent),
        "customer_referred_by": Column("NULLIF(lower(c.referred_by_code COLLATE \"C\"), '')"),
        "customer_accepts_email": Column("c.accept_email"),
        "customer_accepts_mobile": Column("c.accept_mobile"),
        "customer_balance": Column(
            f"COALESCE((SELECT l.available FROM ledger_coins AS l {own.format('l')}), 0)::float8"
        ),
        "customer_last_order": Column("c.last_order_at", at=True),
        TAGS.name: Column("(SELECT array_agg(t) FROM jsonb_array_elements_text(c.asked -> '') AS t)"),
        "segments": Column(f"(SELECT array_agg(s.segment_id::text) FROM segments_membership AS s {own.format('s')})"),
    }

    def column(leaf: Property) -> Column:
        # A name of the shop's own was matched when the condition was read, and holds nothing but letters, digits and _.
        name, as_ = (
            leaf.name.rpartition(".")[2],
            {"text": "text", "number": "float8", "yes_no": "boolean", "date": "date"},
        )
        return columns.get(leaf.name) or Column(f"(c.asked -> '{name}' ->> '{leaf.type}')::{as_[leaf.type]}")

    where, deeds = "c.workspace_id = $1", "events_deeds"
    if one_of > 1:
        drawn = f"uuid_hash({{0}}.id) & {one_of - 1} = 0"
        where += f" AND {drawn.format('c')}"
        deeds = f"""(SELECT d.* FROM customers_living AS s
      JOIN events_deeds AS d ON d.workspace_id = $1 AND d.customer_id = s.id
     WHERE s.workspace_id = $1 AND {drawn.format("s")})"""
    return People("customers_living AS c", where, column, deeds)
