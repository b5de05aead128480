"""GET /triggers: the ways to earn, for a widget."""

from __future__ import annotations

from regulars import triggers
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import TriggerList, trigger_item
from regulars.api.operations import Call, NoQuery
from regulars.kit.db import Tx


@merchant.get("/triggers", "Ways to earn, for a widget", tag="Triggers", access="READ")
async def list_triggers(call: Call[NoQuery, None], tx: Tx) -> TriggerList:
    """The active triggers that are shown in the rewards widget."""
    workspace = call.workspace
    shown = [t for t in await triggers.list_triggers(tx, workspace.id) if t.active and t.show_in_widget]
    items = [trigger_item(t, workspace.coin_name, workspace.currency_symbol) for t in shown]
    return TriggerList(items, len(items))
