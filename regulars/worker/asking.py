"""The loop that asks platforms' own APIs for what no hook told: so many shops at once, each in a task of its own, so
that one whose API hangs holds up nobody else's."""

import asyncio
from datetime import timedelta

from regulars import limits, shops
from regulars.kit import Clock, Database, SecretBox
from regulars.kit.http import Sender
from regulars.kit.workloop import guarded


class Asking:
    """`tasks` are those under way."""

    def __init__(self, db: Database, sender: Sender, box: SecretBox, clock: Clock) -> None:
        self.tasks: set[asyncio.Task[bool]] = set()
        self._db, self._sender, self._box, self._clock = db, sender, box, clock
        self._looks_at = clock.now()

    async def round(self) -> bool:
        """Whether something was due."""
        now = self._clock.now()
        room = limits.ASKS_AT_ONCE - len(self.tasks)
        if now < self._looks_at or room <= 0:
            return False
        async with self._db.reading() as tx:
            first = await shops.first_ask(tx)
        if first is None or first > now:
            self._looks_at = now + timedelta(seconds=limits.ASKS_LOOKED_S)
            return False
        async with self._db.transaction() as tx:
            due = await shops.claim_asks(tx, now, room)
        for source in due:
            work = shops.fetch_missed(self._db, self._sender, self._box, source, now)
            task = asyncio.create_task(guarded("asking", work, source_id=str(source.id)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return bool(due)

    async def stop(self) -> None:
        """Those under way are cut off: what they have not kept is asked for again."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
