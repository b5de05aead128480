"""A turn at a lane: what is sent next and how much of it at once, what came of it, and when the turn ends.

    queued --read--> prepared --next--> out --take--> done --record--> its new state, and the attempt
             |  (a page with one read)   |     (a batch a statement)
             |                           `--(the same customer's next waits behind it)
             `----- in hand, at most LANE_UNRECORDED_MAX, until it is recorded -----'

    turn:  take_up --> at work --end--> ended: lost, paused, resting, switched off, over --put_down--> may be taken up
              `--(it has no carrier)--> the lane is held up, with the reason

Messages are prepared in the transaction that takes them in hand: what stops one is written down there, and what may be
sent is, before it is sent. So none is sent twice when a worker dies: whoever takes the lane up next finds what was in
hand, and calls it uncertain.

    message:  queued --prepared--> in hand --sent--> delivered, failed, uncertain, or queued once more
                       | `--(its worker died)--> uncertain
                       `--> skipped, or later

Where the tool keeps profiles, a page is prepared with what is true of its customers right after it was read, and one
customer's calls are made one by one, in the order in which they were read. So none arrives with an older state than one
before it. A carrier that is `in_order` does so always, and what happened later waits, too, for what is tried again.

First tries, further tries, profiles and replays have turns of their own (`lineup`), in what is read and in what is sent
next: a replay of everything is sent beside what happens now, not before it.

A tool that takes many in one call gets what stands next together, where enough do (`Together`): it costs one call.

How many calls may be out halves when the tool lets a call time out, and grows with every one it takes, so that a tool
that hangs costs few connections, and nobody else anything. A tool that answers 429 gets fewer for a while (`rate`). One
that fails LANE_FAILURES_MAX calls in a row rests; then one call is made, and when that is taken, all the others:

    closed --(too many in a row)--> open: it rests, longer each time --> half open --(taken)--> closed
                                      ^----------------------------(it fails too)--'

Whoever runs it opens the transactions, makes the calls between them, and holds the clock.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from regulars import limits, tenancy
from regulars.delivery.attempts import Attempt, silence_until
from regulars.delivery.carrier import RETRY_STATUSES, Carrier, Delivered, GaveUp, Paused, RetryAfter
from regulars.delivery.lanes import held_rate, queue_profiles, release_lane, renew_lease
from regulars.delivery.lineup import Lineup
from regulars.delivery.model import Due, Lane, Later, Profile, Settled, Skipped
from regulars.delivery.rate import Bucket
from regulars.delivery.recording import record
from regulars.delivery.source import Source
from regulars.delivery.store import due, sql
from regulars.kit import Reading, Tx
from regulars.kit.http import Answer, NoAnswer

_log = structlog.get_logger(__name__)
_IN_ORDER = "It waits until what happened before, to the same customer, has gone out."

Made = tuple[Attempt, int]
"""An attempt, and the tries that its delivery had before it."""

_Aside = tuple[UUID, str | None, datetime | None, UUID | None]
"""What is not sent now, why (None: as it was), until when (None: for good), and the customer whose next ones wait."""


class Turn:
    """One lane in one worker's hands, which may go on until `ended` says why no longer. What is sent next is in its
    `lineup`."""

    def __init__(self, lane: Lane, carrier: Carrier, worker_id: UUID, now: datetime) -> None:
        self.lane, self.carrier, self.worker_id = lane, carrier, worker_id
        self.ended = ""
        self.sent = 0
        self.failures = lane.failures
        half_open = self.failures >= limits.LANE_FAILURES_MAX
        self.window = 1 if half_open else min(limits.LANE_CALLS_IN_FLIGHT_MAX // 4, carrier.at_once)
        self.bucket = Bucket(
            lane.rate_per_minute,
            lane.tokens,
            lane.tokens_at,
            carrier.windows,
            of_profiles=carrier.profile_windows,
            together=carrier.together.windows if carrier.together else (),
            pace=lane.pace,
        )
        self._began, self._taken, self._paused_reason = now, 0, ""
        self._renew_at = now + timedelta(seconds=limits.LANE_RENEW_S)
        self.lineup = Lineup(in_order=carrier.in_order)
        self._in_hand: set[UUID] = set()
        self._done: list[Made] = []
        self._page_most = limits.LANE_PAGE_MAX if not self.by_hand else limits.LANE_IN_HAND_MAX
        first = 2 * carrier.together.least if carrier.together else limits.LANE_PAGE_FIRST
        self._page = min(first, self._page_most)
        self._back: set[UUID] = set()
        self._untold: dict[UUID, Profile] = {}

    @property
    def by_hand(self) -> bool:
        """A page is taken in hand before it is sent."""
        return self.carrier.source == "message"

    @property
    def writes(self) -> bool:
        """A page is read in a transaction that writes."""
        return self.by_hand or self.carrier.in_order

    @property
    def done(self) -> int:
        """How many attempts are to be recorded."""
        return len(self._done)

    def end(self, why: str) -> None:
        """Send nothing more; calls that are out end and are recorded. What was read and not sent is still queued."""
        self.ended = self.ended or why
        ids = self.lineup.clear()
        self._in_hand.difference_update(ids)
        self._back.update(ids)

    def step_back(self, now: datetime) -> None:
        """Nothing is in hand, so the next page may begin before the place reached: there lies what was committed late.

        Only a little before: what was sent leaves its traces in the index until the next vacuum, and to read past all
        of them at every rest would cost more than sending. A turn starts at the very beginning, so nothing that is
        older yet waits longer than a turn takes.
        """
        if not len(self.lineup):
            self.lineup.step_back(now - timedelta(seconds=limits.LANE_REREAD_S))
        self.bucket.ready(now)

    @property
    def may_step_back(self) -> bool:
        return self.lineup.exhausted and self.lineup.moved and not (self.ended or len(self.lineup))

    @property
    def wants_more(self) -> bool:
        full = len(self._in_hand) > limits.LANE_UNRECORDED_MAX - limits.LANE_PAGE_FIRST
        return not (self.ended or full) and bool(self.lineup.wanting(self._page // 2, self._profiles))

    @property
    def _profiles(self) -> int:
        """How many profiles may be read: they are paid for then, always."""
        return min(self.bucket.profiles, self.bucket.calls) if self.carrier.together else self.bucket.profiles

    def may_read(self, now: datetime) -> bool:
        enough = self.bucket.ready(now) >= self.bucket.worthwhile or (self.carrier.together and self.bucket.at <= now)
        return self.wants_more and bool(enough)

    def may_send(self, now: datetime) -> int:
        """How many calls may begin."""
        ready = len(self.lineup)
        if self.carrier.together is None or not ready:
            return ready
        return min(ready, max(0, self.bucket.ready(now)) + self.lineup.profiles)

    def next(self, now: datetime) -> list[Due]:
        """What the next call carries. While the tool fails, one."""
        together = self.carrier.together
        if together is None:
            one = self.lineup.next()
            return [one] if one else []
        allowed = self.bucket.ready(now) >= 1
        alone = not allowed or self.bucket.together < 1 or self.failures
        if not alone and (some := self.lineup.together(together.most, together.least)):
            self.bucket.take(1, together=1)
            return some
        one = self.lineup.next(profiles_only=not allowed)
        if one and one.share != "profile":
            self.bucket.take(1)
        return [one] if one else []

    async def read(self, tx: Reading, source: Source, now: datetime) -> Sequence[Due]:
        """A page of what is due, as much as the rate allows; `tx` is a Tx if the turn `writes`. It ends when the lane
        is not ours any more, or carries events and they are off. What is to be lined up when that is committed."""
        calls, many = self.bucket.ready(now), self.carrier.together is not None
        limit = min(self._page if many else calls, self._page, limits.LANE_UNRECORDED_MAX - len(self._in_hand))
        if limit < 1 or self.ended:
            return ()  # it began to rest meanwhile
        rate = await held_rate(tx, self.lane, self.worker_id, now)
        if rate is None:
            self.end("lost or paused")
            return ()
        self.bucket.rate_per_minute = rate
        workspace = await tenancy.get_workspace(tx, self.lane.workspace_id)
        if not (workspace.events_on or self.by_hand):
            self.end("switched off")
            return ()
        if not (asked := self.lineup.begin(limit, self._page // 2, self._profiles)):
            return ()
        page = await due(tx, self.lane.workspace_id, self.lane.id, now, asked)
        self.lineup.came(page, asked)
        ready = await self._in_order(tx, page, now) if self.carrier.in_order else page
        due_now = [one for one in ready if isinstance(one, Due)]
        prepared = await source.prepare(tx, workspace, self.carrier, due_now, now) if due_now else []
        if not page or self.ended:
            return ()
        fresh = [one for one in prepared if isinstance(one, Due) and one.id not in self._in_hand]
        if isinstance(tx, Tx):
            await self._take_in_hand(tx, source, [*prepared, *(one for one in ready if isinstance(one, Later))], now)
        self._in_hand.update(one.id for one in fresh)
        # Where one call may carry many, all but profiles is paid for when it is sent.
        profiles = sum(one.share == "profile" for one in fresh)
        self.bucket.take(profiles if many else len(fresh), profiles)
        mean_bytes = sum(len(one.body) for one in fresh or page) // len(fresh or page) + 1
        self._page = max(1, min(self._page_most, limits.LANE_PAGE_BYTES_MAX // mean_bytes))
        return fresh

    def line_up(self, fresh: Sequence[Due]) -> None:
        """What was read is committed, so it may be sent."""
        self.lineup.put(fresh)
        if self.ended:
            self.end(self.ended)

    async def _take_in_hand(
        self, tx: Tx, source: Source, prepared: Sequence[Due | Skipped | Later], now: datetime
    ) -> None:
        workspace_id, put = self.lane.workspace_id, sorted(prepared, key=lambda one: one.id)
        ids = [one.id for one in put if isinstance(one, Due) and self.by_hand]
        if ids:
            await tx.execute(sql.take_in_hand, workspace_id, ids, now)
        aside = [one for one in put if not isinstance(one, Due)]
        rows: list[_Aside] = [(one.id, one.reason, one.at if isinstance(one, Later) else None, None) for one in aside]
        await self._set_aside(tx, rows, now)
        over = [Settled(one.id, "skipped", one.reason) for one in aside if isinstance(one, Skipped)]
        if over:
            await source.settle(tx, workspace_id, over, now)

    async def _set_aside(self, tx: Tx, rows: Sequence[_Aside], now: datetime) -> None:
        if not rows:
            return
        ids, *columns = map(list, zip(*sorted(rows, key=lambda row: row[0]), strict=True))
        await tx.execute(sql.set_aside, self.lane.workspace_id, ids, now, *columns)

    async def _in_order(self, tx: Reading, page: Sequence[Due], now: datetime) -> list[Due | Later]:
        """In the order in which they happened; later, what comes after one of the same customer that is tried again."""
        whose = list({one.customer_id for one in page if one.customer_id})
        rows = await tx.fetch(sql.ahead, self.lane.workspace_id, self.lane.id, whose)
        here = self._in_hand | {one.id for one in page}
        ahead = {row["ahead_of"]: row for row in rows if row["id"] not in here}
        soon, found = now + timedelta(seconds=1), list[Due | Later]()
        for one in sorted(page, key=lambda one: one.id):
            first = ahead.get(one.customer_id)
            waits = first is not None and first["id"] < one.id
            found.append(Later(one.id, max(first["due_at"], soon), _IN_ORDER) if first and waits else one)
        return found

    def take(self, made: Attempt, one: Due, now: datetime) -> Due | None:
        """What came of it is to be recorded. What waited behind it, to be sent at once."""
        self._took(made, one)
        self._hear(made, now)  # which may end the turn; then nothing waits any more
        return self._behind(made, one)

    def take_together(self, made: Sequence[Attempt], some: Sequence[Due], now: datetime) -> None:
        """What came of one call that carried these. What it did not say of the customers is to be told by itself."""
        for one_made, one in zip(made, some, strict=True):
            self._took(one_made, one)
            if one.profile is not None and one.customer_id and isinstance(one_made.outcome, Delivered):
                self._untold[one.customer_id] = Profile(self.lane.id, one.customer_id, one.event_id, one.topic)
        self._hear(next((one for one in made if one.end is not None), made[0]), now)
        for one_made, one in zip(made, some, strict=True):
            self._behind(one_made, one)

    def _took(self, made: Attempt, one: Due) -> None:
        """Whatever it tells, it is recorded."""
        self.sent += 1
        self._done.append((made, one.tries))

    def _behind(self, made: Attempt, one: Due) -> Due | None:
        behind = self.lineup.behind(one, again=isinstance(made.outcome, RetryAfter) and not one.test)
        if behind is None or self.carrier.together is None:
            return behind
        self.lineup.put_back(behind)
        return None

    def _hear(self, made: Attempt, now: datetime) -> None:
        """What it tells of the tool."""
        if isinstance(made.outcome, Delivered):
            self.window = min(self.window + 1, self.carrier.at_once)
            self.failures = 0
            self._taken += 1
            if isinstance(made.end, Answer) and "ratelimit-remaining" in made.end.headers:
                self._rest(made, now)
        else:
            self._mind(made, now)

    def _rest(self, made: Attempt, now: datetime) -> None:
        silence = silence_until(made, now)
        if silence is None:
            return
        if isinstance(made.outcome, RetryAfter) and self._taken and not self.ended:
            self.bucket.slow(self._taken, (now - self._began).total_seconds())
        self._silence(silence)

    def _silence(self, until: datetime) -> None:
        self.bucket.silence(until)
        self.end("resting")

    def _mind(self, made: Attempt, now: datetime) -> None:
        end = made.end
        if isinstance(end, NoAnswer) and end.kind.startswith("timeout"):
            self.window = max(min(limits.LANE_CALLS_IN_FLIGHT_MIN, self.carrier.at_once), self.window // 2)
        if isinstance(made.outcome, Paused) and not made.parcel.test:
            self._paused_reason = made.outcome.reason
            self.end("paused")
        elif isinstance(end, NoAnswer) or (end is not None and end.status in RETRY_STATUSES):
            self._fail(made, now)
        elif end is not None:
            self.failures = 0
        self._rest(made, now)

    def _fail(self, made: Attempt, now: datetime) -> None:
        """Calls that were out when it began to rest tell nothing new, and a test is of one delivery."""
        if made.parcel.test or self.bucket.at > now:
            return
        self.failures += 1
        times = self.failures - limits.LANE_FAILURES_MAX
        if times >= 0:
            rest_s = min(limits.LANE_BREAK_FIRST_S * 2.0 ** min(times, 10), limits.LANE_SILENCE_MAX_S)
            self._silence(now + timedelta(seconds=rest_s))

    def batch(self) -> list[Made]:
        """What is to be recorded next."""
        batch = self._done[: limits.RECORD_ATTEMPTS_MAX]
        del self._done[: limits.RECORD_ATTEMPTS_MAX]
        return batch

    async def record(
        self, tx: Tx, source: Source, batch: Sequence[Made], now: datetime, random: Callable[[], float]
    ) -> None:
        """Locks what the lane belongs to, if it is paused, then the lane, then its deliveries."""
        lane, untold, self._untold = self.lane, list(self._untold.values()), {}
        if self._paused_reason:
            await source.pause(tx, lane.workspace_id, lane.id, self._paused_reason, now)
        made_ids = [one.parcel.delivery_id for one, _ in batch]
        held = self.lineup.held(made_ids)
        if held or untold:
            await tx.fetchval(sql.lock_lane, lane.workspace_id, lane.id)
        if held:
            ids = {*made_ids, *(one.id for _, behind in held.values() for one in behind)}
            await tx.execute(sql.lock_deliveries, lane.workspace_id, lane.id, sorted(ids))
        verdicts = await record(tx, lane.workspace_id, lane.id, batch, now=now, random=random)
        rows: list[_Aside] = []
        for (made, _), verdict in zip(batch, verdicts, strict=True):
            whose, behind = held.get(made.parcel.delivery_id, (None, ()))
            if whose is not None and verdict.state == "queued":
                rows.append((made.parcel.delivery_id, None, verdict.next_at, whose))
            rows += [(one.id, _IN_ORDER, verdict.next_at or now, whose) for one in behind]
        await self._set_aside(tx, rows, now)
        await queue_profiles(tx, lane.workspace_id, untold, now)
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
            about = {"workspace_id": str(lane.workspace_id), "lane_id": str(lane.id), "tool": lane.tool}
            _log.warning("attempts", **about, made=len(batch), not_delivered=len(reasons), reason=reasons[-1])

    def recorded(self, batch: Sequence[Made]) -> None:
        """It is committed."""
        ids = [one.parcel.delivery_id for one, _ in batch]
        held = self.lineup.held(ids)
        self._in_hand.difference_update(ids, (one.id for _, behind in held.values() for one in behind))
        self.lineup.let_go(held)

    def forget(self) -> None:
        """After a fault: what is in hand is still queued and will be sent again, but for messages that were on their
        way: whether they arrived is not known."""
        self.end("fault")
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
        await release_lane(tx, self.lane, self.worker_id, self.bucket, not_before, self.failures)

    def rests_until(self, now: datetime) -> datetime:
        """When the lane may be looked at again."""
        if self.ended == "switched off":
            return now + timedelta(seconds=limits.WORKER_SWITCHED_OFF_S)
        return max(now, self.bucket.next_at(profiles=self.lineup.wanting(self._page, 1) == ["profile"]))
