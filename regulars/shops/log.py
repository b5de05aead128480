"""What came in: listed, read, handled once more, marked as done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from regulars import limits, schedule
from regulars.kit import Conflict, NotFound, Reading, Tx, bounds, first_id_at, invalid
from regulars.schedule import Due
from regulars.shops.intake import kind_of
from regulars.shops.model import Hook, State
from regulars.shops.store import sql

_FIELDS = len(Hook.__struct_fields__)


async def search_hooks(
    tx: Reading,
    workspace_id: UUID,
    *,
    source_id: UUID | None = None,
    state: str | None = None,
    topic: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = limits.PAGE_ITEMS_DEFAULT,
) -> tuple[list[Hook], UUID | None]:
    """Newest first, and the id to go on from as `before_id`, if there may be more. A page looks at SEARCH_ROWS_MAX
    hooks at most, so it may hold fewer than were asked for, or none, and still go on. Raises Invalid."""
    if state is not None and state not in get_args(State):
        raise invalid("state", f"one of {', '.join(get_args(State))}")
    statement = sql.hooks_in_state if state in _UNSETTLED else sql.hooks_of_source if source_id else sql.hooks
    most = limits.SEARCH_ROWS_MAX if source_id or state or topic else limit
    rows = await tx.fetch(
        statement, workspace_id, *bounds(before_id, since, until), source_id, state, topic, limit, most
    )
    found = [Hook(*row[:_FIELDS]) for row in rows if row["id"] is not None]
    if len(found) == limit:
        return found, found[-1].id
    return found, rows[0]["last_id"] if rows[0]["seen"] == most else None


async def get_hook(tx: Reading, workspace_id: UUID, hook_id: UUID) -> tuple[Hook, bytes]:
    """With its body. Raises NotFound."""
    hook = await tx.the("This hook does not exist.", Hook, sql.hook, workspace_id, hook_id)
    return hook, await tx.fetchval(sql.body, workspace_id, hook_id)


async def topics(tx: Reading, workspace_id: UUID, now: datetime) -> list[str]:
    """Of the newest hooks of a month."""
    since = first_id_at(now - timedelta(days=30))
    return await tx.all(str, sql.topics, workspace_id, since, limits.SEARCH_ROWS_MAX)


async def replay(tx: Tx, workspace_id: UUID, hook_ids: Sequence[UUID], now: datetime) -> None:
    """Handle these once more, whatever came of them. Raises NotFound, and handles none, when one is not there."""
    rows = await tx.fetch(sql.again, workspace_id, hook_ids) if hook_ids else []
    if len(rows) < len(set(hook_ids)):
        raise NotFound("One of these hooks does not exist.")
    await schedule.put(tx, workspace_id, [Due(kind_of(row["topic"]), str(row["id"]), now) for row in rows])


async def replay_failed(
    tx: Tx, workspace_id: UUID, source_id: UUID, since: datetime | None, now: datetime
) -> tuple[int, int]:
    """Handle once more what failed of a source, that came since then (ever, when None), HOOKS_REPLAYED_MAX at a time:
    how many those are, and how many more there are."""
    first_id = first_id_at(since) if since else UUID(int=0)
    rows = await tx.fetch(sql.failed, workspace_id, source_id, first_id, limits.HOOKS_REPLAYED_MAX)
    await replay(tx, workspace_id, [row["id"] for row in rows], now)
    return len(rows), await count_failed(tx, workspace_id, source_id, since)


async def count_failed(tx: Reading, workspace_id: UUID, source_id: UUID, since: datetime | None = None) -> int:
    """Counting stops at DELIVERY_COUNT_MAX."""
    first_id = first_id_at(since) if since else UUID(int=0)
    count: int = await tx.fetchval(sql.count_failed, workspace_id, source_id, first_id, limits.DELIVERY_COUNT_MAX)
    return count


async def close(tx: Tx, workspace_id: UUID, hook_id: UUID, by: str, now: datetime) -> None:
    """A person has done what was to be done. Raises NotFound, and Conflict for one that nobody has to act on."""
    hook, _ = await get_hook(tx, workspace_id, hook_id)
    if await tx.fetchval(sql.close, workspace_id, hook_id, f"{hook.outcome} Marked as done by {by}.", now) is None:
        raise Conflict("Nothing is to be done about this hook.")


_UNSETTLED = ("pending", "waiting", "open", "failed")
