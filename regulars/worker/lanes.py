"""Lanes in a worker's hands: each has a task and a turn of its own, so that one that hangs slows no other."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from regulars import delivery, limits
from regulars.delivery import Source, Turn
from regulars.kit import Clock, Database, Reading, new_id
from regulars.kit.http import Sender
from regulars.kit.presence import Presence
from regulars.kit.workloop import Bell, guarded
from regulars.worker.turns import Running

_FAULT = "A fault inside Regulars keeps what waits from being sent. It is tried again; the server's log says more."


class _Hand:
    """A lane in hand: the turn it is in, and the bell by which its task sleeps."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.running: Running | None = None

    def wake(self) -> None:
        if self.running is not None:
            self.running.wake()
        self.bell.ring()


class LaneKeeper:
    """Takes up awake lanes, up to LANES_PER_WORKER_MAX at a time, and puts each down when it has nothing more to send,
    is paused, or has had its turn while others wait."""

    def __init__(
        self, db: Database, source: Source, sender: Sender, *, clock: Clock, random: Callable[[], float]
    ) -> None:
        self.worker_id = new_id()
        self.bell = Bell()
        self._db, self._source, self._sender = db, source, sender
        self._clock, self._random = clock, random
        self._hands: dict[UUID, _Hand] = {}
        self._faults: dict[UUID, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._presence = Presence(db)
        self._gone: list[int] = []
        self._asked_at = float("-inf")

    def wake(self, lane_ids: Iterable[UUID]) -> None:
        """More was queued for these lanes. `bell` is rung when one of them is not in hand, for a round to look for."""
        for lane_id in lane_ids:
            hand = self._hands.get(lane_id)
            if hand is None:
                self.bell.ring()
            else:
                hand.wake()

    async def round(self) -> bool:
        """Take up the lanes that have waited longest."""
        free = limits.LANES_PER_WORKER_MAX - len(self._hands)
        if free <= 0 or self._stopping:
            return False
        if not await self._presence.show():
            # Others may have taken our lanes up by now, so we put them down.
            for hand in self._hands.values():
                if hand.running is not None:
                    hand.running.end("lost the database")
        now = self._clock.now()
        async with self._db.reading() as tx:
            await self._ask_after_holders(tx, now)
            in_hand = list(self._hands)
            awake = await delivery.awake_lanes(tx, self.worker_id, now, free, besides=in_hand, gone=self._gone)
        for workspace_id, lane_id in awake:
            hand = self._hands[lane_id] = _Hand()
            task = asyncio.create_task(self._tend(workspace_id, lane_id, hand))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return False

    async def _ask_after_holders(self, tx: Reading, now: datetime) -> None:
        moment = asyncio.get_running_loop().time()
        if moment - self._asked_at >= limits.LANE_HOLDERS_ASKED_S:
            self._asked_at, self._gone = moment, await delivery.gone_holders(tx, now)

    async def work_once(self) -> tuple[int, int]:
        """For `drain`: take up every awake lane, send what is due and may be sent, put them down. Returns how many
        lanes could be worked at, and how many deliveries were sent."""
        async with self._db.reading() as tx:
            awake = await delivery.awake_lanes(tx, self.worker_id, self._clock.now(), limits.LANES_PER_WORKER_MAX)
        results = await asyncio.gather(*(self._one_turn(workspace_id, lane_id) for workspace_id, lane_id in awake))
        return sum(result is not None for result in results), sum(result or 0 for result in results)

    async def stop(self) -> None:
        """Finish the calls in flight, record them, give the leases back; after WORKER_STOP_S, cut off the rest."""
        self._stopping = True
        for hand in self._hands.values():
            if hand.running is not None:
                hand.running.end("stopping")
            hand.bell.ring()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=limits.WORKER_STOP_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=limits.WORKER_STOP_S)
        await self._presence.end()

    async def _tend(self, workspace_id: UUID, lane_id: UUID, hand: _Hand) -> None:
        named = {"workspace_id": str(workspace_id), "lane_id": str(lane_id)}
        try:
            well = await guarded("lane", self._turn(workspace_id, lane_id, hand), **named)
            if not (well or self._stopping):
                await guarded("lane", self._hold_up(workspace_id, lane_id, _FAULT), **named)
                # Kept in hand a while, so that a lane that can't be worked at is not tried again and again at once.
                # What was sent and could not be written down is sent again: less often each time.
                times = self._faults[lane_id] = self._faults.get(lane_id, -1) + 1
                await asyncio.sleep(min(limits.LANE_AFTER_FAULT_S * 2 ** min(times, 10), limits.LANE_SILENCE_MAX_S))
            elif well:
                self._faults.pop(lane_id, None)
        finally:
            del self._hands[lane_id]
            self.bell.ring()

    async def _turn(self, workspace_id: UUID, lane_id: UUID, hand: _Hand) -> None:
        running = await self._take_up(workspace_id, lane_id)
        if running is None:
            return
        hand.running = running
        not_before = self._clock.now() + timedelta(seconds=limits.LANE_AFTER_FAULT_S)
        try:
            await self._work(running, hand)
            not_before = running.turn.rests_until(self._clock.now())
        finally:
            await self._put_down(running.turn, not_before)

    async def _work(self, running: Running, hand: _Hand) -> None:
        turn = running.turn
        over = asyncio.get_running_loop().call_later(limits.LANE_TURN_S, running.end, "turn is over")
        active_at = self._clock.now()
        try:
            while not (turn.ended or self._stopping):
                sent = await running.work()
                now = self._clock.now()
                rest_s = (turn.bucket.next_at() - now).total_seconds()
                if sent or rest_s > 0:
                    active_at = now
                if max(rest_s, (now - active_at).total_seconds()) > limits.LANE_IDLE_S:
                    return
                await hand.bell.wait(rest_s if rest_s > 0 else limits.WORKER_POLL_S)
        finally:
            over.cancel()

    async def _one_turn(self, workspace_id: UUID, lane_id: UUID) -> int | None:
        running = await self._take_up(workspace_id, lane_id)
        if running is None:
            return None
        sent = await running.work()
        await self._put_down(running.turn, running.turn.rests_until(self._clock.now()))
        return None if running.turn.ended and not sent else sent

    async def _take_up(self, workspace_id: UUID, lane_id: UUID) -> Running | None:
        lock, gone, now = self._presence.lock, self._gone, self._clock.now()
        async with self._db.transaction() as tx:
            turn = await delivery.take_up(
                tx, self._source, workspace_id, lane_id, self.worker_id, now, lock=lock, gone=gone
            )
        if turn is None:
            return None
        return Running(
            self._db,
            turn,
            self._source,
            self._sender,
            lock=lambda: self._presence.lock,
            clock=self._clock,
            random=self._random,
        )

    async def _hold_up(self, workspace_id: UUID, lane_id: UUID, reason: str) -> None:
        async with self._db.transaction() as tx:
            await delivery.hold_up(tx, workspace_id, lane_id, reason)

    async def _put_down(self, turn: Turn, not_before: datetime) -> None:
        async with self._db.transaction() as tx:
            await turn.put_down(tx, not_before)
