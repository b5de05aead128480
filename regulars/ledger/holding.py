"""Coins set aside for a purchase that is under way: held until they are captured, voided, or the time limit comes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import limits
from regulars.customers import Customer
from regulars.kit import Tx, invalid
from regulars.ledger.draft import Draft
from regulars.ledger.earning import take_all
from regulars.ledger.errors import KeyTaken
from regulars.ledger.model import Kind, Line, Outcome, Posted, TxnType
from regulars.ledger.opening import finish, opened
from regulars.tenancy import Workspace


class Hold(Line, frozen=True, gc=False, kw_only=True):
    """So many coins are to be held; without `held_until` for as long as the shop's rules say."""

    customer_id: UUID
    amount: int
    type: TxnType = "redeem"
    kind: Kind = "coins"
    held_until: datetime | None = None


async def hold(
    tx: Tx, workspace: Workspace, asked: Sequence[Hold], now: datetime, *, known: Mapping[UUID, Customer] | None = None
) -> list[Outcome]:
    """Each is one txn, `pending` until it is captured or voided. Lots that expire meanwhile are not lost to it. Keys
    and the order of locks are as in `post`."""
    ids = {(one.customer_id, one.kind) for one in asked}
    draft = await opened(tx, workspace, ids, now, keys=[one.key for one in asked if one.key], whole=ids)
    outcomes = [_take(draft, one) for one in asked]
    await finish(tx, draft, known=known)
    return outcomes


def _take(draft: Draft, asked: Hold) -> Outcome:
    wallet = draft.wallets[asked.customer_id, asked.kind]
    before = draft.by_key.get(asked.key) if asked.key else None
    if before:
        said = (before.kind, before.act, before.amount, before.reference)
        same = said == (asked.kind, "hold", asked.amount, asked.reference)
        same = same and before.customer_id in (asked.customer_id, wallet.customer_id)
        return Posted(before, repeated=True) if same else KeyTaken()
    if not 1 <= asked.amount <= limits.AMOUNT_MINOR_MAX:
        return invalid("amount", f"a whole number from 1 to {limits.AMOUNT_MINOR_MAX}")
    held_until = asked.held_until or draft.now + timedelta(minutes=draft.rules.hold_minutes)
    if not draft.now < held_until <= draft.now + timedelta(days=limits.HOLD_DAYS_MAX):
        return invalid("expires_at", f"a time from now on, within {limits.HOLD_DAYS_MAX} days")
    refusal = take_all(draft, wallet, asked.amount, "held")
    if refusal:
        return refusal
    posted = draft.record(wallet, asked, "hold", "dr", asked.amount, status="pending", held_until=held_until)
    wallet.holds[posted.txn.id] = posted.txn.held_until
    return posted
