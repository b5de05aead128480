"""What was spent is given back, as the order it was spent on is refunded: into the lots it came from, with their
expiry; and spent again, when a refund was withdrawn."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit import Refusal, Tx
from regulars.ledger import store
from regulars.ledger.clawback import take_back
from regulars.ledger.draft import Draft
from regulars.ledger.earning import spendable
from regulars.ledger.model import Lot, Outcome, Share, Transfer, Txn
from regulars.ledger.opening import finish
from regulars.ledger.reversing import Reversal, Reversing, read_moves, restore, reversing
from regulars.ledger.settling import expire
from regulars.tenancy import Workspace


async def give_back(tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime) -> list[Outcome]:
    """Give back of each debit, or captured hold, what is to be by now, at most what was spent; of each of its lots in
    proportion. When it is to be less by now than it was, the difference is spent again: of those lots, of others, then
    as a debt, as the shop's rules say. Lock order: wallets by (customer, kind)."""
    draft, found = await reversing(tx, workspace, asked, now, ["spend", "hold"])
    about = [one for one in found if isinstance(one, Reversing)]
    steps = await store.followers(tx, workspace.id, [one.source.id for one in about], ["capture"])
    captures = {step.source_txn_id: step for step in steps}
    lots = await read_moves(tx, draft, about, [step.id for step in steps])
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
    spent = sum(move.amount for txn in (source, capture) if txn for move in _redeemed(draft, txn))
    change, given = about.due(asked, spent), about.reversed
    if not isinstance(change, int):
        return change
    target = about.target + change
    left: dict[UUID | None, int] = {}
    for txn in (source, capture, *before):
        for move in _redeemed(draft, txn) if txn else ():
            # What a txn brought in place of what had been owed was of no lot before.
            id = None if txn and move.lot_id == txn.id else move.lot_id
            left[id] = left.get(id, 0) + (move.amount if move.to_account == "redeemed" else -move.amount)
    if change < 0:
        own = [lot for lot in spendable(draft, wallet) if lot.id in left]
        posted = take_back(draft, about, asked, target, own, "redeemed")
    else:
        amount = max(0, target - given)
        owed = min(left.pop(None, 0), amount)
        of = [Share(lots.get(id) or draft.new_lots[id], part) for id, part in left.items() if id and part > 0]
        shares = [(None, owed), *_in_proportion(of, amount - owed)] if amount else []
        restored = restore(draft, about, asked, target, shares, "redeemed")
        if isinstance(restored, Refusal):
            return restored
        posted = restored
    if posted.txn.amount:
        draft.tell_change(asked, posted, source.id, "reversed" if about.reversed == spent else "success")
    expire(draft, wallet)
    return posted


def _redeemed(draft: Draft, txn: Txn) -> list[Transfer]:
    return [move for move in draft.transfers_of[txn.id] if "redeemed" in (move.from_account, move.to_account)]


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
