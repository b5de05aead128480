"""GET /triggers: the ways to earn, for a widget."""

from uuid import UUID

from regulars import triggers
from regulars.api.merchant.items import TriggerItem, trigger_item
from regulars.api.merchant.lists import Listing, NumberedPage
from regulars.api.operations import Call
from regulars.kit import Reading


class TriggerQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: UUID | None = None


ways = Listing("/triggers", TriggerItem, tag="Triggers", leads=())


@ways.list("Ways to earn, for a widget")
async def list_triggers(call: Call[TriggerQuery, None], tx: Reading) -> tuple[list[TriggerItem], int]:
    """The active triggers that are shown in the rewards widget, or the one of them with this id."""
    query, workspace = call.query, call.workspace
    found = await triggers.list_triggers(tx, workspace.id)
    shown = [t for t in found if t.active and t.show_in_widget and query.id in (None, t.id)]
    shown.sort(key=lambda t: (getattr(t, query.sort), t.id), reverse=query.sort_op == "DESC")
    page = shown[query.numbers["offset"] :][: query.limit]
    return [trigger_item(t, workspace.coin_name, workspace.currency_symbol) for t in page], len(shown)
