"""A coupon as a discount at the platform where the shop sells: wanted here, made there, told of here again.

    making --made--> made --it ends unused, or is used elsewhere--> removing --> gone
       |               ^  `--its order is void--> remaking --made----^ (there it counts as used, so it is made anew)
       `--refused, or not made in time--> failed: the coupon is cancelled; coins that were held for it are let go

The platform is asked between two transactions, by whoever has a row of the schedule in hand, or by a door. Each looks
whether the code is there before anything else, so however often it is asked, and whoever dies in between, there is one.
Codes of a list, and those that everybody has, are the shop's own: they are there already.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import ledger, limits, schedule
from regulars.kit import Faults, Reading, Refusal, Tx
from regulars.ledger import Ending, Outcome
from regulars.rewards.model import Coupon, Discounted, Terms
from regulars.schedule import Due
from regulars.tenancy import Workspace

DISCOUNT = "rewards.discount"
EndHolds = Callable[[Tx, Workspace, Sequence[Ending], datetime], Awaitable[list[Outcome]]]
Where = Callable[[Reading, UUID], Awaitable[UUID | None]]
Cannot = Callable[[Reading, UUID, Terms], Awaitable[dict[str, str]]]
_there: list[tuple[Where, Cannot]] = []


def discounts_at(where: Where, cannot: Cannot) -> None:
    """Have a room above this one asked where a shop's discounts are made (its source, None where nowhere), and what of
    such terms can't be made there: why, by their fields."""
    _there.append((where, cannot))


async def made_at(tx: Reading, workspace_id: UUID) -> UUID | None:
    return await _there[0][0](tx, workspace_id) if _there else None


async def check_there(tx: Reading, workspace_id: UUID, terms: Terms) -> None:
    """Raises Invalid naming each field that the shop's platform has no discount for."""
    faults = Faults()
    if _there and terms.code == "generated":
        for field, why in (await _there[0][1](tx, workspace_id, terms)).items():
            faults.add(field, f"something else: {why} It can be had with codes of a list of your own")
    faults.check()


class Came(msgspec.Struct, frozen=True):
    """What came of asking. `refused`: not like this, ever; `closed`: not until the shop gives another key; `unclear`:
    perhaps, so it is asked again, `wait_s` from now at the earliest."""

    how: Literal["done", "refused", "closed", "unclear"]
    words: str = ""
    wait_s: float = 0.0


class DiscountRefused(Refusal, code="discount_refused"):
    """The discount could not be made where the shop sells: the coupon is cancelled, and its coins are back."""


def due_there(coupon: Coupon, at: datetime, tries: int = 0, **led: Any) -> Due:
    """`led` is what led to it, of one that is told of once it is there: `cause_id`, `depth`."""
    return Due(DISCOUNT, str(coupon.id), at, {"tries": tries, **led})


def is_held(coupon: Coupon) -> bool:
    """Its coins are not spent before its discount is there."""
    return coupon.discount == "making" and coupon.txn_id is not None


async def end_holds(tx: Tx, workspace: Workspace, coupons: Sequence[Coupon], now: datetime, act: EndHolds) -> None:
    """Capture or void what is held for them. A void that comes too late finds what it wanted."""
    holds = [Ending(occurred_at=now, hold_id=one.txn_id) for one in coupons if is_held(one) and one.txn_id]
    for outcome in await act(tx, workspace, holds, now) if holds else ():
        if isinstance(outcome, Refusal) and act is not ledger.void:
            raise outcome


async def take_away(
    tx: Tx, workspace_id: UUID, coupons: Sequence[Coupon], now: datetime, to: Discounted = "removing"
) -> list[Coupon]:
    """The coupons, the discounts of which are to go from wherever they are; one may come late that is being made."""
    late = now + timedelta(seconds=limits.DISCOUNT_LATE_S)
    live = {one.id: one for one in coupons if one.discount in ("making", "remaking", "made")}
    dues = [due_there(one, now if one.discount == "made" else late) for one in live.values()]
    await schedule.put(tx, workspace_id, dues if to == "removing" else [])
    return [msgspec.structs.replace(one, discount=to) if one.id in live else one for one in coupons]
