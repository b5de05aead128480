"""Held coins are spent, or given up: a hold ends once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars.customers import Customer
from regulars.kit import Conflict, NotFound, Tx, invalid
from regulars.ledger import store
from regulars.ledger.draft import Draft
from regulars.ledger.model import Act, Line, Outcome, Posted, Share, Txn, TxnType, Wallet
from regulars.ledger.opening import finish, opened
from regulars.ledger.settling import expire, held, release, release_hold
from regulars.tenancy import Workspace


class HoldEnded(Conflict, code="hold_ended"):
    """The hold was captured, voided, or its time is over; nothing was done."""


class Ending(Line, frozen=True, gc=False, kw_only=True):
    """A hold is to be captured, all of it or so much, what remains being voided; or to be voided."""

    hold_id: UUID
    amount: int | None = None
    type: TxnType = "redeem"


class Known(NamedTuple):
    """What the caller of `capture` or `void` has read already: the txns that are asked for, and whose they are."""

    txns: Mapping[UUID, Txn]
    people: Mapping[UUID, Customer]


async def capture(
    tx: Tx, workspace: Workspace, asked: Sequence[Ending], now: datetime, *, known: Known | None = None
) -> list[Outcome]:
    """Spend what each hold holds, or so much of it, and give back the rest. The answer is the step that did, or had
    done so before with the same amount; after a void, or past the time limit, it is refused."""
    return await _end(tx, workspace, asked, now, known, "capture", _capture)


def _capture(draft: Draft, wallet: Wallet, hold: Txn, asked: Ending) -> Outcome:
    amount = hold.amount if asked.amount is None else asked.amount
    if not 1 <= amount <= hold.amount:
        return invalid("amount", f"a whole number from 1 to the {hold.amount} that are held")
    owed = amount
    rest = []
    for lot, share in held(draft, wallet, hold):
        spent = min(share, owed)
        owed -= spent
        draft.move(wallet, "held", "redeemed", spent, lot)
        rest.append(Share(lot, share - spent))
    release(draft, wallet, rest, draft.now)
    del wallet.holds[hold.id]
    line = msgspec.structs.replace(asked, title=hold.title, reference=hold.reference)
    posted = draft.record(wallet, line, "capture", "dr", amount, source=hold.id)
    draft.ended[hold.id] = posted
    draft.tell_change(line, posted, hold.id, "success", amount)
    expire(draft, wallet)
    return posted


async def void(
    tx: Tx, workspace: Workspace, asked: Sequence[Ending], now: datetime, *, known: Known | None = None
) -> list[Outcome]:
    """Give back what each hold holds; what has expired meanwhile expires at once, unless the shop gives days of grace.
    Voided before, it is answered again; after a capture it is refused."""
    return await _end(tx, workspace, asked, now, known, "void", _void)


def _void(draft: Draft, wallet: Wallet, hold: Txn, asked: Ending) -> Outcome:
    posted = release_hold(draft, wallet, hold, asked)
    expire(draft, wallet)
    return posted


async def _end(
    tx: Tx,
    workspace: Workspace,
    asked: Sequence[Ending],
    now: datetime,
    known: Known | None,
    act: Act,
    how: Callable[[Draft, Wallet, Txn, Ending], Outcome],
) -> list[Outcome]:
    """End each hold. One that has ended just so before is answered again; ended otherwise, or unknown, it is
    refused."""
    found = known.txns if known else await store.txns_by_id(tx, workspace.id, [one.hold_id for one in asked])
    holds = {id: txn for id, txn in found.items() if txn.act == "hold"}
    ids = {(txn.customer_id, txn.kind) for txn in holds.values()}
    draft = await opened(tx, workspace, ids, now, whole=ids)
    draft.sources |= holds
    over = [id for id, txn in holds.items() if id not in draft.wallets[txn.customer_id, txn.kind].holds]
    before = await store.followers(tx, workspace.id, over, ["capture", "void"])
    ended = {step.source_txn_id: Posted(step, repeated=True) for step in before}
    outcomes: list[Outcome] = []
    for one in asked:
        hold = holds.get(one.hold_id)
        if hold is None:
            outcomes.append(NotFound("There is no such hold."))
            continue
        wallet = draft.wallets[hold.customer_id, hold.kind]
        if hold.id in wallet.holds:
            outcomes.append(how(draft, wallet, hold, one))
        else:
            step = ended.get(hold.id) or draft.ended[hold.id]
            outcomes.append(_again(step.txn, act, one.amount))
    await finish(tx, draft, known=known and known.people)
    return outcomes


def _again(step: Txn, act: Act, amount: int | None) -> Outcome:
    if step.act == act and amount in (None, step.amount):
        return Posted(step, repeated=True)
    was = "captured" if step.act == "capture" else "given back"
    return HoldEnded(f"The hold has ended: its coins were {was}. Nothing was done now.")
