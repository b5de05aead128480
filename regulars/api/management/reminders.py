"""Reminders: when customers are told, and what each would tell the next time."""

import msgspec

from regulars import reminders
from regulars.api.management.api import management
from regulars.api.management.workspace import Reminders
from regulars.api.operations import Call, NoQuery
from regulars.kit import Reading, Tx
from regulars.reminders import Foreseen, ReminderRules, reminder_rules
from regulars.tenancy import Workspace
from regulars.wiring import change_shop


class RemindersItem(msgspec.Struct, frozen=True):
    """`upcoming` is what each would tell the next time, by what is true now."""

    rules: ReminderRules
    upcoming: list[Foreseen]


async def _item(tx: Reading, call: Call[NoQuery, None] | Call[NoQuery, Reminders], shop: Workspace) -> RemindersItem:
    return RemindersItem(reminder_rules(shop), await reminders.foreseen(tx, shop, call.now))


@management.get("/reminders", "Reminders", tag="Shop")
async def read_reminders(call: Call[NoQuery, None], tx: Reading) -> RemindersItem:
    return await _item(tx, call, call.workspace)


@management.patch("/reminders", "Change reminders", tag="Shop")
async def change_reminders(call: Call[NoQuery, Reminders], tx: Tx) -> RemindersItem:
    """The shop's setting `reminders`, as `PATCH /workspace` has it."""
    changes = {"settings": {"reminders": msgspec.to_builtins(call.body)}}
    shop = await change_shop(tx, call.workspace, changes, call.now)
    await call.audit(tx, "workspace.update", call.workspace.id, fields=["settings"])
    return await _item(tx, call, shop)
