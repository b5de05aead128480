"""What was spent is given back, as the order it was spent on is refunded: into the lots it came from, with their
expiry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.errors import WalletFull
from regulars.ledger.model import Lot, Outcome, Share, Txn
from regulars.ledger.opening import finish
from regulars.ledger.reversing import Reversal, Reversing, reversing
from regulars.ledger.settling import expire
from regulars.tenancy import Workspace


async def give_back(tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime) -> list[Outcome]:
    """Give back of each debit, or captured hold, what is to be by now, at most what was spent; of each of its lots in
    proportion. A lot that has expired meanwhile expires again at once, unless the shop gives days of grace. A debt is
    paid first. Lock order: wallets by (customer, kind)."""
    draft, found = await reversing(tx, workspace, asked, now, "give_back", ["spend", "hold"])
    about = [one for one in found if isinstance(one, Reversing)]
    steps = await store.followers(tx, workspace.id, [one.source.id for one in about], ["capture"])
    captures = {step.source_txn_id: step for step in steps}
    unread = {txn.id for one in about for txn in (one.source, *one.before)} | {step.id for step in steps}
    draft.transfers_of |= await store.transfers_of(tx, workspace.id, sorted(unread))
    lots = {lot.id: lot for wallet in draft.wallets.values() for lot in wallet.lots}
    empty = {one.lot_id for id in unread for one in draft.transfers_of[id] if one.lot_id} - lots.keys()
    for lot in await tx.all(Lot, store.sql.lots_by_id, workspace.id, sorted(empty)):
        lots[lot.id] = lot
    outcomes: list[Outcome] = []
    for reversal, one in zip(asked, found, strict=True):
        if isinstance(one, Refusal):
            outcomes.append(one)
        else:
            outcomes.append(_give_back(draft, reversal, one, captures.get(one.source.id), lots))
    await finish(tx, draft)
    return outcomes


def _give_back(
    draft: Draft, asked: Reversal, about: Reversing, capture: Txn | None, lots: Mapping[UUID, Lot]
) -> Outcome:
    source, wallet, before = about
    left: dict[UUID, int] = {}
    spent = 0
    for txn in (source, capture, *before):
        for transfer in draft.transfers_of[txn.id] if txn else ():
            if transfer.lot_id and "redeemed" in (transfer.from_account, transfer.to_account):
                out = transfer.to_account == "redeemed"
                spent += transfer.amount if out else 0
                left[transfer.lot_id] = left.get(transfer.lot_id, 0) + (transfer.amount if out else -transfer.amount)
    amount = about.due(asked, spent)
    if not isinstance(amount, int):
        return amount
    if wallet.credited + amount > limits.WALLET_CREDITED_MAX:
        return WalletFull()
    days = draft.rules.give_back_grace_days
    grace = draft.validity.grace(days, draft.now) if days else None
    for share in _in_proportion([Share(lots[id], of) for id, of in left.items()], amount):
        if share.lot not in wallet.lots:
            wallet.lots.append(share.lot)
        draft.bring(wallet, "redeemed", share, grace if share.lot.expired_at(draft.now) else None)
    target = sum(txn.amount for txn in before) + amount
    posted = draft.record(wallet, asked, "give_back", "cr", amount, source=source.id, target=target)
    before.append(posted.txn)
    draft.tell_change(asked, posted, source.id, "reversed" if target == spent else "success")
    expire(draft, wallet)
    return posted


def _in_proportion(of: Sequence[Share], amount: int) -> list[Share]:
    """So much of them all, at most what each is: whole numbers that add up."""
    total = sum(share.amount for share in of)
    shares, before, given = [], 0, 0
    for lot, part in of:
        before += part
        upto = amount * before // total
        shares.append(Share(lot, upto - given))
        given = upto
    return shares
