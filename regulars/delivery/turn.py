"""A turn at a lane: what is sent next and how much of it at once, what came of it, and when the turn ends.

    queued --read--> prepared --next--> out --take--> done --record--> its new state, and the attempt
             |  (a page with one read)   |     (a batch a statement)
             |                           `--(the same customer's next waits behind it)
             `----- in hand, at most LANE_UNRECORDED_MAX, until it is recorded -----'

    turn:  take_up --> at work --end--> ended: lost, paused, switched off, over --put_down--> the lane may be taken up
              `--(it has no carrier)--> the lane is held up, with the reason

Messages are prepared in the transaction that takes them in hand: what stops one is written down there, and what may be
sent is, before it is sent. So none is sent twice when a worker dies: whoever takes the lane up next finds what was in
hand, and calls it uncertain.

    message:  queued --prepared--> in hand --sent--> delivered, failed, uncertain, or queued once more
                       | `--(its worker died)--> uncertain
                       `--> skipped, or later

Where the tool keeps profiles, a page is prepared with what is true of its customers right after it was read, and one
customer's calls are made one by one, in the order in which they were read. So none arrives with an older state than one
before it.

How many calls may be out halves when the tool lets a call time out, and grows with every one it takes, so that a tool
that hangs costs few connections, and nobody else anything.

Whoever runs it opens the transactions, makes the calls between them, and holds the clock.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from regulars import limits, tenancy
from regulars.delivery.attempts import Attempt, silence_until
from regulars.delivery.carrier import Carrier, Delivered, GaveUp, Paused
from regulars.delivery.lanes import held_rate, hold_up, lease_lane, release_lane, renew_lease
from regulars.delivery.model import Due, Lane, Later, Settled, Skipped
from regulars.delivery.rate import Bucket
from regulars.delivery.recording import record
from regulars.delivery.store import due, sql
from regulars.kit import Reading, Refusal, Tx
from regulars.kit.http import Answer, NoAnswer
from regulars.tenancy import Workspace

_log = structlog.get_logger(__name__)
_START = (datetime.min.replace(tzinfo=UTC), UUID(int=0))

_LEFT = "It was on its way when a worker stopped, and may have arrived. It is sent again only if you ask for it."

Made = tuple[Attempt, int]
"""An attempt, and the tries that its delivery had before it."""


class Source(Protocol):
    """What a turn must know of the rooms above: who carries what the lane sends, and how it is made ready."""

    async def carrier_of(self, tx: Reading, workspace_id: UUID, lane_id: UUID) -> Carrier:
        """Raises a Refusal when it can't be used: it is gone, or this server can't read it."""
        ...

    async def pause(self, tx: Tx, workspace_id: UUID, lane_id: UUID, reason: str) -> None:
        """The tool's answer says that nothing more should be sent: what the lane belongs to is paused, and the lane."""
        ...

    async def prepare(
        self, tx: Reading, workspace: Workspace, carrier: Carrier, page: Sequence[Due], now: datetime
    ) -> Sequence[Due | Skipped | Later]:
        """The page, ready to be rendered: with what is true now, read for all of it at once; or why one is not sent,
        or not yet."""
        ...

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        """What became of messages."""
        ...


