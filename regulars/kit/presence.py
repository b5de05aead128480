"""What others can see of a process for as long as it lives: an advisory lock, had by a connection of its own.

The server lets go of the lock when that connection ends, and the kernel ends it with the process, however that dies. A
connection that was lost is replaced, and the lock with another: one that was found free is never had again.
Behind a pooler no connection is one's own, so there is no lock, and leases have to run out.

Which loops turn, each worker says now and then. They are of no shop, so that stands under the workspace of all zeros.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit.db import Database, Pooled, Reading, Tx, lives
from regulars.kit.ids import new_id
from regulars.kit.queries import Queries

_sql = Queries(__file__)
_LOCKS = 2**62
_NOBODYS = UUID(int=0)


class Presence:
    """`lock` is None while there is none, and always behind a pooler."""

    def __init__(self, db: Database) -> None:
        self.lock: int | None = None
        self._db = db
        self._connection: Pooled | None = None

    async def show(self) -> bool:
        """Have the lock. False when the one that was had before has been lost since this was called last."""
        if self._connection is not None and lives(self._connection):
            return True
        lost, self.lock = self.lock is not None, None
        connection: Pooled = await self._db.pool.acquire()
        try:
            # A pooler hands out numbers of its own for the processes that it speaks to in our name.
            if connection.get_server_pid() == await connection.fetchval("SELECT pg_backend_pid()"):
                lock = new_id().int % _LOCKS
                await connection.execute("SELECT pg_advisory_lock($1)", lock)
                self.lock = lock
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        return not lost

    async def end(self) -> None:
        """Nobody needs to ask after us any more."""
        if self._connection is not None and lives(self._connection):
            await self._connection.close()
        self._connection = self.lock = None


async def gone(tx: Reading, locks: Collection[int]) -> list[int]:
    """Those of the locks that nobody has: their processes have died, or lost the database."""
    had = {row["key"] for row in await tx.fetch(_sql.locks_had, list(locks))} if locks else set()
    return [lock for lock in locks if lock not in had]


async def beat(tx: Tx, turned: Sequence[str], known: Sequence[str], now: datetime) -> None:
    """These of the loops that there are have come to a good end of a round by now."""
    await tx.execute(_sql.forget_loops, _NOBODYS, known)
    await tx.execute(_sql.loops_turned, _NOBODYS, turned, now)


async def loops(tx: Reading) -> dict[str, datetime]:
    """When each turned last, in any worker."""
    return {row["name"]: row["turned_at"] for row in await tx.fetch(_sql.loops, _NOBODYS)}
