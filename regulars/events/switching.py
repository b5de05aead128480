"""The switch of a shop: whether tools are told of its events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import tenancy
from regulars.events.readers import drop_pending
from regulars.kit import Queries, Reading, Tx
from regulars.tenancy import Workspace

_sql = Queries(__file__)


async def switch(tx: Tx, workspace_id: UUID, on: bool, now: datetime) -> Workspace:
    """What happened while it was off is not sent afterwards: what still waits is dropped in the transaction that
    switches on. Events themselves stay in the log. Raises NotFound."""
    before = await tenancy.get_workspace(tx, workspace_id)
    changed = await tenancy.change_workspace(tx, workspace_id, {"events_on": on}, now)
    if on and not before.events_on:
        await drop_pending(tx, workspace_id, "dispatch")
    if on != before.events_on:
        await tx.execute(_sql.insert_switching, workspace_id, now, on)
    return changed


class Switched(msgspec.Struct, frozen=True):
    """Whether events were on at some moment, and when they were switched off next."""

    on: bool
    off_at: datetime | None


async def switched(tx: Reading, workspace: Workspace, moments: Iterable[datetime]) -> dict[datetime, Switched]:
    """At each moment."""
    turns = [(row["at"], row["events_on"]) for row in await tx.fetch(_sql.switchings, workspace.id)]
    return {at: _switched(turns, at, now_on=workspace.events_on) for at in moments}


def _switched(turns: Sequence[tuple[datetime, bool]], at: datetime, *, now_on: bool) -> Switched:
    before, after = [on for turned, on in turns if turned <= at], [turn for turn in turns if turn[0] > at]
    # Before the first turn that is known, it stood the other way round.
    on = before[-1] if before else not after[0][1] if after else now_on
    return Switched(on, next((turned for turned, stayed_on in after if not stayed_on), None))
