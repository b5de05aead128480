"""What was earned is taken back, as the order it was earned with is refunded: by and by, each time the difference to
what was taken back already; and given again, when a refund was withdrawn."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit import Refusal, Tx
from regulars.ledger.draft import Draft
from regulars.ledger.earning import spendable
from regulars.ledger.model import Account, Lot, Outcome, Posted, Status, taken
from regulars.ledger.opening import finish
from regulars.ledger.reversing import Reversal, Reversing, read_moves, restore, reversing
from regulars.ledger.settling import expire
from regulars.tenancy import Workspace


async def claw_back(tx: Tx, workspace: Workspace, asked: Sequence[Reversal], now: datetime) -> list[Outcome]:
    """Take back of each credit what is to be by now, at most what it brought: of what of it is pending, of its own lot,
    of other lots, then as a debt; how far, the shop's rules say, and the rest is forgiven. When it is to be less by now
    than it was, what was taken last goes back to where it was. Lock order: wallets by (customer, kind)."""
    draft, found = await reversing(tx, workspace, asked, now, ["earn", "adjust"])
    about = [one for one in found if isinstance(one, Reversing)]
    lots = await read_moves(tx, draft, [one for one in about if one.before])
    outcomes = [
        one if isinstance(one, Refusal) else _claw_back(draft, reversal, one, lots)
        for reversal, one in zip(asked, found, strict=True)
    ]
    await finish(tx, draft)
    return outcomes


def _claw_back(draft: Draft, asked: Reversal, about: Reversing, lots: Mapping[UUID, Lot]) -> Outcome:
    source, wallet, _ = about
    change = about.due(asked, source.amount if source.operation == "cr" else 0)
    if not isinstance(change, int):
        return change
    target, was = about.target + change, about.reversed
    if change > 0:
        own = [lot for lot in wallet.lots if lot.id == source.id]
        posted = take_back(draft, about, asked, target, own, "clawed_back")
    else:
        # First what was forgiven is so no more.
        back = _taken_last(draft, about, max(0, was - target))
        shares = [((lots.get(id) or draft.new_lots[id]) if id else None, part) for id, part in back]
        restored = restore(draft, about, asked, target, shares, "clawed_back")
        if isinstance(restored, Refusal):
            return restored
        posted = restored
    if posted.txn.amount:
        waits = any(lot.pending for lot in wallet.lots if lot.id == source.id)
        status: Status = "reversed" if about.reversed == source.amount else "pending" if waits else "success"
        draft.tell_change(asked, posted, source.id, status)
    expire(draft, wallet)
    return posted


def take_back(
    draft: Draft, about: Reversing, asked: Reversal, target: int, own: Sequence[Lot], to_account: Account
) -> Posted:
    """The difference to what was to be so far: of what of these lots is pending, of them, of other lots, then as a
    debt, as far as the shop's rules say; the rest is forgiven."""
    wallet, rules = about.wallet, draft.rules
    owed = abs(target - about.target)
    left = owed - draft.take(wallet, "pending", to_account, taken(own, "pending", owed))
    if rules.claw_back != "pending":
        others = [lot for lot in spendable(draft, wallet) if all(lot.id != one.id for one in own)]
        left -= draft.take(wallet, "available", to_account, taken([*own, *others], "available", left))
    if rules.claw_back == "debt":
        draft.move(wallet, "debt", to_account, left)
        left = 0
    posted = draft.record(wallet, asked, "claw_back", "dr", owed - left, source=about.source.id, target=target)
    about.before.append(posted.txn)
    return posted


def _taken_last(draft: Draft, about: Reversing, amount: int) -> list[tuple[UUID | None, int]]:
    """The lots that so many of its coins were taken from, None for what is owed; what was taken last comes first, as if
    it had never been asked for."""
    stack: list[tuple[UUID | None, int]] = []
    for txn in about.before:
        if txn.act == "claw_back":
            stack += [(move.lot_id, move.amount) for move in draft.transfers_of[txn.id]]
        else:
            _popped(stack, txn.amount)
    return _popped(stack, amount)


def _popped(stack: list[tuple[UUID | None, int]], amount: int) -> list[tuple[UUID | None, int]]:
    popped = []
    while amount:
        id, part = stack.pop()
        if part > amount:
            stack.append((id, part - amount))
        popped.append((id, min(part, amount)))
        amount -= popped[-1][1]
    return popped
