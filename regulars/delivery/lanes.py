"""A lane: the queue of one integration. Opened with it, paused and resumed, and leased by one worker at a time.

The lease is also the rescue: a worker that dies stops renewing, and after LANE_LEASE_S another takes the lane up where
the record of attempts ends. It does so at once when the lease names the lock that the worker had while it lived
(`kit.presence`) and nobody has it any more.

Who changes a lane's row, and in which order: queueing (`queue`) inserts deliveries, then lowers `wake_at`; a release
locks the row first and looks for what is queued after that. So a delivery that is committed while a lane is put down
is either seen by the release, or wakes the lane again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.model import Addressee, Lane, Outgoing, Profile, delivery_ids
from regulars.delivery.rate import Bucket
from regulars.delivery.store import sql
from regulars.kit import NotFound, Reading, Tx, invalid, new_id, presence, shaped

Said = Mapping[tuple[UUID, UUID], str]
_AS_IS: Said = {}
_NEWER = "The customer's state changed once more before it was sent, and goes out as it is by then."


async def open_lane(tx: Tx, workspace_id: UUID, lane_id: UUID, tool: str, rate_per_minute: int, now: datetime) -> None:
    """`lane_id` is the integration's id. A lane that is open already only takes the new rate. Raises Invalid."""
    await tx.execute(sql.open_lane, workspace_id, lane_id, tool, _checked_rate(rate_per_minute), now)


async def set_rate(tx: Tx, workspace_id: UUID, lane_id: UUID, rate_per_minute: int) -> None:
    """A worker that holds the lane takes it up with its next page. Raises Invalid, NotFound."""
    _found(await tx.fetchval(sql.set_rate, workspace_id, lane_id, _checked_rate(rate_per_minute)))


async def pause_lane(tx: Tx, workspace_id: UUID, lane_id: UUID, reason: str) -> None:
    """Nothing more is sent; what is queued stays, and more may be queued. Calls in flight end. Raises NotFound."""
    _found(await tx.fetchval(sql.pause_lane, workspace_id, lane_id, reason))


async def resume_lane(tx: Tx, workspace_id: UUID, lane_id: UUID, now: datetime) -> None:
    """What waited goes out. Resuming a lane that was not paused only wakes it. Raises NotFound."""
    _found(await tx.fetchval(sql.resume_lane, workspace_id, lane_id, now))


async def queue(
    tx: Tx, workspace_id: UUID, events: Sequence[tuple[Addressee, Sequence[UUID]]], now: datetime, mapped: Said = _AS_IS
) -> int:
    """Queue a delivery of each event for its addressee, due at once, in one statement, and wake the lanes.

    One that exists already (the same event and rule) is left as it is. `mapped`, by rule and event, is told in place
    of the event's body. Returns how many are new.
    """
    ids: list[UUID] = []
    event_ids: list[UUID] = []
    numbers: list[int] = []
    said: list[str | None] = []
    for number, (addressee, of_it) in enumerate(events, start=1):
        ids += delivery_ids(of_it, addressee.rule_id)
        event_ids += of_it
        numbers += [number] * len(of_it)
        if mapped:
            said += [mapped.get((addressee.rule_id, id)) for id in of_it]
    if not ids:
        return 0
    columns = [[getattr(one, name) for one, _ in events] for name in ("lane_id", "rule_id", "prefix", "topic")]
    new = await tx.count(sql.insert_deliveries, workspace_id, ids, event_ids, numbers, *columns, now, said)
    lane_ids = {addressee.lane_id for addressee, of_it in events if of_it}
    await tx.execute(sql.wake_lanes, workspace_id, list(lane_ids), now)
    return new


async def queue_profiles(tx: Tx, workspace_id: UUID, profiles: Sequence[Profile], now: datetime) -> None:
    """Queue a delivery of each, in place of those of the same customers that still wait there, and wake the lanes."""
    if profiles:
        ids = [delivery_ids([one.event_id], one.lane_id)[0] for one in profiles]
        lanes, whose = [one.lane_id for one in profiles], [one.customer_id for one in profiles]
        await tx.execute(sql.wake_lanes, workspace_id, list(set(lanes)), now)
        await tx.execute(sql.lay_over_profiles, workspace_id, lanes, whose, ids, _NEWER, now)
        rows = {
            id: (id, one.event_id, one.customer_id, one.lane_id, one.topic)
            for id, one in zip(ids, profiles, strict=True)
        }
        await tx.execute(sql.insert_profiles, workspace_id, *shaped(sorted(rows.values()), 3), now)


async def queue_messages(tx: Tx, workspace_id: UUID, messages: Sequence[Outgoing], now: datetime) -> None:
    """Queue each, new, in its sender's lane, and wake the lanes."""
    if messages:
        first_at = min(one.due_at for one in messages)
        await tx.execute(sql.wake_lanes, workspace_id, list({one.lane_id for one in messages}), first_at)
        rows = map(msgspec.structs.astuple, messages)
        tx.write(sql.insert_messages, workspace_id, *shaped(rows, 1), now)


