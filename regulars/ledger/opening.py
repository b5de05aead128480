"""What all acts begin and end with: wallets are read or locked, what has fallen due in them is settled, what came of
the acts is written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars import customers, events, schedule
from regulars.customers import Customer
from regulars.kit import Reading, Tx
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.model import Lot, Said, Transfer, Txn, Wallet, WalletId
from regulars.ledger.settling import settle_all
from regulars.ledger.store import sql
from regulars.ledger.wire import coins_events
from regulars.schedule import Due
from regulars.tenancy import Workspace

SETTLE = "ledger.settle"


async def as_of(
    tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime, *, whole: bool = False
) -> dict[WalletId, Wallet]:
    """The wallets as they are by now, whether or not what has fallen due was written down, if `whole` with their lots.
    Those that were opened."""
    draft = Draft(workspace, now, await store.wallets(tx, sql.wallets_of, workspace.id, customer_ids))
    await _fill(tx, draft, draft.wallets if whole else [])
    return draft.wallets


async def opened(
    tx: Tx,
    workspace: Workspace,
    wanted: Iterable[WalletId],
    now: datetime,
    *,
    keys: Sequence[str] = (),
    whole: Iterable[WalletId] = (),
    locked: Mapping[WalletId, Wallet] | None = None,
) -> Draft:
    """The wallets, locked, with all that has fallen due in them by now written down first; those in `whole` with their
    lots. In the place of one that was merged into another stands that. `locked`: all of them, by a caller who has just
    locked them and changed nothing since. Lock order: wallets by (customer, kind); then those that others were merged
    into, which the database undoes if it makes a circle."""
    if locked is None:
        wallets = await store.lock_wallets(tx, workspace.id, wanted)
    else:
        wallets = {id: locked[id] for id in wanted}
    places = {id: id for id in wallets}
    while any(wallets[at].merged_into for at in places.values()):
        places = {id: (wallets[at].merged_into or at[0], at[1]) for id, at in places.items()}
        wallets |= await store.lock_wallets(tx, workspace.id, set(places.values()) - wallets.keys())
    draft = Draft(workspace, now, wallets)
    # Read after the locks: whoever held them may just have posted the same key.
    if keys:
        draft.by_key = {txn.key: txn for txn in await tx.all(Txn, sql.txns_by_key, workspace.id, keys) if txn.key}
    await _fill(tx, draft, (places[id] for id in whole))
    draft.wallets = {id: wallets[at] for id, at in places.items()}
    return draft


async def _fill(tx: Reading, draft: Draft, whole: Iterable[WalletId]) -> None:
    """Read the lots of these wallets and of those in which something has fallen due, and settle the latter."""
    due = {id for id, at in draft.next_before.items() if at <= draft.now}
    read = sorted(due | set(whole))
    if not read:
        return
    for id in read:
        draft.wallets[id].whole = True
    for lot in await tx.all(Lot, sql.open_lots, draft.workspace.id, *zip(*read, strict=True)):
        draft.wallets[lot.customer_id, lot.kind].lots.append(lot)
    if holding := [id for id in read if draft.wallets[id].held]:
        for customer_id, kind, until, *row in await tx.fetch(
            sql.open_holds, draft.workspace.id, *zip(*holding, strict=True)
        ):
            transfer = Transfer(*row)
            draft.wallets[customer_id, kind].holds[transfer.txn_id] = until
            draft.transfers_of.setdefault(transfer.txn_id, []).append(transfer)
        if over := [id for one in holding for _, id in draft.wallets[one].holds_over(draft.now)]:
            draft.sources |= await store.txns_by_id(tx, draft.workspace.id, over)
    for id in sorted(due):
        settle_all(draft, draft.wallets[id])


async def finish(tx: Tx, draft: Draft, *, known: Mapping[UUID, Customer] | None = None, announced: bool = True) -> None:
    """Write all of it, with an event for each new transaction of the wire, and for each that changed; tools are told of
    them if they are `announced`. `known` saves reading customers the caller has read already."""
    if not draft.touched:
        return
    for wallet in draft.touched.values():
        wallet.due_at = draft.due_at(wallet)
    workspace = draft.workspace
    people = dict(known or {})
    if missing := {one.txn.customer_id for one in draft.told} - people.keys():
        people |= await customers.by_ids(tx, workspace.id, sorted(missing))
    sources: dict[UUID, Txn | Said] = {**draft.sources}
    if unread := {one.source for one in draft.told if one.source} - sources.keys():
        sources |= {one.id: one for one in await tx.all(Said, sql.said_by_id, workspace.id, list(unread))}
    store.write(
        tx,
        workspace.id,
        txns=draft.txns,
        transfers=draft.transfers,
        lots=list(draft.new_lots.values()),
        moved=list(draft.moved_lots.values()),
        wallets=list(draft.touched.values()),
    )
    coins: dict[WalletId, Wallet] = {}
    if unknown := {one.txn.customer_id for one in draft.told if one.coins is None}:
        coins = await as_of(tx, workspace, sorted(unknown), draft.now)
    has = {id: wallet.available for (id, kind), wallet in coins.items() if kind == "coins"}
    made = coins_events(events.business(workspace), people, sources, has, draft.told)
    await events.append(tx, workspace.id, made, draft.now, announced=announced)
    dues = []
    for id, wallet in draft.touched.items():
        next_at, before = draft.next_at(wallet), draft.next_before.get(id)
        # A row that comes too early looks again, and puts the next.
        if next_at and (before is None or next_at < before or before <= draft.now):
            dues.append(due(id, next_at))
    await schedule.put(tx, workspace.id, dues)


def due(id: WalletId, at: datetime) -> Due:
    """The wallet is to be settled then."""
    return Due(SETTLE, f"{id[0]}:{id[1]}", at)
