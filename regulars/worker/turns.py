"""A worker's turn at a lane it has leased: read what is due, send it, record what came of it, all three at once.

    queued rows --read--> queue --senders--> done --recorder--> attempts, states
      (a page at a time)   |    (1 .. 64)     |   (a batch a statement)
                           `---- in hand -----'   at most LANE_UNRECORDED_MAX

Where the tool keeps profiles, what is true of a page's customers is read right after the page, and one customer's calls
are made one by one, in the order in which they were read. So none arrives with an older state than one before it.

No database connection is held while a call is out. The window of calls in flight halves when the tool lets a call time
out and grows with every one it takes, so that a tool that hangs costs few connections, and nobody else anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from regulars import delivery, limits, tenancy
from regulars.delivery import Attempt, Bucket, Carrier, Delivered, Due, Lane, Paused, silence_until
from regulars.kit.clock import Clock
from regulars.kit.db import Database, Reading
from regulars.kit.http import Answer, NoAnswer, Sender
from regulars.tenancy import Workspace
from regulars.worker.carriers import Carriers

_log = structlog.get_logger(__name__)
_START = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Turn:
    """One lane in one worker's hands. `work` may be called again and again until `ended` says why no longer."""

    def __init__(
        self,
        db: Database,
        lane: Lane,
        carrier: Carrier,
        sender: Sender,
        *,
        worker_id: UUID,
        lock: Callable[[], int | None],
        clock: Clock,
        random: Callable[[], float],
        carriers: Carriers,
    ) -> None:
        """Its `pause` is called before anything else in a transaction: it locks the integration, then its lane."""
        self.lane = lane
        self.ended = ""
        self.paused_reason = ""
        self.sent = 0
        self.bucket = Bucket(lane.rate_per_minute, lane.tokens, lane.tokens_at, carrier.windows)
        self._db, self._carrier, self._sender = db, carrier, sender
        self._worker_id, self._lock, self._clock, self._random = worker_id, lock, clock, random
        self._carriers = carriers
        self._renew_at = clock.now() + timedelta(seconds=limits.LANE_RENEW_S)
        self._queue: deque[Due] = deque()
        # What waits for a call about the same customer to end.
        self._behind: dict[UUID, deque[Due]] = {}
        self._in_hand: set[UUID] = set()
        self._done: list[tuple[Attempt, int]] = []
        self._page = limits.LANE_PAGE_FIRST
        self._after = _START
        self._moved = self._exhausted = False
        self._window = limits.LANE_CALLS_IN_FLIGHT_MAX // 4
        self._senders: set[asyncio.Task[None]] = set()
        self._recorder: asyncio.Task[None] | None = None
        self._fault: BaseException | None = None
        self._progress = asyncio.Event()

    def wake(self) -> None:
        """More has been queued."""
        self._exhausted = False
        self._progress.set()

    def end(self, why: str) -> None:
        """Send nothing more; calls in flight end and are recorded. What was read and not sent is still queued."""
        self.ended = self.ended or why
        for waiting in (self._queue, *self._behind.values()):
            self._in_hand.difference_update(due.id for due in waiting)
            waiting.clear()
        self._progress.set()

    async def work(self) -> int:
        """Until nothing is due that may be sent now, and all that was sent is recorded; returns how many were sent."""
        sent_before = self.sent
        self._step_back()
        try:
            while True:
                self._progress.clear()
                if self._fault is not None:
                    raise self._fault
                self._start_senders()
                if self._may_read():
                    await self._read()
                elif self._senders or self._recorder:
                    await self._wait()
                elif self._exhausted and self._moved and not self.ended:
                    self._step_back()
                else:
                    return self.sent - sent_before
        finally:
            await self._abandon()

    def _step_back(self) -> None:
        """Nothing is in hand, so the next page may begin before the place reached: there lies what was committed late.

        Only a little before: what was sent leaves its traces in the index until the next vacuum, and to read past all
        of them at every rest would cost more than sending. A turn starts at the very beginning, so nothing that is
        older yet waits longer than a turn takes.
        """
        behind = self._clock.now() - timedelta(seconds=limits.LANE_REREAD_S)
        self._after = min(self._after, (behind, _START[1]))
        self._moved = self._exhausted = False

    def _wants_more(self) -> bool:
        return not (
            self.ended
            or self._exhausted
            or len(self._queue) > self._page // 2
            or len(self._in_hand) > limits.LANE_UNRECORDED_MAX - limits.LANE_PAGE_FIRST
        )

    def _may_read(self) -> bool:
        return self._wants_more() and self.bucket.ready(self._clock.now()) >= self.bucket.worthwhile

    async def _read(self) -> None:
        now = self._clock.now()
        limit = min(self._page, self.bucket.ready(now), limits.LANE_UNRECORDED_MAX - len(self._in_hand))
        await self._renew_in_time(now)
        async with self._db.reading() as tx:
            workspace = None if self.ended else await self._still_ours(tx, now)
            if workspace is None:
                return
            page = await delivery.due(tx, self.lane.workspace_id, self.lane.id, now, self._after, limit)
            if page and self._carrier.keeps_profiles:
                page = await self._with_profiles(tx, workspace, page, now)
        self._exhausted = len(page) < limit
        if not page or self.ended:
            return
        self._after, self._moved = (page[-1].due_at, page[-1].id), True
        fresh = [due for due in page if due.id not in self._in_hand]
        self._in_hand.update(due.id for due in fresh)
        self._queue.extend(fresh)
        self.bucket.take(len(fresh))
        mean_bytes = sum(len(due.body) for due in page) // len(page) + 1
        self._page = max(1, min(limits.LANE_PAGE_MAX, limits.LANE_PAGE_BYTES_MAX // mean_bytes))
        self._start_senders()

    async def _with_profiles(self, tx: Reading, workspace: Workspace, page: list[Due], now: datetime) -> list[Due]:
        customer_ids = {due.customer_id for due in page if due.customer_id is not None}
        profiles = await self._carriers.profiles(tx, workspace, list(customer_ids), now)
        return [
            msgspec.structs.replace(due, profile=profiles.get(due.customer_id)) if due.customer_id else due
            for due in page
        ]

    async def _still_ours(self, tx: Reading, now: datetime) -> Workspace | None:
        """None when the turn has ended."""
        rate = await delivery.held_rate(tx, self.lane, self._worker_id, now)
        if rate is None:
            self.end("lost or paused")
            return None
        self.bucket.rate_per_minute = rate
        workspace = await tenancy.get_workspace(tx, self.lane.workspace_id)
        if not workspace.events_on:
            self.end("switched off")
        return None if self.ended else workspace

    async def _renew_in_time(self, now: datetime) -> None:
        if now < self._renew_at or self.ended:
            return
        async with self._db.transaction() as tx:
            if not await delivery.renew_lease(tx, self.lane, self._worker_id, now, lock=self._lock()):
                self.end("lost or paused")
        self._renew_at = now + timedelta(seconds=limits.LANE_RENEW_S)

    async def _wait(self) -> None:
        """For a call or a record to end; not so long that the lease runs out while a tool hangs."""
        now = self._clock.now()
        await self._renew_in_time(now)
        wait_s = limits.LANE_RENEW_S / 2
        if self._wants_more():
            wait_s = min(wait_s, max(0.005, (self.bucket.next_at() - now).total_seconds()))
        try:
            async with asyncio.timeout(wait_s):
                await self._progress.wait()
        except TimeoutError:
            return

    async def _abandon(self) -> None:
        """Leave no task behind. After a fault, what is in hand is still queued and will be sent again."""
        left = [*self._senders, *([self._recorder] if self._recorder else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            self._queue.clear()
            self._behind.clear()
            self._done.clear()
            self._in_hand.clear()

    def _start_senders(self) -> None:
        for _ in range(min(self._window - len(self._senders), len(self._queue))):
            self._senders.add(self._task(self._send()))

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._senders.discard(task)
        if task is self._recorder:
            self._recorder = None
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()
        self._progress.set()

    async def _send(self) -> None:
        queue, clock, carrier, sender = self._queue, self._clock, self._carrier, self._sender
        while queue and len(self._senders) <= self._window:
            due = queue.popleft()
            if due.profile is None or due.customer_id is None:
                self._take(await delivery.attempt(carrier, sender, due.parcel(clock.now())), due)
            else:
                await self._send_in_order(due, due.customer_id)

    async def _send_in_order(self, due: Due, customer_id: UUID) -> None:
        """This one and what comes up behind it about the same customer; or leave it behind the one that is out."""
        if customer_id in self._behind:
            self._behind[customer_id].append(due)
            return
        behind = self._behind[customer_id] = deque([due])
        while behind:
            due = behind.popleft()
            self._take(await delivery.attempt(self._carrier, self._sender, due.parcel(self._clock.now())), due)
        self._behind.pop(customer_id, None)

    def _take(self, made: Attempt, due: Due) -> None:
        self.sent += 1
        self._done.append((made, due.tries))
        if isinstance(made.outcome, Delivered):
            self._window = min(self._window + 1, limits.LANE_CALLS_IN_FLIGHT_MAX)
            if isinstance(made.end, Answer) and "ratelimit-remaining" in made.end.headers:
                self._rest(made)
        else:
            self._mind(made)
        if self._recorder is None:
            self._recorder = self._task(self._record())
        if self._queue and len(self._senders) < self._window:
            self._start_senders()
        if not self._exhausted and len(self._queue) <= self._page // 2:
            self._progress.set()

    def _rest(self, made: Attempt) -> None:
        silence = silence_until(made, self._clock.now())
        if silence is not None:
            self.bucket.silence(silence)

    def _mind(self, made: Attempt) -> None:
        self._rest(made)
        if isinstance(made.end, NoAnswer) and made.end.kind.startswith("timeout"):
            self._window = max(limits.LANE_CALLS_IN_FLIGHT_MIN, self._window // 2)
        if isinstance(made.outcome, Paused) and not made.parcel.test:
            self.paused_reason = made.outcome.reason
            self.end("paused")

    async def _record(self) -> None:
        lane = self.lane
        while self._done:
            if len(self._done) < limits.RECORD_ATTEMPTS_MAX and self._senders:
                await asyncio.sleep(limits.RECORD_WAIT_S)
            batch = self._done[: limits.RECORD_ATTEMPTS_MAX]
            del self._done[: limits.RECORD_ATTEMPTS_MAX]
            now = self._clock.now()
            async with self._db.transaction() as tx:
                if self.paused_reason:
                    await self._carriers.pause(tx, lane.workspace_id, lane.id, self.paused_reason)
                verdicts = await delivery.record(tx, lane.workspace_id, lane.id, batch, now=now, random=self._random)
            self._in_hand.difference_update(one.parcel.delivery_id for one, _ in batch)
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
        # Between the last look at what is done and this line nothing can be added, so nothing is left behind.
        self._recorder = None