async def queue_said(
    tx: Tx, workspace_id: UUID, lane_id: UUID, channel: str, contents: Sequence[str], now: datetime
) -> None:
    """Queue messages that carry what they say, since no room is asked for it, and wake the lane."""
    await tx.execute(sql.insert_said, workspace_id, [new_id() for _ in contents], contents, lane_id, channel, now)
    await tx.execute(sql.wake_lanes, workspace_id, [lane_id], now)


async def waiting(tx: Reading, workspace_id: UUID, lane_ids: Sequence[UUID], now: datetime, most: int) -> int:
    """How many are due in the one of these lanes that has most; counting stops at `most`."""
    return int(await tx.fetchval(sql.waiting, workspace_id, lane_ids, now, most))


async def hasten(tx: Tx, workspace_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """Those of these that are due later are due now. What is in hand is let alone, so that nobody waits for us."""
    if ids:
        lane_ids = [row["lane_id"] for row in await tx.fetch(sql.hasten, workspace_id, sorted(ids), now)]
        await tx.execute(sql.wake_lanes, workspace_id, lane_ids, now)


async def gone_holders(tx: Reading, now: datetime) -> list[int]:
    """The locks of workers that hold lanes by their leases and are not there any more."""
    return await presence.gone(tx, await tx.all(int, sql.holders, now))


async def awake_lanes(
    tx: Reading, worker_id: UUID, now: datetime, limit: int, *, besides: Sequence[UUID] = (), gone: Sequence[int] = ()
) -> list[tuple[UUID, UUID]]:
    """(workspace, lane) of every workspace with something to look at now and no live lease of another worker; longest
    waiting first. `besides` are the lanes that the worker has in hand, leases under a lock of `gone` are not live."""
    rows = await tx.fetch(sql.awake_lanes, now, limit, worker_id, list(besides), list(gone))
    return [(row["workspace_id"], row["id"]) for row in rows]


async def next_wake(tx: Reading) -> datetime | None:
    """When the next lane of any workspace wants to be looked at; None when nothing is queued but in paused lanes."""
    at: datetime | None = await tx.fetchval(sql.next_wake)
    return at


async def lease_lane(
    tx: Tx,
    workspace_id: UUID,
    lane_id: UUID,
    worker_id: UUID,
    now: datetime,
    *,
    lock: int | None = None,
    gone: Sequence[int] = (),
) -> Lane | None:
    """The lane, now this worker's for LANE_LEASE_S, or for as long as it has the `lock`; None when another was quicker,
    or there is nothing to do. What one that died had used of the rate is not known, so that begins with nothing."""
    until = now + timedelta(seconds=limits.LANE_LEASE_S)
    return await tx.one(Lane, sql.lease_lane, workspace_id, lane_id, worker_id, now, until, lock, list(gone))


async def renew_lease(tx: Tx, lane: Lane, worker_id: UUID, now: datetime, *, lock: int | None = None) -> bool:
    """False when the lease was lost, or the lane paused: stop sending."""
    until = now + timedelta(seconds=limits.LANE_LEASE_S)
    return await tx.fetchval(sql.renew_lease, lane.workspace_id, lane.id, worker_id, until, lock) is not None


async def held_rate(tx: Reading, lane: Lane, worker_id: UUID, now: datetime) -> int | None:
    """The lane's rate per minute as it is now; None when the lane is no longer this worker's to send from."""
    rate: int | None = await tx.fetchval(sql.held_lane, lane.workspace_id, lane.id, worker_id, now)
    return rate


async def hold_up(tx: Tx, workspace_id: UUID, lane_id: UUID, reason: str) -> None:
    """It can't be sent from, for the reason in words: shown until it is leased once more."""
    await tx.execute(sql.hold_up, workspace_id, lane_id, reason)


async def release_lane(
    tx: Tx, lane: Lane, worker_id: UUID, bucket: Bucket, not_before: datetime, failures: int = 0
) -> None:
    """Put the lane down, to be looked at when its next delivery is due, but not before the time given."""
    left = bucket.tokens, bucket.at, not_before, bucket.pace, failures
    await tx.fetchval(sql.lock_lane, lane.workspace_id, lane.id)
    await tx.execute(sql.release_lane, lane.workspace_id, lane.id, worker_id, *left)


def _checked_rate(rate_per_minute: int) -> int:
    if not 1 <= rate_per_minute <= limits.RATE_PER_MINUTE_MAX:
        raise invalid("rate_per_minute", f"a whole number from 1 to {limits.RATE_PER_MINUTE_MAX}")
    return rate_per_minute


def _found(row: object) -> None:
    if row is None:
        raise NotFound("This integration has no lane.")
