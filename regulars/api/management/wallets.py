"""What is in a customer's wallets, lot by lot, and coins that are held for a purchase under way; and what the shop owes
all its customers, for a program and for a spreadsheet."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, days, ledger, limits, tenancy
from regulars.api.management.api import Call, Limit, NoQuery, PageQuery, management, page_of
from regulars.api.management.items import Whose, in_units, named
from regulars.api.operations import tried
from regulars.customers import Customer
from regulars.days.liability import Expected, Forecast, Month, Part
from regulars.kit import NotFound, Page, Reading, Refusal, Shown, Tx, copied, showing, tracing
from regulars.ledger import Ending, Hold, Kind, Known, Lot, Outcome, Posted, Turnover, Txn, amount_on_wire
from regulars.ledger.model import Transfer

Amount = Annotated[
    float, Meta(gt=0, le=limits.COINS_MAX, description="Coins, or credits in the shop's currency.", examples=[100])
]


class LotQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    wallet: Kind = "coins"
    limit: Limit = limits.PAGE_ITEMS_MAX


@showing("id amount pending available held earned_at activates_at expires_at", Lot, units=True)
class LotItem(msgspec.Struct, frozen=True):
    """A credit of which something is left: `id` is its transaction's. What is `available` can be spent until
    `expires_at`, null for ever; what is `pending` from `activates_at` on; what is `held` is set aside for a
    purchase."""


@showing("type title description reference trigger_id trigger_version actor occurred_at", Txn)
class LotGiven(msgspec.Struct):
    """What brought a lot: the transaction of its id, by the trigger's version, if one gave it. `reference` is
    `order:<id>` where an order earned it."""


@showing(
    "from_account to_account amount transaction_id=txn_id act title description reference at=recorded_at",
    Transfer,
    Txn,
    units=True,
)
class LotMove(msgspec.Struct):
    """So many coins of a lot went from one account to another: `available`, `pending`, `held` and `debt` are the
    customer's; `redeemed`, `expired`, `clawed_back` and `adjusted` the programme's."""

    from_account: str
    to_account: str
    act: str


class LotDetail(LotItem, frozen=True, kw_only=True):
    """A lot, what brought it, and where each of its coins went, oldest first."""

    wallet: Kind
    given: LotGiven
    moves: list[LotMove]


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


@showing("id customer wallet=kind amount status reference created_at=recorded_at expires_at=held_until updated_at", Txn)
class HoldItem(msgspec.Struct):
    """`status` is pending until it is captured (success: `amount` is what was captured) or voided (cancelled)."""

    id: UUID
    customer: Whose
    amount: int | float
    updated_at: datetime


@management.get("/customers/{id}/lots", "What is in a wallet", tag="Customers")
async def list_lots(call: Call[LotQuery, None], tx: Reading) -> Page[LotItem]:
    """In the order in which they are spent: what expires first comes first."""
    query = call.query
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    lots = await ledger.lots_of(tx, call.workspace, customer.id, call.now, kind=query.wallet)
    first = next((n + 1 for n, lot in enumerate(lots) if lot.id == query.before), 0)
    page, after = page_of(lots[first : first + query.limit + 1], query.limit)
    return Page([in_units(LotItem, lot.kind, lot, expires_at=lot.ends_at()) for lot in page], after)


@management.get("/customers/{id}/lots/{lot_id}", "Where the coins of a lot went", tag="Customers")
async def read_lot(call: Call[NoQuery, None], tx: Reading) -> LotDetail:
    """Also of one of which nothing is left."""
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    story = await ledger.lot_story(tx, call.workspace, customer.id, call.path_id("lot_id"), call.now)
    kind = story.lot.kind
    moves = [in_units(LotMove, kind, *move_and_txn) for move_and_txn in story.moves]
    given = copied(LotGiven, story.txn)
    return in_units(LotDetail, kind, story.lot, expires_at=story.lot.ends_at(), wallet=kind, given=given, moves=moves)


@management.post("/customers/{id}/holds", "Hold coins", tag="Customers", status=201)
async def hold_coins(calls: Sequence[Call[NoQuery, NewHold]], tx: Tx) -> list[HoldItem | Refusal]:
    """They can't be spent or expire until they are captured or voided; at the time limit they are voided by
    themselves."""
    shop, now, ids = calls[-1].workspace, calls[-1].now, [tried(call.path_id) for call in calls]
    people = await customers.by_ids(tx, shop.id, [id for id in ids if isinstance(id, UUID)])
    tracing.known_as((str(id), id) for id in people)

    def wanted(call: Call[NoQuery, NewHold], id: UUID | Refusal) -> Hold:
        if isinstance(id, Refusal):
            raise id
        if id not in people:
            raise NotFound("This customer does not exist.")
        body, whose = call.body, people[id].id
        return Hold(
            customer_id=whose,
            kind=body.wallet,
            amount=ledger.amount_of_wire(body.wallet, body.amount),
            occurred_at=call.now,
            title=f"Held for {body.reference}",
            reference=body.reference,
            actor=call.caller.actor,
            key=f"hold:{whose}:{body.wallet}:{body.reference}",
            held_until=body.expires_at,
        )

    asked = [tried(partial(wanted, call, id)) for call, id in zip(calls, ids, strict=True)]
    people |= {customer.id: customer for customer in people.values()}
    outcomes = await ledger.hold(tx, shop, [one for one in asked if isinstance(one, Hold)], now, known=people)
    return await _answers(tx, calls, asked, outcomes, "hold.create", Known({}, people))


@management.get("/holds/{id}", "One hold", tag="Customers")
async def read_hold(call: Call[NoQuery, None], tx: Reading) -> HoldItem:
    found = await _holds(tx, call.workspace_id, [call.path_id()])
    if not found:
        raise NotFound("There is no such hold.")
    (hold,) = found.values()
    return hold


@management.post("/holds/{id}/capture", "Spend held coins", tag="Customers")
async def capture_hold(calls: Sequence[Call[NoQuery, Capture]], tx: Tx) -> list[HoldItem | Refusal]:
    """What is held beyond the amount goes back. Captured before with the same amount, it is answered again."""
    return await _end(tx, calls, ledger.capture, "hold.capture")


@management.post("/holds/{id}/void", "Give held coins back", tag="Customers")
async def void_hold(calls: Sequence[Call[NoQuery, None]], tx: Tx) -> list[HoldItem | Refusal]:
    """Voided before, or past its time limit, it is answered again; after a capture it is refused."""
    return await _end(tx, calls, ledger.void, "hold.void")


async def _end(
    tx: Tx, calls: Sequence[Call[NoQuery, Any]], end: Callable[..., Awaitable[list[Outcome]]], act: str
) -> list[HoldItem | Refusal]:
    shop, now, ids = calls[-1].workspace, calls[-1].now, [tried(call.path_id) for call in calls]
    txns = await ledger.txns_by_id(tx, shop.id, [id for id in ids if isinstance(id, UUID)])
    people = await customers.by_ids(tx, shop.id, list({txn.customer_id for txn in txns.values()}))
    tracing.known_as((str(id), txn.customer_id) for id, txn in txns.items())

    def wanted(call: Call[NoQuery, Capture | None], id: UUID | Refusal) -> Ending:
        if isinstance(id, Refusal):
            raise id
        if id not in txns:
            raise NotFound("There is no such hold.")
        amount = call.body.amount if call.body else None
        exact = None if amount is None else ledger.amount_of_wire(txns[id].kind, amount)
        return Ending(hold_id=id, amount=exact, occurred_at=call.now, actor=call.caller.actor)

    asked = [tried(partial(wanted, call, id)) for call, id in zip(calls, ids, strict=True)]
    known = Known(txns, people | {customer.id: customer for customer in people.values()})
    outcomes = await end(tx, shop, [one for one in asked if isinstance(one, Ending)], now, known=known)
    return await _answers(tx, calls, asked, outcomes, act, known)


async def _answers(
    tx: Tx,
    calls: Sequence[Call[NoQuery, Any]],
    asked: Sequence[Hold | Ending | Refusal],
    outcomes: Sequence[Outcome],
    act: str,
    known: Known,
) -> list[HoldItem | Refusal]:
    """For each call its hold as it is now, once it stands in the log of who did what; or why nothing was done. There is
    an outcome for each that was asked for."""
    shop, rest = calls[-1].workspace_id, iter(outcomes)
    each = [one if isinstance(one, Refusal) else next(rest) for one in asked]
    # What was done before may have been changed since.
    before = [_hold_id(one) for one in each if isinstance(one, Posted) and one.repeated]
    items = await _holds(tx, shop, before) if before else {}
    done = []
    for call, one in zip(calls, each, strict=True):
        if isinstance(one, Posted) and not one.repeated:
            hold = one.txn.source_txn_id and ledger.ended(known.txns[one.txn.source_txn_id], one.txn)
            item = items[_hold_id(one)] = _item(hold or one.txn, known.people)
            done.append((call.caller.actor, *_told(call.body, item)))
    if done:
        tenancy.audit_each(tx, shop, act, done, now=calls[-1].now)
    return [one if isinstance(one, Refusal) else items[_hold_id(one)] for one in each]


def _hold_id(posted: Posted) -> UUID:
    return posted.txn.source_txn_id or posted.txn.id


def _told(body: NewHold | Capture | None, item: HoldItem) -> tuple[str, dict[str, Any]]:
    """To whom or what it was done, and in detail, for the log."""
    if isinstance(body, NewHold):
        return item.customer.customer_id, {"amount": body.amount, "reference": body.reference}
    return str(item.id), {"amount": body.amount} if body else {}


async def _holds(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, HoldItem]:
    """Those that exist."""
    holds = await ledger.find_holds(tx, workspace_id, ids)
    people = await customers.by_ids(tx, workspace_id, list({txn.customer_id for txn in holds.values()}))
    return {id: _item(txn, people) for id, txn in holds.items()}


def _item(txn: Txn, people: Mapping[UUID, Customer]) -> HoldItem:
    return in_units(
        HoldItem, txn.kind, txn, customer=named(people[txn.customer_id]), updated_at=txn.changed_at or txn.recorded_at
    )


class LiabilityQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`months`: how many, the one that it is with them."""

    wallet: Kind = "coins"
    months: Annotated[int, Meta(ge=1, le=limits.LIABILITY_MONTHS_MAX, examples=[12])] = 12


