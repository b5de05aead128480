"""What several reports say of one order, put together: it ends the same in whatever order they come.

What every report says is the newest one's. What only some say is that of the newest one that said it, so an older one
that comes late still tells what no newer one did.
"""

from datetime import datetime
from typing import Any

from regulars.orders.lines import united
from regulars.orders.model import NEVER, REPORTED, SOMETIMES_SAID, Order, OrderReport


def merged(kept: Order, report: OrderReport, said_at: datetime) -> dict[str, Any]:
    """The fields of the order that are as the report says, which is of this version, or stay as they were said before;
    and `status`, which follows from both."""
    late = said_at < kept.source_version
    newest = kept.source_version if late else said_at
    fields: dict[str, Any] = {} if late else {field: getattr(report, field) for field in REPORTED}
    versions: dict[str, datetime] = {}
    for field in SOMETIMES_SAID:
        value, said = getattr(kept, field), getattr(report, field)
        at = kept.said_at.get(field, kept.source_version)
        if said is not None and field == "refunds" and value is not None:
            value, at = united(value, at, said, said_at), max(at, said_at)
        elif said is not None and (value is None or said_at >= at):
            value, at = said, said_at
        if value is not None:
            fields[field] = value
            if at != newest:
                versions[field] = at
    status = fields.get("status", kept.other_status or kept.status)
    cancelled = fields.get("cancelled_at", NEVER) != NEVER
    fields["status"] = "cancelled" if cancelled else status
    fields["other_status"] = status if cancelled and status != "cancelled" else None
    return {**fields, "said_at": versions}
