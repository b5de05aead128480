"""What happened today and on the days before, and how the tools are doing: the dashboard's first page for a program."""

from datetime import datetime
from typing import Annotated

import msgspec

from regulars import days, delivery, events, limits
from regulars.api.management.api import management
from regulars.api.operations import Call
from regulars.days import Day
from regulars.delivery import LaneHealth
from regulars.kit import Reading
from regulars.kit.clock import hours_of_day


class Today(msgspec.Struct, frozen=True):
    """The hours of the shop's day, from its midnight to the next, as many days before it as were asked for (the oldest
    first), and each integration's queue. Counting stops at a high number, which then means "at least".
    `events_late_since`: an event has waited since then to be carried to the tools, which is longer than it should."""

    hours: list[Day]
    days: list[Day]
    integrations: list[LaneHealth]
    events_late_since: datetime | None


class OverviewQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days`: how many of the days before today."""

    days: Annotated[int, msgspec.Meta(ge=0, le=limits.DAYS_KEPT)] = 0


@management.get("/overview", "What happened today", tag="Shop", area="data")
async def read_overview(call: Call[OverviewQuery, None], tx: Reading) -> Today:
    moments = hours_of_day(call.now, call.workspace.zone)
    hours = await days.count_between(tx, call.workspace, moments)
    late_since = await events.late_since(tx, call.workspace_id, "dispatch", call.now)
    before = await days.days_before(tx, call.workspace, call.now, call.query.days) if call.query.days else []
    return Today(hours, before, await delivery.lane_health(tx, call.workspace_id, call.now), late_since)
