"""Who changed what: one line for each act of staff or of a program through the management API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Queries, Reading, Tx, bounds, new_id

_sql = Queries(__file__)


class AuditLine(msgspec.Struct, frozen=True):
    id: UUID
    actor: str
    act: str
    target: str
    detail: dict[str, Any]
    created_at: datetime


async def audit(
    tx: Tx,
    workspace_id: UUID,
    actor: str,
    act: str,
    target: str,
    *,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """`act` is a noun and a verb, `trigger.update`; `detail` must hold no secret. Said in the transaction that acts,
    after it: one that has written nothing, because everything was so already, was no act and leaves no line."""
    if tx.wrote:
        audit_each(tx, workspace_id, act, [(actor, target, detail or {})], now=now)


def audit_each(
    tx: Tx, workspace_id: UUID, act: str, done: Sequence[tuple[str, str, dict[str, Any]]], *, now: datetime
) -> None:
    """What was done by many calls at once: by whom, to what, in detail."""
    ids, columns = [new_id() for _ in done], [[one[n] for one in done] for n in range(3)]
    tx.write(_sql.insert_audit, workspace_id, ids, columns[0], [act] * len(done), *columns[1:], now)


async def forget(tx: Tx, workspace_id: UUID, targets: Sequence[str], called: str) -> None:
    """What was done to these customers is said of another name, without what it was. Reads all of the shop's lines."""
    await tx.execute(_sql.forget_audit, workspace_id, targets, called)


async def was_done(tx: Reading, workspace_id: UUID, act: str) -> bool:
    """Whether it stands among the shop's first acts: as many as `limits.AUDIT_FIRST_MAX`."""
    return bool(await tx.fetchval(_sql.was_done, workspace_id, act, limits.AUDIT_FIRST_MAX))


async def audit_log(
    tx: Reading,
    workspace_id: UUID,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = 50,
) -> list[AuditLine]:
    """Newest first; `before_id` is the last id of the page before."""
    within = bounds(before_id, since, until)
    return await tx.all(AuditLine, _sql.audit_log, workspace_id, *within, limit)
