"""Orders in: reported as often as a shop likes, one or many at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, orders, triggers
from regulars.api.management.api import Call, DatedQuery, NoQuery, asked, asked_of, management
from regulars.api.management.items import FiringItem, OrderItem, firing_item, order_item, whose
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.kit import Page, Reading, Refusal, Tx, invalid
from regulars.orders import Order, OrderReport
from regulars.orders.reported import FinancialStatus, Reported, report_of
from regulars.triggers import NO_TRIGGER, Taken, granted_coins


class OrderRefusal(msgspec.Struct, frozen=True):
    """Why this report was not taken; the others were."""

    message: str
    code: str
    fields: dict[str, str]


class OrderOutcome(msgspec.Struct, frozen=True):
    """What a report changed: `created`, `updated`, `unchanged`, `stale` (older than what is kept) or `refused`. `index`
    is its place among the reports, from 0.

    `coins` is what this report earned; `firings` say for each trigger what was given, or why nothing was. `left_out`
    are details of a known customer that can't be kept, with what was expected: the order is taken without them.
    """

    index: int
    change: Literal["created", "updated", "unchanged", "stale", "refused"]
    order: OrderItem | None
    coins: int
    firings: list[FiringItem]
    refusal: OrderRefusal | None = None
    left_out: dict[str, str] = {}


class OrderOutcomes(msgspec.Struct, frozen=True):
    """One for each report, in the same order."""

    items: list[OrderOutcome]


class OrderQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`since` and `until` go by when orders were placed. `reference_id` finds the orders of this id, of any source;
    `customer_id` those of a customer: either gives one page."""

    reference_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] | None = None
    customer_id: CustomerId | None = None
    source: Annotated[str, Meta(max_length=40)] | None = None
    financial_status: FinancialStatus | None = None
    sort: Annotated[
        orders.Sort,
        Meta(
            description="By when they were placed, or by their amounts' numbers, whatever the currency; not of a"
            " customer."
        ),
    ] = "newest"


class OrderWithFirings(msgspec.Struct, frozen=True):
    """`explanation` says why it earned nothing where no firing does."""

    order: OrderItem
    firings: list[FiringItem]
    explanation: str


Many = Annotated[list[Reported], Meta(min_length=1, max_length=limits.ORDERS_PER_CALL_MAX)]


def _check(call: Call[NoQuery, Any]) -> OrderReport:
    return report_of(call.body, call.now)


@management.post("/orders", "Report orders", tag="Orders", each=Reported, check=_check)
async def report_orders(call: Call[NoQuery, Reported | Many], tx: Tx) -> OrderOutcomes:
    """One order, or a list of up to 500. Of a list, a report that can't be taken or even read is answered with why, and
    the others are taken; one alone is refused with 422. A customer who is not known is created; the triggers that react
    to orders give what the order has earned by now, once."""
    body: Any = call.body
    reports: list[Reported | Refusal] = body if isinstance(body, list) else [body]
    checked = [_checked(report, call.now) for report in reports]
    takeable = [report for report in checked if isinstance(report, OrderReport)]
    taken = iter(await triggers.take_orders(tx, call.workspace, takeable, call.now, actor=call.caller.actor))
    answers = [next(taken) if isinstance(report, OrderReport) else report for report in checked]
    if isinstance(answers[0], Refusal) and not isinstance(body, list):
        raise answers[0]
    of = await whose(tx, call.workspace, [a.recorded.order for a in answers if not isinstance(a, Refusal)])
    pairs = enumerate(zip(checked, answers, strict=True))
    return OrderOutcomes([_outcome(index, report, answer, of) for index, (report, answer) in pairs])


@management.get("/orders", "Orders", tag="Orders")
async def list_orders(call: Call[OrderQuery, None], tx: Reading) -> Page[OrderItem]:
    """The one placed last first, unless another order is asked for."""
    query = call.query
    customer_id = await asked_of(call, tx)
    if customer_id is not None:
        if query.sort != "newest":
            raise invalid("sort", "newest, where a customer is named")
        placed = await orders.orders_of(tx, call.workspace_id, customer_id, limit=query.limit)
        return Page(await _said(call, tx, placed), None)
    wanted = asked(query, more=0)
    found, after = await orders.search_orders(tx, call.workspace_id, **{"reference_id": ""} | wanted)
    return Page(await _said(call, tx, found), after)


@management.get("/orders/{id}", "One order", tag="Orders")
async def read_order(call: Call[NoQuery, None], tx: Reading) -> OrderWithFirings:
    """With what it earned, or why it earned nothing."""
    order = await orders.find_order(tx, call.workspace_id, call.path_id())
    fired = await triggers.firings(tx, call.workspace_id, customer_id=order.customer_id, reference=f"order:{order.id}")
    customer = (await whose(tx, call.workspace, [order]))[order.customer_id]
    explanation = "" if fired else NO_TRIGGER
    return OrderWithFirings(order_item(order, customer), [firing_item(one, customer) for one in fired], explanation)


async def _said(call: Call[Any, Any], tx: Reading, orders: Sequence[Order]) -> list[OrderItem]:
    of = await whose(tx, call.workspace, orders)
    return [order_item(order, of[order.customer_id]) for order in orders]


def _checked(given: Reported | Refusal, now: datetime) -> OrderReport | Refusal:
    if isinstance(given, Refusal):
        return given
    try:
        return report_of(given, now)
    except Refusal as refusal:
        return refusal


def _outcome(
    index: int, report: OrderReport | Refusal, answer: Taken | Refusal, of: dict[UUID, Customer]
) -> OrderOutcome:
    if isinstance(answer, Refusal):
        return OrderOutcome(index, "refused", None, 0, [], OrderRefusal(answer.message, answer.code, answer.fields))
    order = answer.recorded.order
    customer = of[order.customer_id]
    firings = [firing_item(firing, customer) for firing in answer.firings]
    coins = granted_coins(answer.firings)
    left_out = report.unfit.fields if isinstance(report, OrderReport) and report.unfit else {}
    change = answer.recorded.change
    return OrderOutcome(index, change, order_item(order, customer), coins, firings, left_out=left_out)
