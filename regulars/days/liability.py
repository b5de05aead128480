"""What a shop owes its customers: now, month by month, and as it goes on."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time

import msgspec

from regulars import ledger
from regulars.days import coins
from regulars.days.counting import between, kept_days, midnights, missing_days
from regulars.kit import Reading, months_later
from regulars.ledger import Kind, Turnover
from regulars.tenancy import Workspace

_LEARNT_FROM = 3
_AHEAD = 3


class Month(msgspec.Struct, frozen=True):
    """What moved within a month of the shop's time zone, and what was outstanding at its end; of the month that it is,
    so far."""

    starts_at: datetime
    moved: Turnover
    outstanding: int


class Part(msgspec.Struct, frozen=True):
    """`month` by its first day; None: no day is set."""

    month: date | None
    amount: int


class Expected(msgspec.Struct, frozen=True):
    month: date
    amount: int


class Forecast(msgspec.Struct, frozen=True):
    """What will be outstanding at the ends of this month and of those after it, and how far the same method was off, in
    parts of what then was outstanding, on the months that are over: `tried` of them."""

    method: str
    months: list[Expected]
    tried: int
    off_mean: float
    off_most: float


class Liability(msgspec.Struct, frozen=True):
    """In units of the wallet (credits in hundredths). `as_of` is when `outstanding` and its parts were so. `breakage`:
    how much of what left the wallets in these months expired, from 0 to 1; None where nothing left them. `forecast`:
    None before so many months are over as it learns from."""

    kind: Kind
    as_of: datetime
    outstanding: int
    owed: int
    breakage: float | None
    months: list[Month]
    by_age: list[Part]
    by_expiry: list[Part]
    forecast: Forecast | None


async def liability(tx: Reading, shop: Workspace, kind: Kind, now: datetime, months: int) -> Liability:
    """Of the last `months`, the one that it is with them. What no worker has counted yet is counted now, up to the
    limit of the book, which then means "at least"."""
    as_of, stands = await coins.standing(tx, shop, now)
    stands = [one for one in stands if one.kind == kind]
    outstanding = sum(one.amount for one in stands)
    firsts = _firsts(as_of.astimezone(shop.zone).date().replace(day=1), 1 - months)
    starts = [datetime.combine(day, time(), shop.zone) for day in firsts]
    moved = await _moved(tx, shop, kind, starts, as_of)
    found: list[Month] = []
    left = outstanding
    for starts_at, turned in zip(reversed(starts), reversed(moved), strict=True):
        found.insert(0, Month(starts_at, turned, left))
        left -= turned.net
    begun = shop.created_at.astimezone(shop.zone).date().replace(day=1)
    ages, ends = defaultdict[date, int](int), defaultdict[date, int](int)
    for one in stands:
        ages[one.earned_in] += one.amount
        ends[one.expires_in] += one.amount
    total = sum(moved, Turnover(kind))
    gone = total.spent + total.expired
    return Liability(
        kind=kind,
        as_of=as_of,
        outstanding=outstanding,
        owed=await ledger.debts(tx, shop.id, kind),
        breakage=total.expired / gone if gone > 0 else None,
        months=found,
        by_age=_parts(ages),
        by_expiry=_parts(ends),
        forecast=forecast([one for one in found if one.starts_at.astimezone(shop.zone).date() >= begun], shop),
    )


async def _moved(tx: Reading, shop: Workspace, kind: Kind, starts: Sequence[datetime], now: datetime) -> list[Turnover]:
    """In each of the months from `starts` on."""
    count = (now.astimezone(shop.zone).date() - starts[0].astimezone(shop.zone).date()).days
    moments = midnights(now, shop.zone, count + 1)
    moves = []
    if count:
        kept = await kept_days(tx, shop.id, moments)
        missing = missing_days(shop, moments, kept)
        known = {starts_at for starts_at, _ in kept}
        moves = [one for one in await coins.kept_moves(tx, shop.id, moments[0], moments[-1]) if one[0] in known]
        if missing:
            stretch = between(missing, moments)
            turned = zip(stretch, await ledger.turnover(tx, shop.id, stretch), strict=False)
            moves += [(at, one) for at, found in turned for one in found if at not in known]
    moves += [(moments[-1], one) for one in (await ledger.turnover(tx, shop.id, [moments[-1], now]))[0]]
    sums = [Turnover(kind) for _ in starts]
    for at, one in moves:
        if one.kind == kind:
            place = sum(start <= at for start in starts) - 1
            sums[place] = sums[place] + one
    return sums


def forecast(months: Sequence[Month], shop: Workspace) -> Forecast | None:
    """`months` are the shop's own, the oldest first; the last of them goes on."""
    over = months[:-1]
    if len(over) < _LEARNT_FROM:
        return None
    off = []
    for end in range(_LEARNT_FROM + 1, len(over) + 1):
        expected = _next(over[: end - 1], 1)[0]
        off.append(abs(expected - over[end - 1].outstanding) / max(over[end - 1].outstanding, 1))
    firsts = _firsts(months[-1].starts_at.astimezone(shop.zone).date().replace(day=1), _AHEAD - 1)
    return Forecast(
        method=(
            f"Each month to come gains what the last {_LEARNT_FROM} full months gained on average, and loses the same "
            "share of what was outstanding at its beginning as they did."
        ),
        months=[Expected(*pair) for pair in zip(firsts, _next(over, _AHEAD), strict=True)],
        tried=len(off),
        off_mean=sum(off) / len(off) if off else 0.0,
        off_most=max(off, default=0.0),
    )


def _next(over: Sequence[Month], count: int) -> list[int]:
    """What is outstanding at the ends of the months after those, by the last of them."""
    last = over[-_LEARNT_FROM:]
    begun = sum(one.outstanding - one.moved.net for one in last)
    came = sum(one.moved.earned + one.moved.given_back + max(one.moved.adjusted, 0) for one in last)
    went = came - sum(one.moved.net for one in last)
    share = min(max(went / begun, 0.0), 1.0) if begun > 0 else 0.0
    gain = came / len(last) if begun > 0 else (came - went) / len(last)
    found, stands = [], float(over[-1].outstanding)
    for _ in range(count):
        stands = max(stands * (1 - share) + gain, 0.0)
        found.append(round(stands))
    return found


def _firsts(first: date, count: int) -> list[date]:
    """The first days of that month and of `count` months after it, or before it."""
    return [months_later(first, n) for n in range(min(count, 0), max(count, 0) + 1)]


def _parts(sums: dict[date, int]) -> list[Part]:
    return [Part(None if day == date.max else day, sums[day]) for day in sorted(sums) if sums[day]]
