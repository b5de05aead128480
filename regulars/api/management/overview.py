"""What happened today and on the days before, and how the tools are doing: the dashboard's first page for a program.
And one question to all rooms."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from regulars import days, delivery, events, limits
from regulars.api.management import items
from regulars.api.management.api import Call, management
from regulars.api.management.events import EventItem, event_item
from regulars.api.management.rewards import CouponItem, coupon_items
from regulars.days import Day
from regulars.delivery import LaneHealth
from regulars.engagement import automations
from regulars.kit import Reading
from regulars.kit.clock import hours_of_day
from regulars.search import everywhere


class Today(msgspec.Struct, frozen=True):
    """The hours of the shop's day, from its midnight to the next, as many days before it as were asked for (the oldest
    first), and each integration's queue. Counting stops at a high number, which then means "at least".
    `events_late_since`: an event has waited since then to be carried to the tools, which is longer than it should.
    `automations_stuck`: what keeps people from going on in automations, in sentences."""

    hours: list[Day]
    days: list[Day]
    integrations: list[LaneHealth]
    events_late_since: datetime | None
    automations_stuck: list[str]


class OverviewQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days`: how many of the days before today."""

    days: Annotated[int, msgspec.Meta(ge=0, le=limits.DAYS_KEPT)] = 0


@management.get("/overview", "What happened today", tag="Shop", area="data")
async def read_overview(call: Call[OverviewQuery, None], tx: Reading) -> Today:
    moments = hours_of_day(call.now, call.workspace.zone)
    hours = await days.count_between(tx, call.workspace, moments)
    late_since = await events.late_since(tx, call.workspace_id, "dispatch", call.now)
    before = await days.days_before(tx, call.workspace, call.now, call.query.days) if call.query.days else []
    stuck = [f"{one.name}: {words}" for one, said in await automations.all_stuck(tx, call.workspace) for words in said]
    return Today(hours, before, await delivery.lane_health(tx, call.workspace_id, call.now), late_since, stuck)


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=limits.NAME_CHARS_MAX,
            description="Words of a customer's name, e-mail address or customer_id, any digits of their numbers; an"
            " order's id or name; a coupon's code; the id of anything.",
            examples=["asha rao"],
        ),
    ]


class FoundItems(msgspec.Struct, frozen=True):
    """The newest of each kind, at most ten."""

    customers: list[items.CustomerItem]
    orders: list[items.OrderItem]
    events: list[EventItem]
    deliveries: list[items.DeliveryItem]
    coupons: list[CouponItem]


@management.get("/search", "Search everything", tag="Customers")
async def search_everything(call: Call[SearchQuery, None], tx: Reading) -> FoundItems:
    """Accents and case don't matter, and words may be begun: `mull` finds Zoë Müller."""
    found = await everywhere(tx, call.workspace_id, call.query.text)
    of = await items.whose(tx, call.workspace, [*found.orders, *found.events])
    return FoundItems(
        await items.customer_items(tx, call.workspace, found.customers, call.now),
        [items.order_item(order, of[order.customer_id]) for order in found.orders],
        [event_item(event, of[event.customer_id]) for event in found.events],
        await items.delivery_items(tx, call.workspace, found.deliveries),
        await coupon_items(
            tx,
            call.workspace,
            [coupon for coupon, _ in found.coupons],
            {(coupon.offer_id, coupon.offer_version): terms for coupon, terms in found.coupons},
            call.now,
        ),
    )
