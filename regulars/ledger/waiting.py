"""Coins that only wait: for their expiry, or for their customer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from regulars.kit import BEFORE_ALL_IDS, Queries, Reading, Record
from regulars.ledger import store
from regulars.ledger.model import STEPS, Txn
from regulars.ledger.txns import as_they_are
from regulars.ledger.validity import Validity
from regulars.tenancy import Workspace

_sql = Queries(__file__)
_EVER = datetime(1900, 1, 1, tzinfo=UTC)


class Expiring(msgspec.Struct, frozen=True, gc=False):
    """So many coins of a customer can't be spent from `ends_at` on."""

    customer_id: UUID
    ends_at: datetime
    amount: int


class Found(msgspec.Struct, frozen=True):
    """All of some customers; `after` is the last of them, if there may be others."""

    coins: list[Expiring]
    after: UUID | None


class Untouched(msgspec.Struct, frozen=True):
    """When a wallet moved last, and its newest transaction. `after` is where to go on, if there may be others."""

    txns: list[tuple[datetime, Txn]]
    after: UUID | None


async def expiring(
    tx: Reading, workspace: Workspace, since: datetime, until: datetime, after: UUID, limit: int
) -> Found:
    """Coins, lot by lot, whose expiry lies after `since` and not after `until`, of the next so many customers."""
    if since >= until:
        return Found([], None)
    coins = await tx.all(Expiring, _sql.expiring, workspace.id, since, until, after, limit)
    full = len({one.customer_id for one in coins}) == limit
    return Found(coins, coins[-1].customer_id if full else None)


async def expiring_idle(
    tx: Reading, workspace: Workspace, since: datetime, until: datetime, after: UUID, limit: int
) -> Found:
    """The same of wallets that expire as they don't move."""
    rules, validity = workspace.book, Validity(workspace.book, workspace.zone)
    if rules.expiry != "inactivity" or since >= until:
        return Found([], None)
    # Between these they moved last, give or take a day of the shop's; months have so many days at least, and at most.
    least, most = (1, 1) if rules.expire_unit == "days" else (28, 31)
    moved_after = since - timedelta(days=most * rules.expire_after + 2)
    moved_before = until - timedelta(days=least * rules.expire_after - 2)
    begins = validity.idle_at(rules.idle_since)
    if rules.idle_since and begins and begins > since:  # whatever moved before the rule was made counts from then on
        moved_after, moved_before = _EVER, max(moved_before, rules.idle_since)
    rows = await tx.fetch(_sql.idle_wallets, workspace.id, moved_after, moved_before, after, limit)
    return Found(_idle(validity, rows, since, until), rows[-1]["customer_id"] if len(rows) == limit else None)


def _idle(validity: Validity, rows: Sequence[Record], since: datetime, until: datetime) -> list[Expiring]:
    ends = [(row, validity.idle_at(row["active_at"])) for row in rows]
    return [Expiring(row["customer_id"], at, row["available"]) for row, at in ends if at and since < at <= until]


async def untouched(
    tx: Reading, workspace_id: UUID, stretches: Sequence[tuple[datetime, datetime]], after: UUID, limit: int
) -> Untouched:
    """Wallets of coins which have some and moved last within one of these stretches: from the one instant on, before
    the other. By the times of their txns, on from one of them; `limit` txns of each stretch are looked at, at most."""
    newest, last = list[Txn](), None
    at = await tx.fetchval(_sql.moved_at, workspace_id, after) or _EVER
    for since, until in sorted(stretches):
        if since > at:
            at, after = since, BEFORE_ALL_IDS
        if last or until <= at:
            continue
        last = await tx.fetchrow(_sql.moved_until, workspace_id, at, after, until, limit - 1)
        to = last or (until, BEFORE_ALL_IDS)
        newest += await tx.all(Txn, _sql.untouched, workspace_id, at, after, *to)
        at, after = to
    # A step is no transaction of its own on the wire: it is told of by the one that it ended.
    steps = {txn.id: txn.source_txn_id for txn in newest if txn.act in STEPS and txn.source_txn_id}
    ended = await store.txns_by_id(tx, workspace_id, sorted(steps.values())) if steps else {}
    # What is the newest of its wallet nothing later has changed.
    changed = {txn.id: txn for txn in await as_they_are(tx, workspace_id, list(ended.values()))}
    told = [changed[steps[txn.id]] if txn.id in steps else txn for txn in newest]
    moved = [txn.recorded_at for txn in newest]
    return Untouched(list(zip(moved, told, strict=True)), last["id"] if last else None)
