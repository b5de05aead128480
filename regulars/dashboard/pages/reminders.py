"""When customers are told of coins that expire, or lie unused."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from regulars import dispatch, limits, reminders
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.kit.errors import Refusal
from regulars.reminders import ReminderRules
from regulars.wiring import change_shop

TOPICS = {"coinexpirynotify_create": "Coins are about to expire", "unusedwalletcoinrequest_create": "Coins lie unused"}
HOURS = [(str(hour), f"{hour:02d}:00") for hour in range(24)]


@get("/reminders")
async def shown(desk: Handed) -> Response[str]:
    rules = reminders.reminder_rules(desk.workspace)
    values = msgspec.structs.asdict(rules) | {
        "expiry_notices": "yes" if rules.expiry_notices else "",
        "unused": "yes" if rules.unused_days else "",
        "unused_days": rules.unused_days or 30,
    }
    return await _page(desk, desk.blank(**values))


@post("/reminders")
async def change(desk: Handed) -> Response[str]:
    form = await desk.form()
    kept: dict[str, Any] = msgspec.structs.asdict(_rules(form))
    changes = {"settings": {"reminders": kept}}
    try:
        async with desk.changing("workspace.update", desk.id, **changes) as tx:
            await change_shop(tx, desk.workspace, changes, desk.now)
    except Refusal as refusal:
        return await _page(desk, form.refused(refusal), 422)
    return desk.see("/reminders", "Saved.")


def _rules(form: Form) -> ReminderRules:
    """What can't be read is noted with the form."""

    def whole(name: str, most: int) -> int:
        number = form.whole(name, least=1)
        if number > most:
            form.faults.add(name, f"a whole number from 1 to {most:,}")
        return min(number, most)

    on = form.on("unused")
    rules = ReminderRules(int(form.choice("at_hour", dict(HOURS))), form.on("expiry_notices"))
    if not on:
        return rules
    return msgspec.structs.replace(
        rules,
        unused_days=whole("unused_days", limits.REMINDER_DAYS_MAX),
        unused_times=whole("unused_times", limits.REMINDER_TIMES_MAX),
        unused_gap_days=whole("unused_gap_days", limits.REMINDER_DAYS_MAX),
        unused_balance_min=whole("unused_balance_min", limits.COINS_MAX),
    )


async def _page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        rules = await dispatch.list_rules(tx, desk.id)
    told = {topic: sum(rule.topic == topic and rule.active for rule in rules) for topic in TOPICS}
    return desk.page("pages/reminders.html", status=status, form=form, hours=HOURS, topics=TOPICS, told=told)


HANDLERS: list[ControllerRouterHandler] = [shown, change]
