"""Ids are UUID version 7 (RFC 9562, section 5.7): 48 bits of unix milliseconds, then random bits, so that new rows land
at the right end of an index and an id sorts by the time it was made.

They are the driver's own kind of UUID, which every id read from the database is too: a `uuid.UUID` in all it does, but
written in C, and ids are made, compared and printed many times for every reward."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct, iter_unpack
from typing import AnyStr
from uuid import UUID

from asyncpg.pgproto import pgproto

AFTER_ALL_IDS = UUID(int=2**128 - 1)
BEFORE_ALL_IDS = UUID(int=0)
_halves = Struct(">QQ").pack
_last = 0
"""Of the id that was made last: its milliseconds, and in the 12 bits below them its place among those of the same."""


_tails: Iterator[tuple[int]] = iter(())


def _refill() -> None:
    """Random bits for many ids at once: the call to the system would be half of what an id costs."""
    global _tails
    _tails = iter_unpack(">Q", os.urandom(4096))


# A forked child must not go on with its parent's.
os.register_at_fork(after_in_child=_refill)


def now() -> datetime:
    """The time that ids are made by: the system's, whatever clock the rest goes by."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def new_id() -> UUID:
    """Ids made by one process increase strictly: within one millisecond the 12 bits after the version count up
    (RFC 9562, section 6.2, method 1), and borrow from the next millisecond when they run out."""
    global _last
    now = time.time_ns() // 1_000_000 << 12
    _last = now if now > _last else _last + 1
    tail = next(_tails, None)
    if tail is None:
        _refill()
        tail = next(_tails)
    return pgproto.UUID(_halves(_last >> 12 << 16 | 0x7000 | _last & 0xFFF, 0x2 << 62 | tail[0] >> 2))


def new_ids(many: int) -> list[UUID]:
    """So many at once, which rise."""
    return [new_id() for _ in range(many)]


def id_of(written: AnyStr) -> UUID:
    """As it is written, or its 16 bytes. Raises ValueError."""
    return pgproto.UUID(written)


def kept_since(months: int, at: datetime | None = None) -> datetime:
    """A time by which what was made since is surely kept for so many months, as of then: they are reckoned short."""
    return (at or now()) - timedelta(days=28 * months)


def made_at(id: UUID) -> datetime:
    """When one of our ids was made."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def id_at(at: datetime) -> UUID:
    """An id of something that was made then, and comes in only now: it stands where it would have stood."""
    return UUID(int=first_id_at(at).int | int.from_bytes(os.urandom(8)) >> 2)


def bounds(before_id: UUID | None, since: datetime | None, until: datetime | None) -> tuple[UUID, UUID]:
    """The ids of a list that goes on before one id and keeps to a stretch of time: `id < first` of the two,
    `id >= second`."""
    ends = [id for id in (before_id, first_id_at(until) if until else None) if id is not None]
    return min(ends, default=AFTER_ALL_IDS), first_id_at(since) if since else BEFORE_ALL_IDS


def first_id_at(at: datetime) -> UUID:
    """The lowest id that can be made at that time, so that a stretch of time is a stretch of a key:
    `id >= first_id_at(start) AND id < first_id_at(end)`. None is older than 1970."""
    ms = max(0, int(at.timestamp() // 1) * 1000 + at.microsecond // 1000)
    return UUID(int=ms << 80 | 0x7 << 76 | 0x2 << 62)
