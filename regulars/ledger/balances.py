"""What customers have."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import NotFound, Reading
from regulars.ledger.model import Balance, Kind, Liability, Lot, Transfer, Txn, first_spent
from regulars.ledger.opening import as_of
from regulars.ledger.store import sql, txns_by_id
from regulars.ledger.validity import Validity
from regulars.tenancy import Workspace


async def balances(
    tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
) -> dict[UUID, dict[Kind, Balance]]:
    """Both wallets of each customer asked for, exact at that instant; one that was never opened is empty."""
    found = await as_of(tx, workspace, customer_ids, now)
    kinds: tuple[Kind, Kind] = ("coins", "credits")
    return {
        customer_id: {
            kind: found[customer_id, kind].balance() if (customer_id, kind) in found else Balance(kind)
            for kind in kinds
        }
        for customer_id in customer_ids
    }


async def available(tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """How many coins each customer asked for can spend now: what every page, answer and event calls available."""
    found = await as_of(tx, workspace, customer_ids, now)
    return {id: found[id, "coins"].available if (id, "coins") in found else 0 for id in customer_ids}


async def liability(tx: Reading, workspace_id: UUID, kind: Kind) -> Liability:
    """What the shop owes its customers in one kind of wallet. Reads every wallet: for reports."""
    (found,) = await tx.all(Liability, sql.liability, workspace_id, kind)
    return found


async def lots_of(
    tx: Reading, workspace: Workspace, customer_id: UUID, now: datetime, *, kind: Kind = "coins"
) -> list[Lot]:
    """In the order in which they are spent, what has fallen due settled; at most as many as a wallet has open."""
    wallets = await as_of(tx, workspace, [customer_id], now, whole=True)
    wallet = wallets.get((customer_id, kind))
    lots = wallet.lots if wallet else []
    return sorted((lot for lot in lots if lot.pending or lot.available or lot.held), key=first_spent)


class Purse(msgspec.Struct, frozen=True):
    """What a customer has in coins; how many of them can't be spent any more from when on, and how many can from when
    on, each the next first."""

    balance: Balance
    expires: list[tuple[datetime, int]]
    activates: list[tuple[datetime, int]]


async def purse(tx: Reading, workspace: Workspace, customer_id: UUID, now: datetime) -> Purse:
    wallet = (await as_of(tx, workspace, [customer_id], now, whole=True)).get((customer_id, "coins"))
    if wallet is None:
        return Purse(Balance(), [], [])
    idle_at = Validity(workspace.book, workspace.zone).idle_at(wallet.active_at)
    expires, activates = Counter[datetime](), Counter[datetime]()
    for lot in wallet.lots:
        if lot.available and (ends_at := min((at for at in (lot.ends_at(), idle_at) if at), default=None)):
            expires[ends_at] += lot.available
        if lot.pending:
            activates[lot.activates_at] += lot.pending
    return Purse(wallet.balance(), sorted(expires.items()), sorted(activates.items()))


class LotStory(msgspec.Struct, frozen=True):
    """A lot as it is, the txn that brought it, and what became of its coins, oldest first, each with its txn; at most
    limits.LOT_MOVES_MAX."""

    lot: Lot
    txn: Txn
    moves: list[tuple[Transfer, Txn]]


async def lot_story(tx: Reading, workspace: Workspace, customer_id: UUID, lot_id: UUID, now: datetime) -> LotStory:
    """Raises NotFound."""
    wallets = await as_of(tx, workspace, [customer_id], now, whole=True)
    open_ = [lot for wallet in wallets.values() for lot in wallet.lots]
    known = [*open_, *await tx.all(Lot, sql.lots_by_id, workspace.id, [lot_id])]
    lot = next((lot for lot in known if (lot.id, lot.customer_id) == (lot_id, customer_id)), None)
    if lot is None:
        raise NotFound("This lot does not exist.")
    moves = await tx.all(Transfer, sql.moves_of_lot, workspace.id, lot_id, limits.LOT_MOVES_MAX)
    txns = await txns_by_id(tx, workspace.id, sorted({lot_id, *(move.txn_id for move in moves)}))
    return LotStory(lot, txns[lot_id], [(move, txns[move.txn_id]) for move in moves])
