"""Overview: what happened today, what is wrong, and, for a new shop, the way to its first delivered event."""

import asyncio
from typing import Any

import msgspec
from litestar import Response, get

from regulars import delivery, dispatch, events, integrations, schedule
from regulars.dashboard import words
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.figures import PERIODS, figures
from regulars.dashboard.forms import query_of
from regulars.dashboard.pages.shop import LISTS, SETUP
from regulars.dashboard.walk import walk as walked
from regulars.delivery import LaneHealth
from regulars.dispatch import Rule
from regulars.integrations import Integration

LATE_S = 300.0
LATELY_ITEMS = 8


class Trouble(msgspec.Struct, frozen=True):
    """Something a person should look at: what, why, and where."""

    kind: str
    title: str
    text: str
    href: str
    button: str


@get("/")
async def show(desk: Handed) -> Response[str]:
    shop = desk.workspace
    names = ("name", "coin_name", "country", "currency_code", "time_zone")
    return await page(desk, desk.blank(**{name: getattr(shop, name) for name in names}))


async def page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    """`form`: the shop's, as the walk of a new shop shows it."""
    asked = query_of(desk.request).get("days", "")
    count = int(asked) if asked in map(str, PERIODS) else 1
    counting = asyncio.create_task(figures(desk, count))
    async with desk.reading() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        rules = await dispatch.list_rules(tx, desk.id)
        lanes = await delivery.lane_health(tx, desk.id, desk.now)
        totals = await delivery.delivery_totals(tx, desk.id)
        aside = await schedule.kinds_aside(tx, desk.id)
        lately = await events.recent(tx, desk.id, limit=LATELY_ITEMS)
        delivered = any(done for done, _ in totals.values())
        walk = None if delivered else await walked(tx, desk.workspace, tools, rules, lately)
    context: dict[str, Any] = {
        "walk": walk,
        "form": form,
        "fields": SETUP,
        "shows": {},
        "lists": LISTS,
        "sandbox": desk.app.settings.allow_loopback,
        "troubles": [*_troubles(desk, tools, rules, lanes), *_set_aside(sum(aside.values()))],
        "figures": await counting,
        "count": count,
        "periods": PERIODS,
        "lately": lately,
    }
    return desk.page("pages/overview.html", status=status, **context)


def _deliveries(count: int) -> str:
    return words.plural(count, "delivery", "deliveries")


def _troubles(desk: Desk, tools: list[Integration], rules: list[Rule], lanes: list[LaneHealth]) -> list[Trouble]:
    found = []
    health = {lane.lane_id: lane for lane in lanes}
    if rules and not desk.workspace.events_on:
        found.append(
            Trouble("care", "Events are off.", "No tool is told of anything that happens now.", "/events", "See events")
        )
    for tool in tools:
        lane = health.get(tool.id)
        page = f"/integrations/{tool.id}"
        if tool.state == "paused":
            waits = f" Waiting: {_deliveries(lane.queued)}." if lane and lane.queued else ""
            found.append(
                Trouble("bad", f"{tool.name} is paused.", tool.state_reason + waits, page, f"Open {tool.name}")
            )
        elif lane and lane.held_up:
            found.append(Trouble("care", f"{tool.name} waits.", lane.held_up, page, f"Open {tool.name}"))
        elif lane and lane.oldest_due_at and (desk.now - lane.oldest_due_at).total_seconds() > LATE_S:
            text = f"Due: {_deliveries(lane.queued)}. The worker may not be running."
            found.append(Trouble("care", f"{tool.name} gets its events late.", text, page, f"Open {tool.name}"))
        if lane and lane.failed:
            text = "Look at why, mend it, and send them again."
            title = f"{_deliveries(lane.failed)} to {tool.name} failed."
            href = f"/deliveries?state=failed&to={tool.id}"
            found.append(Trouble("bad", title, text, href, "See what failed"))
    return found


def _set_aside(count: int) -> list[Trouble]:
    title = f"{words.plural(count, 'thing')} could not be done."
    text = "Everything else went on. Look at why, and have it tried again."
    return [Trouble("bad", title, text, "/set-aside", "See what was set aside")] if count else []
