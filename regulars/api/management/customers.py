"""Customers: found, made, changed, given and taken coins by hand, and each one's story."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import customers, events, ledger, limits, orders, triggers
from regulars.api.management import items
from regulars.api.management.api import Call, DatedQuery, Limit, NoQuery, asked, management, only, page_of
from regulars.api.management.events import EventItem, event_item
from regulars.customers import Customer
from regulars.customers.own import Properties, Tags
from regulars.customers.reported import CustomerDetails, Details
from regulars.kit import Listed, Page, Partial, Reading, Tx, a_birthday
from regulars.ledger import Entry


class CustomerChange(Partial[Details], frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Only what is given changes; of `properties` those that are named. `tags` are all there are then, `tags_added` and
    `tags_removed` leave the others."""

    accept_email: bool | UnsetType = UNSET
    accept_mobile: bool | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    tags_added: Tags | UnsetType = UNSET
    tags_removed: Tags | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET


class NewPerson(CustomerDetails, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = CustomerDetails.__doc__

    tags: Tags | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET


Sort = Annotated[
    customers.Sort, Meta(description="Otherwise than newest: of the whole list, without text, since and until.")
]


class CustomerQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    text: (
        Annotated[
            str,
            Meta(
                max_length=limits.NAME_CHARS_MAX,
                description="Words, or beginnings of words, of their name, e-mail address, customer_id or referral"
                " code, accents and case apart; any digits of their numbers.",
            ),
        ]
        | None
    ) = None
    sort: Sort = "newest"


BeforeSeq = Annotated[int, Meta(ge=1, le=limits.WALLET_CREDITED_MAX, description="`next` of the page before.")]


class TransactionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wallet: Literal["coins", "credits"] = "coins"
    before: BeforeSeq | None = None
    limit: Limit = limits.PAGE_ITEMS_DEFAULT


class TransactionPage(msgspec.Struct, frozen=True):
    items: list[items.TransactionItem]
    next: int | None


class Adjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Coins given (`cr`) or taken away (`dr`) by hand; the customer's history shows the reason."""

    operation: Literal["cr", "dr"]
    amount: Annotated[int, Meta(ge=1, le=limits.COINS_MAX, examples=[50])]
    reason: Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["A late parcel"])]


class StoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = limits.PAGE_ITEMS_DEFAULT


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of `order`, `transaction`, `firing` or `event`, as `kind` says. It happened `at`, and was written down at
    `booked_at`: balances follow one another in that order."""

    at: datetime
    booked_at: datetime
    kind: Literal["order", "transaction", "firing", "event"]
    order: items.OrderItem | None = None
    transaction: items.TransactionItem | None = None
    firing: items.FiringItem | None = None
    event: EventItem | None = None


@management.get("/customers", "Customers", tag="Customers")
async def list_customers(call: Call[CustomerQuery, None], tx: Reading) -> Page[items.CustomerItem]:
    """Newest first, unless another order is asked for; `since` and `until` are of when they became known."""
    query = call.query
    found = await customers.search(tx, call.workspace_id, **{"text": ""} | asked(query))
    page, after = page_of(found, query.limit)
    return Page(await items.customer_items(tx, call.workspace, page, call.now), after)


@management.post("/customers", "Create a customer", tag="Customers", status=201)
async def create_customer(call: Call[NoQuery, NewPerson], tx: Tx) -> items.CustomerItem:
    customer = await triggers.create_customer(
        tx, call.workspace, call.body.new_customer(), call.now, actor=call.caller.actor
    )
    if own := {name: value for name in ("tags", "properties") if (value := getattr(call.body, name))}:
        have = (await ledger.available(tx, call.workspace, [customer.id], call.now))[customer.id]
        customer = await customers.change(tx, call.workspace, customer.id, own, call.now, available=have)
    await call.audit(tx, "customer.create", customer.customer_id)
    return await _said(call, tx, customer)


@management.get("/customers/{id}", "One customer", tag="Customers")
async def read_customer(call: Call[NoQuery, None], tx: Reading) -> items.CustomerItem:
    return await _said(call, tx, await customers.get(tx, call.workspace_id, id=call.path_id()))


@management.patch("/customers/{id}", "Change a customer", tag="Customers")
async def change_customer(call: Call[NoQuery, CustomerChange], tx: Tx) -> items.CustomerItem:
    changes = call.body.given()
    if changes.get("dob"):
        a_birthday("dob", changes["dob"])
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    balances = await ledger.balances(tx, call.workspace, [customer.id], call.now)
    available = balances[customer.id]["coins"].available
    changed = await customers.change(tx, call.workspace, customer.id, changes, call.now, available=available)
    await call.audit(tx, "customer.update", customer.customer_id, changed=sorted(changes))
    return items.customer_item(changed, balances[customer.id], call.workspace)


@management.get("/customers/{id}/transactions", "A customer's wallet", tag="Customers")
async def list_transactions(call: Call[TransactionQuery, None], tx: Reading) -> TransactionPage:
    """Newest first."""
    query = call.query
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    found = await ledger.txns_of(
        tx, call.workspace_id, customer.id, kind=query.wallet, before_seq=query.before, limit=query.limit + 1
    )
    page = [items.transaction_item(txn, customer) for txn in found[: query.limit]]
    return TransactionPage(page, page[-1].seq if len(found) > query.limit else None)


@management.post("/customers/{id}/transactions", "Give or take coins by hand", tag="Customers", status=201)
async def adjust_coins(call: Call[NoQuery, Adjustment], tx: Tx) -> items.TransactionItem:
    """Send an Idempotency-Key with it: repeated without one, the coins move again."""
    body = call.body
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    entry = Entry(
        customer_id=customer.id,
        operation=body.operation,
        amount=body.amount,
        type="adjust",
        occurred_at=call.now,
        title=body.reason,
        actor=call.caller.actor,
    )
    posted = only(await ledger.post(tx, call.workspace, [entry], call.now, known={customer.id: customer}))
    await call.audit(tx, "customer.adjust", customer.customer_id, operation=body.operation, amount=body.amount)
    return items.transaction_item(posted.txn, customer)


@management.get("/customers/{id}/timeline", "A customer's story", tag="Customers")
async def read_story(call: Call[StoryQuery, None], tx: Reading) -> Listed[Fact]:
    """What happened to a customer, and why a trigger gave nothing: what was booked last first."""
    limit, workspace_id = call.query.limit, call.workspace_id
    customer = await customers.get(tx, workspace_id, id=call.path_id())
    placed = await orders.orders_of(tx, workspace_id, customer.id, limit=limit)
    txns = await ledger.txns_of(tx, workspace_id, customer.id, limit=limit)
    fired = await triggers.firings(tx, workspace_id, customer_id=customer.id, limit=limit)
    logged = await events.recent(tx, workspace_id, customer_id=customer.id, limit=limit)
    facts = [
        *(
            Fact(order.placed_at, order.created_at, "order", order=items.order_item(order, customer))
            for order in placed
        ),
        *(
            Fact(txn.occurred_at, txn.recorded_at, "transaction", transaction=items.transaction_item(txn, customer))
            for txn in txns
        ),
        *(
            Fact(firing.fired_at, firing.fired_at, "firing", firing=items.firing_item(firing, customer))
            for firing in fired
        ),
        *(Fact(event.occurred_at, event.recorded_at, "event", event=event_item(event, customer)) for event in logged),
    ]
    return Listed(sorted(facts, key=lambda fact: (fact.booked_at, fact.at), reverse=True)[:limit])


async def _said(call: Call[Any, Any], tx: Reading, customer: Customer) -> items.CustomerItem:
    (item,) = await items.customer_items(tx, call.workspace, [customer], call.now)
    return item
