"""The lines of the book, read as the wire says them: each as later txns left it, and those that only end what another
began not by themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars.kit import NotFound, Reading, wording
from regulars.ledger import store
from regulars.ledger.model import STEPS, Act, Kind, Operation, Status, Txn, amount_on_wire
from regulars.ledger.store import sql
from regulars.tenancy import Workspace


class Change(NamedTuple):
    """What a later txn says of an older one, `id`."""

    id: UUID
    act: Act
    status: Status
    amount: int
    recorded_at: datetime


def in_words(kind: Kind, amount: int, workspace: Workspace) -> str:
    """`1,250 coins`, in the shop's own word for them; credits as the money they stand for."""
    if kind == "coins":
        return wording.counted(amount, workspace.coin_name)
    return wording.money(amount_on_wire(kind, amount), workspace.currency_code, workspace.currency_symbol)


async def find_txn(tx: Reading, workspace_id: UUID, txn_id: UUID) -> Txn:
    """Raises NotFound."""
    found = await store.txns_by_id(tx, workspace_id, [txn_id])
    if not found or found[txn_id].act in STEPS:
        raise NotFound("This wallet transaction does not exist.")
    return (await as_they_are(tx, workspace_id, list(found.values())))[0]


async def find_holds(tx: Reading, workspace_id: UUID, txn_ids: Sequence[UUID]) -> dict[UUID, Txn]:
    """Those that exist, by id."""
    found = await store.txns_by_id(tx, workspace_id, txn_ids)
    holds = [txn for txn in found.values() if txn.act == "hold"]
    return {txn.id: txn for txn in await as_they_are(tx, workspace_id, holds)}


async def posted_under(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Txn]:
    """The txns that these keys name, by key."""
    return {txn.key or "": txn for txn in await tx.all(Txn, store.sql.txns_by_key, workspace_id, keys)}


async def txns_of(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    *,
    kind: Kind = "coins",
    operation: Operation | None = None,
    wire_hash: str | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> list[Txn]:
    """One wallet's txns, newest first. Page by `before_seq`."""
    txns = await store.txns_of_wallet(
        tx, workspace_id, customer_id, kind, operation, wire_hash, before_seq, limit, 0, oldest_first=False
    )
    return await as_they_are(tx, workspace_id, txns)


async def txns_of_orders(tx: Reading, workspace_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, list[Txn]]:
    """What each order led to in the book, oldest first: `reference` is `order:<id>`."""
    found: dict[UUID, list[Txn]] = {id: [] for id in order_ids}
    for txn in await tx.all(Txn, sql.txns_of_orders, workspace_id, [f"order:{id}" for id in order_ids]):
        if txn.act not in STEPS:
            found[UUID(txn.reference.removeprefix("order:"))].append(txn)
    return found


async def traced(tx: Reading, workspace_id: UUID, txn_ids: Collection[UUID]) -> list[Txn]:
    """Those of these that exist, and what went on with them or took them back, each as it is now, oldest first."""
    found = await store.txns_by_id(tx, workspace_id, list(txn_ids))
    later = await store.followers(tx, workspace_id, list(found), ["capture", "void", "claw_back", "give_back"])
    everything = list((found | {txn.id: txn for txn in later}).values())
    return sorted(await as_they_are(tx, workspace_id, everything), key=lambda txn: txn.id)


async def numbered_page(
    tx: Reading,
    workspace_id: UUID,
    customer_id: UUID,
    *,
    kind: Kind,
    operation: Operation | None = None,
    wire_hash: str | None = None,
    oldest_first: bool = False,
    beyond_seq: int | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Txn], int]:
    """One wallet's txns from `offset` on, as the merchant API pages them, and how many there are in all. `beyond_seq`
    is the last one of the page before, where a page is not named by its number."""
    count = await tx.fetchval(sql.count_txns, workspace_id, customer_id, kind, operation, wire_hash)
    txns = await store.txns_of_wallet(
        tx, workspace_id, customer_id, kind, operation, wire_hash, beyond_seq, limit, offset, oldest_first=oldest_first
    )
    return await as_they_are(tx, workspace_id, txns), count


async def as_they_are(tx: Reading, workspace_id: UUID, txns: list[Txn]) -> list[Txn]:
    """As later txns left them."""
    said: dict[UUID, list[Change]] = {}
    for change in await tx.all(Change, sql.changes, workspace_id, [txn.id for txn in txns]) if txns else ():
        said.setdefault(change.id, []).append(change)
    return [_changed(txn, said[txn.id]) if txn.id in said else txn for txn in txns]


def ended(hold: Txn, step: Txn) -> Txn:
    """A hold, as the step that ended it left it."""
    return _changed(hold, [Change(hold.id, step.act, step.status, step.amount, step.recorded_at)])


def _changed(txn: Txn, changes: Sequence[Change]) -> Txn:
    status, amount, reversed, otherwise = txn.status, txn.amount, 0, txn.status
    for change in changes:
        if change.act in STEPS:
            status = otherwise = change.status
            amount = change.amount if change.act == "capture" else amount
        elif change.act == "expire":
            status = otherwise = "expired"
        else:
            takes = (change.act == "claw_back") == (txn.operation == "cr")
            reversed += change.amount if takes else -change.amount
            if reversed == amount or status == "reversed":
                status = "reversed" if reversed == amount else otherwise
    return msgspec.structs.replace(txn, status=status, amount=amount, changed_at=changes[-1].recorded_at)