@showing(
    "month earned adjusted given_back spent expired clawed_back owed debts_paid outstanding",
    Turnover,
    Month,
    units=True,
)
class MonthItem(msgspec.Struct):
    """What moved in a month of the shop's time zone, counted by when it was written down, and what was outstanding at
    its end; of the month that it is, so far. `adjusted` is below zero where more was taken by hand than given. Of what
    was taken back, `clawed_back` is what customers still had, `owed` what they had spent. `debts_paid` never came into
    a wallet."""

    month: date


@showing("month amount", Part, units=True)
class PartItem(msgspec.Struct):
    """What is outstanding of one month, named by its first day; null: no day is set."""


class ForecastItem(Shown[Forecast], frozen=True, kw_only=True):
    """What will be outstanding at the ends of this month and the next, by this `method`, which was `tried` on so many
    months that are over: it was off by `off_mean` of what then was outstanding, at most by `off_most`."""

    months: list[PartItem]


class LiabilityAnswer(msgspec.Struct, frozen=True):
    """`outstanding` is what customers have, pending and held with it, `as_of` a time; `owed` what they owe. Coins, or
    credits in the shop's currency. `by_age` is by the month in which it was earned, `by_expiry` by the one in which it
    expires. `breakage`: which part of what was spent or expired in these months expired. `forecast` is null until three
    months are over. As CSV: the months."""

    wallet: Kind
    as_of: datetime
    outstanding: int | float
    owed: int | float
    breakage: float | None
    by_age: list[PartItem]
    by_expiry: list[PartItem]
    forecast: ForecastItem | None
    items: list[MonthItem]
    next: UUID | None = None


@management.get("/liability", "What the shop owes its customers", tag="Shop", area="data")
async def read_liability(call: Call[LiabilityQuery, None], tx: Reading) -> LiabilityAnswer:
    kind = call.query.wallet
    found = await days.liability(tx, call.workspace, kind, call.now, call.query.months)
    expected = found.forecast

    def parts(of: Sequence[Part | Expected]) -> list[PartItem]:
        return [in_units(PartItem, kind, one) for one in of]

    def month(one: Month) -> MonthItem:
        starts_on = one.starts_at.astimezone(call.workspace.zone).date()
        return in_units(MonthItem, kind, one.moved, month=starts_on, outstanding=amount_on_wire(kind, one.outstanding))

    return in_units(
        LiabilityAnswer,
        kind,
        found,
        wallet=kind,
        by_age=parts(found.by_age),
        by_expiry=parts(found.by_expiry),
        forecast=copied(ForecastItem, expected, months=parts(expected.months)) if expected else None,
        items=[month(one) for one in found.months],
        next=None,
    )
