"""What the shop owes its customers, for a program and for a spreadsheet."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import days, limits
from regulars.api.management.api import management
from regulars.api.management.items import in_units
from regulars.api.operations import Call
from regulars.days.liability import Expected, Forecast, Month, Part
from regulars.kit import Reading, Shown, copied
from regulars.ledger import Kind, amount_on_wire


class LiabilityQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`months`: how many, the one that it is with them."""

    wallet: Kind = "coins"
    months: Annotated[int, Meta(ge=1, le=limits.LIABILITY_MONTHS_MAX, examples=[12])] = 12


class MonthItem(msgspec.Struct, frozen=True):
    """What moved in a month of the shop's time zone, counted by when it was written down, and what was outstanding at
    its end; of the month that it is, so far. `adjusted` is below zero where more was taken by hand than given. Of what
    was taken back, `clawed_back` is what customers still had, `owed` what they had spent. `debts_paid` never came into
    a wallet."""

    month: date
    earned: int | float
    adjusted: int | float
    given_back: int | float
    spent: int | float
    expired: int | float
    clawed_back: int | float
    owed: int | float
    debts_paid: int | float
    outstanding: int | float


class PartItem(msgspec.Struct, frozen=True):
    """What is outstanding of one month, named by its first day; null: no day is set."""

    month: date | None
    amount: int | float


class ForecastItem(Shown[Forecast], frozen=True, kw_only=True):
    """What will be outstanding at the ends of this month and the next, by this `method`, which was `tried` on so many
    months that are over: it was off by `off_mean` of what then was outstanding, at most by `off_most`."""

    months: list[PartItem]


class LiabilityAnswer(msgspec.Struct, frozen=True):
    """`outstanding` is what customers have, pending and held with it, `as_of` a time; `owed` what they owe. Coins, or
    credits in the shop's currency. `by_age` is by the month in which it was earned, `by_expiry` by the one in which it
    expires. `breakage`: which part of what was spent or expired in these months expired. `forecast` is null until three
    months are over. As CSV: the months."""

    wallet: Kind
    as_of: datetime
    outstanding: int | float
    owed: int | float
    breakage: float | None
    by_age: list[PartItem]
    by_expiry: list[PartItem]
    forecast: ForecastItem | None
    items: list[MonthItem]
    next: UUID | None = None


@management.get("/liability", "What the shop owes its customers", tag="Shop", area="data")
async def read_liability(call: Call[LiabilityQuery, None], tx: Reading) -> LiabilityAnswer:
    kind = call.query.wallet
    found = await days.liability(tx, call.workspace, kind, call.now, call.query.months)
    expected = found.forecast

    def parts(of: Sequence[Part | Expected]) -> list[PartItem]:
        return [in_units(PartItem, kind, one) for one in of]

    def month(one: Month) -> MonthItem:
        starts_on = one.starts_at.astimezone(call.workspace.zone).date()
        return in_units(MonthItem, kind, one.moved, month=starts_on, outstanding=amount_on_wire(kind, one.outstanding))

    return in_units(
        LiabilityAnswer,
        kind,
        found,
        wallet=kind,
        by_age=parts(found.by_age),
        by_expiry=parts(found.by_expiry),
        forecast=copied(ForecastItem, expected, months=parts(expected.months)) if expected else None,
        items=[month(one) for one in found.months],
        next=None,
    )
