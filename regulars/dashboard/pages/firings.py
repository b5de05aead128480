"""Rewards: what triggers gave and refused, each with why."""

from typing import Any, NamedTuple

from litestar.types import ControllerRouterHandler

from regulars import customers, orders, triggers
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Money, Name, Small
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Asked, Column, Filter, Found, Listing, handlers, until_next
from regulars.dashboard.pages.people import chosen_customer
from regulars.kit.db import Reading
from regulars.orders import Order
from regulars.triggers import Firing

STATES = {
    "granted": ("good", "Granted"),
    "waiting": ("busy", "Waiting"),
    "refused": ("care", "Refused"),
    "reversed": ("off", "Taken back"),
}


class Fired(NamedTuple):
    firing: Firing
    customer: Customer | None
    order: Order | None
    trigger: str


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Fired]:
    state: Any = asked.chosen("state")
    found = await triggers.firings(
        tx,
        desk.id,
        trigger_id=asked.id("trigger"),
        customer_id=asked.id("customer"),
        state=state,
        since=asked.since,
        until=asked.until,
        before_id=asked.before_id,
        limit=asked.limit + 1,
    )
    page, next_id = until_next(found, asked.limit)
    names = {trigger.id: trigger.name for trigger in await triggers.list_triggers(tx, desk.id)}
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in page}))
    placed = await orders.by_ids(tx, desk.id, {id for one in page if (id := one.order_id)})
    rows = [
        Fired(
            one,
            people.get(one.customer_id),
            placed.get(one.order_id) if one.order_id else None,
            names.get(one.trigger_id, "A trigger"),
        )
        for one in page
    ]
    choices = {
        "trigger": [(str(id), name) for id, name in names.items()],
        "customer": await chosen_customer(desk, tx, asked.id("customer")),
    }
    return Found(rows, next_id, choices)


def _outcome(row: Fired) -> list[Any]:
    return [Badge(*STATES[row.firing.state]), *([Small(row.firing.explanation)] if row.firing.explanation else [])]


def _order(row: Fired) -> Link | None:
    return Link(row.order.name or row.order.reference_id, f"/orders/{row.order.id}", whole=False) if row.order else None


FIRINGS = Listing[Fired](
    path="/rewards",
    title="Rewards",
    purpose="Each time a trigger was set off: what it gave, or why it gave nothing.",
    columns=[
        Column(
            "Customer",
            lambda row: (
                row.customer
                and Link(Name(row.customer.name, row.customer.customer_id), f"/customers/{row.customer.id}")
            ),
        ),
        Column("customer_id", lambda row: row.customer and row.customer.customer_id, only="file"),
        Column("Trigger", lambda row: Link(row.trigger, f"/triggers/{row.firing.trigger_id}", whole=False)),
        Column("Outcome", _outcome),
        Column("Why", lambda row: row.firing.explanation, only="file"),
        Column("Order", _order),
        Column("Amount", lambda row: row.order and Money(row.order.amount_minor, row.order.currency_code), right=True),
        Column("Currency", lambda row: row.order and row.order.currency_code.upper(), only="file"),
        Column("{Coins}", lambda row: row.firing.amount * (-1 if row.firing.operation == "dr" else 1), right=True),
        Column("When", lambda row: row.firing.fired_at),
    ],
    read=_read,
    nothing="Nothing was given yet",
    nothing_why="Each time a trigger is set off, the outcome is listed here: what was given, or why nothing was.",
    filters=[
        Filter("state", "Outcome", "Any outcome", [(state, word) for state, (_, word) in STATES.items()]),
        Filter("trigger", "Trigger", "Every trigger"),
        Filter("customer", "Customer"),
    ],
    days="Given",
)

HANDLERS: list[ControllerRouterHandler] = handlers(FIRINGS)
