"""How lanes are doing, of a shop and of all; what keeps deliveries from arriving, and what to do about it."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.attempts import Attempt, Verdict
from regulars.delivery.carrier import PAUSE_STATUSES, RETRY_STATUSES
from regulars.delivery.model import SLOT, Delivery, LaneHealth, slot_of
from regulars.kit import Queries, Reading, Record
from regulars.kit.http import Answer, NoAnswer

_sql = Queries(__file__)
TOOK_MS = (25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, int(2_000 * limits.CALL_TIMEOUT_S))
TROUBLES = msgspec.json.decode(Path(__file__).with_name("troubles.json").read_bytes(), type=dict[str, tuple[str, str]])
"""What keeps an attempt from arriving, in a few words, and what to do about a delivery that failed so. A slot's
`counts` are those of attempts that took up to each of TOOK_MS, then those of each of these."""


def _trouble(status: int | None, *, called: bool, late: bool = False) -> str:
    if status is None:
        return "timeout" if late else "unreachable" if called else "unfit"
    if status in PAUSE_STATUSES or status == 429:
        return "throttled" if status == 429 else "key_refused"
    return "broken" if status in RETRY_STATUSES or status >= 500 else "refused"


async def advice(tx: Reading, workspace_id: UUID, found: Sequence[Delivery]) -> dict[UUID, str]:
    """What to do about those of them that failed, by the last try of each."""
    rows = await tx.fetch(_sql.last_tries, workspace_id, [one.id for one in found if one.state == "failed"])
    return {id: TROUBLES[_trouble(status, called=bool(url))][1] for id, status, url in rows}


def counted_by_kind(made: Sequence[tuple[Attempt, Verdict]]) -> list[int]:
    """The `counts` that they add to their slot."""
    took, troubles = [0] * len(TOOK_MS), dict.fromkeys(TROUBLES, 0)
    for one, verdict in made:
        end, status = one.end, one.end.status if isinstance(one.end, Answer) else None
        if end is not None:
            took[bisect_left(TOOK_MS, end.duration_ms, hi=len(TOOK_MS) - 1)] += 1
        if verdict.state != "delivered":
            late = isinstance(end, NoAnswer) and end.kind.startswith("timeout")
            troubles[_trouble(status, called=end is not None, late=late)] += 1
    return [*took, *troubles.values()]


class Hour(msgspec.Struct, frozen=True):
    """How many attempts arrived in it, and how many did not."""

    starts_at: datetime
    delivered: int
    not_delivered: int


class LaneDay(msgspec.Struct, frozen=True):
    """The last 24 hours of a lane. Half of the calls took no longer than `p50_ms`, 99 of 100 no longer than `p99_ms`:
    the next of some round numbers; null without calls. `troubles`: how many attempts each kept from arriving."""

    hours: list[Hour]
    p50_ms: int | None
    p99_ms: int | None
    troubles: dict[str, int]


async def lane_day(tx: Reading, workspace_id: UUID, lane_id: UUID, now: datetime) -> LaneDay:
    """Its last hour ends with the slot that is counted now."""
    first, hour = slot_of(now) + SLOT - timedelta(days=1), timedelta(hours=1)
    rows, became = await tx.fetch(_sql.slots, workspace_id, lane_id, first), {n: [0, 0] for n in range(24)}
    counts = counted_by_kind(())
    for row in rows:
        for n, part in enumerate((row["delivered"], row["not_delivered"])):
            became[min(23, (row["slot"] - first) // hour)][n] += part
        counts = [a + b for a, b in zip(counts, row["counts"] or [0] * len(counts), strict=True)]
    took, troubles = counts[: len(TOOK_MS)], dict(zip(TROUBLES, counts[len(TOOK_MS) :], strict=True))
    below = [(bound_ms, sum(took[: n + 1]) / (sum(took) or 1)) for n, bound_ms in enumerate(TOOK_MS)]
    p50_ms, p99_ms = (next((bound_ms for bound_ms, part in below if part >= share), None) for share in (0.5, 0.99))
    hours = [Hour(first + n * hour, *parts) for n, parts in became.items()]
    return LaneDay(hours, p50_ms, p99_ms, {name: many for name, many in troubles.items() if many})


async def lane_health(tx: Reading, workspace_id: UUID, now: datetime) -> list[LaneHealth]:
    """Every lane of the workspace. The last hour is counted in slots of five minutes."""
    since = now - timedelta(hours=1)
    return await tx.all(LaneHealth, _sql.health, workspace_id, since, limits.DELIVERY_COUNT_MAX, now)


async def keeping_up(tx: Reading, silent: Sequence[UUID], now: datetime) -> list[Record]:
    """How all lanes of each `tool` keep up: so many are `held_up`, the oldest is due since `oldest_due_at` (or to be,
    in the future); `delivered`, `retried` and `failed` is what became of attempts in the five minutes counted last. Of
    every workspace, but for `silent` ones, whose events are off."""
    return await tx.fetch(_sql.keeping_up, silent, slot_of(now - SLOT))


async def delivered_between(tx: Reading, workspace_id: UUID, moments: Sequence[datetime]) -> list[int]:
    """How many arrived in each stretch between two neighbouring moments, which rise and begin slots of five minutes."""
    return await tx.all(int, _sql.delivered_by_span, workspace_id, moments[:-1], moments[1:])


async def delivery_totals(tx: Reading, workspace_id: UUID) -> dict[UUID, tuple[int, int]]:
    """Of each lane: how many attempts delivered, and how many ended a delivery as failed, ever."""
    rows = await tx.fetch(_sql.totals, workspace_id)
    return {row["lane_id"]: (row["delivered"], row["failed"]) for row in rows}
