"""What is in a customer's wallets, lot by lot, and coins that are held for a purchase under way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import ledger, limits
from regulars.api.management.api import Limit, PageQuery, management, only, page_of, the_customer
from regulars.api.management.items import Whose, in_units, named
from regulars.api.operations import Call, NoQuery
from regulars.kit.db import Reading, Tx
from regulars.kit.shapes import Page
from regulars.ledger import Ending, Hold, Kind, Txn

Amount = Annotated[
    float, Meta(gt=0, le=limits.COINS_MAX, description="Coins, or credits in the shop's currency.", examples=[100])
]


class LotQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    wallet: Kind = "coins"
    limit: Limit = limits.PAGE_ITEMS_MAX


class LotItem(msgspec.Struct, frozen=True):
    """A credit of which something is left: `id` is its transaction's. What is `available` can be spent until
    `expires_at`, null for ever; what is `pending` from `activates_at` on; what is `held` is set aside for a
    purchase."""

    id: UUID
    amount: int | float
    pending: int | float
    available: int | float
    held: int | float
    earned_at: datetime
    activates_at: datetime
    expires_at: datetime | None


class NewHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`reference` says what for: the same once more is the same hold. Without `expires_at` it lasts as long as the shop
    has set."""

    wallet: Kind = "coins"
    amount: Amount
    reference: Annotated[str, Meta(min_length=1, max_length=limits.ORDER_ID_CHARS_MAX, examples=["checkout-1029"])]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class Capture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without an amount all that is held."""

    amount: Amount | None = None


class HoldItem(msgspec.Struct, frozen=True):
    """`status` is pending until it is captured (success: `amount` is what was captured) or voided (cancelled)."""

    id: UUID
    customer: Whose
    wallet: Kind
    amount: int | float
    status: str
    reference: str
    created_at: datetime
    expires_at: datetime | None
    updated_at: datetime


@management.get("/customers/{id}/lots", "What is in a wallet", tag="Customers")
async def list_lots(call: Call[LotQuery, None], tx: Reading) -> Page[LotItem]:
    """In the order in which they are spent: what expires first comes first."""
    query = call.query
    customer = await the_customer(tx, call.workspace_id, call.path_id())
    lots = await ledger.lots_of(tx, call.workspace, customer.id, call.now, kind=query.wallet)
    first = next((n + 1 for n, lot in enumerate(lots) if lot.id == query.before), 0)
    page, after = page_of(lots[first : first + query.limit + 1], query.limit)
    return Page([in_units(LotItem, lot.kind, lot, expires_at=lot.ends_at()) for lot in page], after)


@management.post("/customers/{id}/holds", "Hold coins", tag="Customers", status=201)
async def hold_coins(call: Call[NoQuery, NewHold], tx: Tx) -> HoldItem:
    """They can't be spent or expire until they are captured or voided; at the time limit they are voided by
    themselves."""
    body = call.body
    customer = await the_customer(tx, call.workspace_id, call.path_id())
    wanted = Hold(
        customer_id=customer.id,
        kind=body.wallet,
        amount=ledger.amount_of_wire(body.wallet, body.amount),
        occurred_at=call.now,
        title=f"Held for {body.reference}",
        reference=body.reference,
        actor=call.caller.actor,
        key=f"hold:{customer.id}:{body.wallet}:{body.reference}",
        held_until=body.expires_at,
    )
    held = only(await ledger.hold(tx, call.workspace, [wanted], call.now, known={customer.id: customer}))
    await call.audit(tx, "hold.create", customer.customer_id, amount=body.amount, reference=body.reference)
    return await _hold(call, tx, held.txn.id)


@management.get("/holds/{id}", "One hold", tag="Customers")
async def read_hold(call: Call[NoQuery, None], tx: Reading) -> HoldItem:
    return await _hold(call, tx, call.path_id())


@management.post("/holds/{id}/capture", "Spend held coins", tag="Customers")
async def capture_hold(call: Call[NoQuery, Capture], tx: Tx) -> HoldItem:
    """What is held beyond the amount goes back. Captured before with the same amount, it is answered again."""
    amount, held = call.body.amount, await ledger.find_hold(tx, call.workspace_id, call.path_id())
    exact = None if amount is None else ledger.amount_of_wire(held.kind, amount)
    asked = Ending(hold_id=held.id, amount=exact, occurred_at=call.now, actor=call.caller.actor)
    only(await ledger.capture(tx, call.workspace, [asked], call.now))
    await call.audit(tx, "hold.capture", held.id, amount=amount)
    return await _hold(call, tx, held.id)


@management.post("/holds/{id}/void", "Give held coins back", tag="Customers")
async def void_hold(call: Call[NoQuery, None], tx: Tx) -> HoldItem:
    """Voided before, or past its time limit, it is answered again; after a capture it is refused."""
    asked = Ending(hold_id=call.path_id(), occurred_at=call.now, actor=call.caller.actor)
    only(await ledger.void(tx, call.workspace, [asked], call.now))
    await call.audit(tx, "hold.void", asked.hold_id)
    return await _hold(call, tx, asked.hold_id)


async def _hold(call: Call[NoQuery, Any], tx: Reading, id: UUID) -> HoldItem:
    """Raises NotFound."""
    txn: Txn = await ledger.find_hold(tx, call.workspace_id, id)
    return in_units(
        HoldItem,
        txn.kind,
        txn,
        customer=named(await the_customer(tx, call.workspace_id, txn.customer_id)),
        wallet=txn.kind,
        created_at=txn.recorded_at,
        expires_at=txn.held_until,
        updated_at=txn.changed_at or txn.recorded_at,
    )
