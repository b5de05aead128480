"""What was given and taken over a stretch of time, and what stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import limits
from regulars.kit import Queries, Reading, first_id_at
from regulars.ledger.model import Kind

_sql = Queries(__file__)


class Flow(msgspec.Struct, frozen=True, gc=False):
    """What was recorded from `starts_at` until the next of the moments asked for."""

    starts_at: datetime
    credited: int
    debited: int


async def flow(
    tx: Reading,
    workspace_id: UUID,
    moments: Sequence[datetime],
    *,
    kind: Kind = "coins",
    at_most: int = limits.FLOW_TXNS_MAX,
) -> list[Flow]:
    """For each stretch between two neighbouring moments (in rising order, at least two).

    Adding up stops at `at_most` txns in a stretch: such a sum means "at least". It goes by the ids, which
    hold the time the system's clock showed.
    """
    bounds = [first_id_at(at) for at in moments]
    rows = await tx.fetch(_sql.flow, workspace_id, bounds[:-1], bounds[1:], kind, at_most)
    return [Flow(at, row["credited"], row["debited"]) for at, row in zip(moments, rows, strict=False)]


class Turnover(msgspec.Struct, frozen=True, gc=False):
    """What came into customers' wallets of one kind, and what went out of them. `adjusted` by hand, below zero where
    more was taken. `clawed_back` is what they had of it; `owed` what they had spent already, and owe since.
    `debts_paid` is what of the rest paid what they owed."""

    kind: Kind
    earned: int = 0
    adjusted: int = 0
    given_back: int = 0
    spent: int = 0
    expired: int = 0
    clawed_back: int = 0
    owed: int = 0
    debts_paid: int = 0

    @property
    def net(self) -> int:
        """By how much more they have after it."""
        came = self.earned + self.adjusted + self.given_back
        return came - self.spent - self.expired - self.clawed_back - self.debts_paid

    def __add__(self, other: Turnover) -> Turnover:
        mine, others = msgspec.structs.astuple(self)[1:], msgspec.structs.astuple(other)[1:]
        return Turnover(self.kind, *map(sum, zip(mine, others, strict=True)))


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What customers have of what they earned in one month and what expires in one, both named by their first day.
    `date.max`: no day is set."""

    kind: Kind
    earned_in: date
    expires_in: date
    amount: int
    lots: int


async def turnover(
    tx: Reading, workspace_id: UUID, moments: Sequence[datetime], *, at_most: int = limits.FLOW_TXNS_MAX
) -> list[list[Turnover]]:
    """For each stretch between two neighbouring moments, of each kind of wallet in which something moved. Stops and
    goes as `flow`."""
    bounds = [first_id_at(at) for at in moments]
    found: list[list[Turnover]] = [[] for _ in bounds[1:]]
    for place, kind, *sums in await tx.fetch(_sql.turnover, workspace_id, bounds[:-1], bounds[1:], at_most):
        found[place].append(Turnover(kind, *(int(one or 0) for one in sums)))
    return found


async def standing(tx: Reading, workspace_id: UUID, now: datetime, zone: ZoneInfo) -> list[Standing]:
    """Of all wallets, as of now. Reads every open lot."""
    return await tx.all(Standing, _sql.standing, workspace_id, now, zone.key)


async def debts(tx: Reading, workspace_id: UUID, kind: Kind) -> int:
    """What all customers together owe."""
    return int(await tx.fetchval(_sql.debts, workspace_id, kind))