class Turn:
    """One lane in one worker's hands, which may go on until `ended` says why no longer."""

    def __init__(self, lane: Lane, carrier: Carrier, worker_id: UUID, now: datetime) -> None:
        self.lane, self.carrier, self.worker_id = lane, carrier, worker_id
        self.ended = ""
        self.sent = 0
        self.window = min(limits.LANE_CALLS_IN_FLIGHT_MAX // 4, carrier.at_once)
        self.bucket = Bucket(lane.rate_per_minute, lane.tokens, lane.tokens_at, carrier.windows)
        self._paused_reason = ""
        self._renew_at = now + timedelta(seconds=limits.LANE_RENEW_S)
        self._queue: deque[Due] = deque()
        # What waits for a call about the same customer to end.
        self._behind: dict[UUID, deque[Due]] = {}
        self._in_hand: set[UUID] = set()
        self._done: list[Made] = []
        self._page_most = limits.LANE_PAGE_MAX if not self.by_hand else limits.LANE_IN_HAND_MAX
        self._page = min(limits.LANE_PAGE_FIRST, self._page_most)
        self._back: set[UUID] = set()
        self._after = _START
        self._moved = self._exhausted = False

    @property
    def by_hand(self) -> bool:
        """A page is taken in hand: it is read in a transaction that writes."""
        return self.carrier.source == "message"

    @property
    def queued(self) -> int:
        """How many are ready to be sent."""
        return len(self._queue)

    @property
    def done(self) -> int:
        """How many attempts are to be recorded."""
        return len(self._done)

    def wake(self) -> None:
        """More has been queued."""
        self._exhausted = False

    def end(self, why: str) -> None:
        """Send nothing more; calls that are out end and are recorded. What was read and not sent is still queued."""
        self.ended = self.ended or why
        for waiting in (self._queue, *self._behind.values()):
            ids = [one.id for one in waiting]
            self._in_hand.difference_update(ids)
            self._back.update(ids)
            waiting.clear()

    def step_back(self, now: datetime) -> None:
        """Nothing is in hand, so the next page may begin before the place reached: there lies what was committed late.

        Only a little before: what was sent leaves its traces in the index until the next vacuum, and to read past all
        of them at every rest would cost more than sending. A turn starts at the very beginning, so nothing that is
        older yet waits longer than a turn takes.
        """
        self._after = min(self._after, (now - timedelta(seconds=limits.LANE_REREAD_S), _START[1]))
        self._moved = self._exhausted = False

    @property
    def may_step_back(self) -> bool:
        return self._exhausted and self._moved and not self.ended

    @property
    def wants_more(self) -> bool:
        return not (
            self.ended
            or self._exhausted
            or len(self._queue) > self._page // 2
            or len(self._in_hand) > limits.LANE_UNRECORDED_MAX - limits.LANE_PAGE_FIRST
        )

    def may_read(self, now: datetime) -> bool:
        return self.wants_more and self.bucket.ready(now) >= self.bucket.worthwhile

    async def read(self, tx: Reading, source: Source, now: datetime) -> None:
        """A page of what is due, as much as the rate allows; `tx` is a Tx if it is taken `by_hand`. The turn ends when
        the lane is not ours any more, or it carries events and they are off."""
        limit = min(self._page, self.bucket.ready(now), limits.LANE_UNRECORDED_MAX - len(self._in_hand))
        rate = await held_rate(tx, self.lane, self.worker_id, now)
        if rate is None:
            self.end("lost or paused")
            return
        self.bucket.rate_per_minute = rate
        workspace = await tenancy.get_workspace(tx, self.lane.workspace_id)
        if not (workspace.events_on or self.by_hand):
            self.end("switched off")
            return
        page = await due(tx, self.lane.workspace_id, self.lane.id, now, self._after, limit)
        prepared = await source.prepare(tx, workspace, self.carrier, page, now) if page else []
        self._exhausted = len(page) < limit
        if not page or self.ended:
            return
        self._after, self._moved = (page[-1].due_at, page[-1].id), True
        fresh = [one for one in prepared if isinstance(one, Due) and one.id not in self._in_hand]
        if isinstance(tx, Tx):
            await self._take_in_hand(tx, source, prepared, now)
        self._in_hand.update(one.id for one in fresh)
        self._queue.extend(fresh)
        self.bucket.take(len(fresh))
        mean_bytes = sum(len(one.body) for one in fresh or page) // len(fresh or page) + 1
        self._page = max(1, min(self._page_most, limits.LANE_PAGE_BYTES_MAX // mean_bytes))

    async def _take_in_hand(
        self, tx: Tx, source: Source, prepared: Sequence[Due | Skipped | Later], now: datetime
    ) -> None:
        workspace_id, put = self.lane.workspace_id, sorted(prepared, key=lambda one: one.id)
        if ids := [one.id for one in put if isinstance(one, Due)]:
            await tx.execute(sql.take_in_hand, workspace_id, ids, now)
        aside = [one for one in put if not isinstance(one, Due)]
        if not aside:
            return
        at = [one.at if isinstance(one, Later) else None for one in aside]
        await tx.execute(sql.set_aside, workspace_id, [one.id for one in aside], now, [one.reason for one in aside], at)
        over = [Settled(one.id, "skipped", one.reason) for one in aside if isinstance(one, Skipped)]
        if over:
            await source.settle(tx, workspace_id, over, now)

    def next(self) -> Due | None:
        """What is to be sent now; what is about a customer whose call is out waits behind that."""
        while self._queue:
            one = self._queue.popleft()
            if one.profile is None or one.customer_id is None:
                return one
            if one.customer_id not in self._behind:
                self._behind[one.customer_id] = deque()
                return one
            self._behind[one.customer_id].append(one)
        return None

    def take(self, made: Attempt, one: Due, now: datetime) -> Due | None:
        """What came of it is to be recorded. What waited behind it, to be sent at once."""
        self.sent += 1
        self._done.append((made, one.tries))
        if isinstance(made.outcome, Delivered):
            self.window = min(self.window + 1, self.carrier.at_once)
            if isinstance(made.end, Answer) and "ratelimit-remaining" in made.end.headers:
                self._rest(made, now)
        else:
            self._mind(made, now)
        if one.profile is None or one.customer_id is None:
            return None
        behind = self._behind[one.customer_id]
        if behind:
            return behind.popleft()
        del self._behind[one.customer_id]
        return None

    def _rest(self, made: Attempt, now: datetime) -> None:
        silence = silence_until(made, now)
        if silence is not None:
            self.bucket.silence(silence)

    def _mind(self, made: Attempt, now: datetime) -> None:
        self._rest(made, now)
        if isinstance(made.end, NoAnswer) and made.end.kind.startswith("timeout"):
            self.window = max(min(limits.LANE_CALLS_IN_FLIGHT_MIN, self.carrier.at_once), self.window // 2)
        if isinstance(made.outcome, Paused) and not made.parcel.test:
            self._paused_reason = made.outcome.reason
            self.end("paused")

    def batch(self) -> list[Made]:
        """What is to be recorded next."""
        batch = self._done[: limits.RECORD_ATTEMPTS_MAX]
        del self._done[: limits.RECORD_ATTEMPTS_MAX]
        return batch

    async def record(
        self, tx: Tx, source: Source, batch: Sequence[Made], now: datetime, random: Callable[[], float]
    ) -> None:
        """Locks what the lane belongs to, if it is paused, then the lane, then its deliveries."""
        lane = self.lane
        if self._paused_reason:
            await source.pause(tx, lane.workspace_id, lane.id, self._paused_reason)
        verdicts = await record(tx, lane.workspace_id, lane.id, batch, now=now, random=random)
        if self.by_hand:
            settled = [
                Settled(
                    made.parcel.delivery_id,
                    verdict.state,
                    verdict.reason,
                    isinstance(made.outcome, GaveUp) and made.outcome.bounced,
                )
                for (made, _), verdict in zip(batch, verdicts, strict=True)
                if verdict.state != "queued" and not made.parcel.test
            ]
            await source.settle(tx, lane.workspace_id, settled, now)
        reasons = [verdict.reason for verdict in verdicts if verdict.state != "delivered"]
        if reasons:
            _log.warning(
                "attempts",
                workspace_id=str(lane.workspace_id),
                lane_id=str(lane.id),
                tool=lane.tool,
                made=len(batch),
                not_delivered=len(reasons),
                reason=reasons[-1],
            )

    def recorded(self, batch: Sequence[Made]) -> None:
        """It is committed."""
        self._in_hand.difference_update(one.parcel.delivery_id for one, _ in batch)

    def forget(self) -> None:
        """After a fault: what is in hand is still queued and will be sent again, but for messages that were on their
        way: whether they arrived is not known."""
        self.end("fault")
        self._behind.clear()
        self._done.clear()
        self._in_hand.clear()

    def to_renew(self, now: datetime) -> bool:
        return now >= self._renew_at and not self.ended

    async def renew(self, tx: Tx, now: datetime, lock: int | None) -> None:
        if not await renew_lease(tx, self.lane, self.worker_id, now, lock=lock):
            self.end("lost or paused")
        self._renew_at = now + timedelta(seconds=limits.LANE_RENEW_S)

    async def put_down(self, tx: Tx, not_before: datetime) -> None:
        """The lane is nobody's, and looked at when its next delivery is due, but not before the time given."""
        if self.by_hand and self._back:
            await tx.execute(sql.put_back, self.lane.workspace_id, sorted(self._back))
        await release_lane(tx, self.lane, self.worker_id, self.bucket, not_before)

    def rests_until(self, now: datetime) -> datetime:
        """When the lane may be looked at again."""
        if self.ended == "switched off":
            return now + timedelta(seconds=limits.WORKER_SWITCHED_OFF_S)
        return max(now, self.bucket.next_at())


async def take_up(
    tx: Tx,
    source: Source,
    workspace_id: UUID,
    lane_id: UUID,
    worker_id: UUID,
    now: datetime,
    *,
    lock: int | None = None,
    gone: Sequence[int] = (),
) -> Turn | None:
    """A turn at the lane, which is this worker's now; None when another was quicker, there is nothing to do, or it has
    no carrier: then it is held up, with the reason, and looked at again after a while."""
    lane = await lease_lane(tx, workspace_id, lane_id, worker_id, now, lock=lock, gone=gone)
    if lane is None:
        return None
    try:
        carrier = await source.carrier_of(tx, workspace_id, lane_id)
    except Refusal as refusal:
        why = refusal.message
        _log.error("no_carrier", workspace_id=str(workspace_id), lane_id=str(lane_id), tool=lane.tool, why=why)
        bucket = Bucket(lane.rate_per_minute, lane.tokens, lane.tokens_at)
        await release_lane(tx, lane, worker_id, bucket, now + timedelta(seconds=limits.LANE_NO_CARRIER_S))
        await hold_up(tx, workspace_id, lane_id, why)
        return None
    if carrier.source == "message":
        left = await tx.fetch(sql.left_in_hand, workspace_id, lane_id, _LEFT, now)
        if left:
            await source.settle(tx, workspace_id, [Settled(row["id"], "uncertain", _LEFT) for row in left], now)
    return Turn(lane, carrier, worker_id, now)
