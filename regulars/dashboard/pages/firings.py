"""Rewards: what triggers gave and refused, each with why."""

from typing import Any, NamedTuple

from regulars import customers, orders, triggers
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Money, Name, Small
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import CUSTOMER_ID, Asked, Column, Filter, Found, Listing, chosen_customer, until_next
from regulars.kit import Reading
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
    customer_id = asked.id("customer")
    by = asked.one_more(state=asked.chosen("state"), trigger_id=asked.id("trigger"), customer_id=customer_id)
    page, next_id = until_next(await triggers.firings(tx, desk.id, **by), asked.limit)
    names = {trigger.id: trigger.name for trigger in await triggers.list_triggers(tx, desk.id)}
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in page}))
    placed: dict[Any, Order] = await orders.by_ids(tx, desk.id, {id for one in page if (id := one.order_id)})
    rows = [
        Fired(one, people.get(one.customer_id), placed.get(one.order_id), names.get(one.trigger_id, "A trigger"))
        for one in page
    ]
    choices = {
        "trigger": [(str(id), name) for id, name in names.items()],
        "customer": await chosen_customer(desk, tx, customer_id),
    }
    return Found(rows, next_id, choices)


def _who(row: Fired) -> Link | None:
    who = row.customer
    return Link(Name(who.name, who.customer_id), f"/customers/{who.id}") if who else None


def _order(row: Fired) -> Link | None:
    return Link(row.order.name or row.order.reference_id, f"/orders/{row.order.id}", whole=False) if row.order else None


FIRINGS = Listing[Fired](
    path="/rewards",
    purpose="Each time a trigger was set off: what it gave, or why it gave nothing.",
    columns=[
        Column("Customer", _who),
        CUSTOMER_ID,
        Column("Trigger", lambda row: Link(row.trigger, f"/triggers/{row.firing.trigger_id}", whole=False)),
        Column(
            "Outcome",
            lambda row: [Badge(*STATES[row.firing.state]), row.firing.explanation and Small(row.firing.explanation)],
        ),
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
