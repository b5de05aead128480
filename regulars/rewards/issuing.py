"""Coupons are issued: bought with coins, or given; many at a time, for whoever asked first."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import customers, ledger, limits, schedule
from regulars.customers import Customer
from regulars.kit import Reading, Refusal, Tx, new_id, units_of
from regulars.kit.clock import period_start, wall_clock
from regulars.ledger import Entry, Hold, InsufficientBalance
from regulars.rewards import codes, store
from regulars.rewards.cancelling import due
from regulars.rewards.discounting import due_there, made_at
from regulars.rewards.errors import CodesOut, NotEligible, OfferClosed, OfferLimit, PriceChanged, UnknownOffer
from regulars.rewards.model import Ask, Coupon, Offer, Terms
from regulars.rewards.pairing import as_it_is, hand_on
from regulars.rewards.store import sql
from regulars.rewards.wire import Told, tell
from regulars.rewards.wording import coupon_name
from regulars.tenancy import Workspace


class Issued(msgspec.Struct, frozen=True, gc=False):
    """A coupon, and the terms it has. `repeated`: its key was there before, and nothing was issued now."""

    coupon: Coupon
    terms: Terms
    repeated: bool = False

    @property
    def status(self) -> int:
        """Of the answer that is kept: while its discount is being made whoever is given it has to look again."""
        return 202 if self.coupon.discount else 200


class _Wanted(msgspec.Struct, gc=False):
    """What was granted so far, on its way to being a coupon."""

    ask: Ask
    offer: Offer
    steps: int
    coins: int
    txn_id: UUID | None = None


async def issue(
    tx: Tx, workspace: Workspace, asks: Sequence[Ask], now: datetime, *, known: Mapping[UUID, Customer] | None = None
) -> list[Issued | Refusal]:
    """One answer for each, in order; a Refusal has issued and taken nothing. Customers exist.

    Lock order: offers with a stock or a budget by id, wallets by (customer, kind), codes. Raises the driver's
    UniqueViolationError where a code that was drawn is taken: run again.
    """
    offers = await _offers(tx, workspace, asks, now)
    ids = sorted({one.customer_id for one in asks})
    people = dict(known or {})
    if missing := [id for id in ids if id not in people]:
        people |= await customers.by_ids(tx, workspace.id, missing)
    await ledger.lock(tx, workspace.id, [(people[id].id, "coins") for id in ids])
    before = await issued_for(tx, workspace.id, [one.key for one in asks if one.key])
    deciding = _Deciding(workspace, now, people)
    await deciding.read(tx, [(one, offers[one.offer_id]) for one in asks if one.offer_id in offers])
    answers: dict[int, Issued | Refusal] = {}
    wanted: dict[int, _Wanted] = {}
    twice: dict[int, str] = {}
    seen: set[str] = set()
    for n, ask in enumerate(asks):
        if ask.key and ask.key in before:
            answers[n] = before[ask.key]
        elif ask.key and ask.key in seen:
            twice[n] = ask.key
        elif ask.offer_id not in offers:
            answers[n] = UnknownOffer()
        else:
            found = deciding.decide(ask, offers[ask.offer_id])
            if isinstance(found, Refusal):
                answers[n] = found
            else:
                wanted[n] = found
                seen |= {ask.key} if ask.key else set()
    answers |= await _carry_out(tx, workspace, wanted, people, now)
    by_key = {asks[n].key: answers[n] for n in wanted}
    for n, key in twice.items():
        first = by_key[key]
        answers[n] = first if isinstance(first, Refusal) else msgspec.structs.replace(first, repeated=True)
    return [answers[n] for n in range(len(asks))]


async def issued_for(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Issued]:
    """What was issued under these keys before."""
    if not keys:
        return {}
    found = await store.issued_for(tx, workspace_id, keys)
    terms = await store.terms_of(tx, workspace_id, found.values())
    return {key: Issued(one, terms[one.offer_id, one.offer_version], repeated=True) for key, one in found.items()}


async def foreseen(
    tx: Reading, workspace: Workspace, customer: Customer, offers: Sequence[Offer], now: datetime
) -> dict[UUID, Refusal | None]:
    """What each offer would answer the customer who bought it now, at its fewest steps; None: they would have it. What
    is only for segments that they are not in is left out."""
    asked = [(Ask(customer_id=customer.id, offer_id=offer.id), offer) for offer in offers]
    deciding = _Deciding(workspace, now, {customer.id: customer})
    await deciding.read(tx, asked)
    of_lists = [offer.id for offer in offers if offer.terms.code == "list"]
    empty = set(await tx.all(UUID, sql.empty_lists, workspace.id, of_lists)) if of_lists else set()
    found: dict[UUID, Refusal | None] = {}
    for ask, offer in asked:
        if deciding.outside(customer, offer.terms):
            continue
        judged = deciding.judge(ask, offer)
        found[offer.id] = judged if isinstance(judged, Refusal) else CodesOut() if offer.id in empty else None
    return found


async def _offers(tx: Tx, workspace: Workspace, asks: Iterable[Ask], now: datetime) -> dict[UUID, Offer]:
    """Those with something to be counted are locked, the others only read: they hold up nobody."""
    found = await store.offers(tx, workspace.id, sorted({one.offer_id for one in asks}))
    others = {id: await as_it_is(tx, workspace, one, now) for id, one in found.items() if one.terms.code == "partner"}
    counted = [id for id, offer in found.items() if offer.terms.counted]
    return found | others | (await store.lock_offers(tx, workspace.id, counted) if counted else {})


def closed(offer: Offer, now: datetime, zone: ZoneInfo, *, bought: bool = True) -> OfferClosed | None:
    """Why nobody has it now, whoever they are."""
    terms = offer.terms
    if not offer.active:
        return OfferClosed("The offer is switched off.")
    starts, ends = wall_clock("", terms.starts_at, zone), wall_clock("", terms.ends_at, zone)
    if starts and now < starts:
        return OfferClosed("The offer has not begun yet.")
    expires = _expires_at(terms, now, zone)
    if (ends and now >= ends) or (expires and expires <= now):
        return OfferClosed("The offer is over.")
    if bought and terms.price == "free":
        return OfferClosed("This offer is only given, it can't be bought.")
    return None


class _Deciding:
    """Whether each may have what it asks for; what is granted counts for those after it."""

    def __init__(self, workspace: Workspace, now: datetime, people: Mapping[UUID, Customer]) -> None:
        self.workspace, self.now, self.people = workspace, now, people
        self.available: dict[UUID, int] = {}
        self.had: dict[tuple[UUID, UUID], tuple[int, int]] = {}
        self.inside: dict[UUID, tuple[str, list[UUID]]] = {}
        self.granted: Counter[UUID] = Counter()

    async def read(self, tx: Reading, asked: Sequence[tuple[Ask, Offer]]) -> None:
        ids = sorted({self.people[ask.customer_id].id for ask, _ in asked})
        self.available = await ledger.available(tx, self.workspace, ids, self.now)
        if wanted := sorted({id for _, offer in asked for id in offer.terms.segments}):
            rows = await tx.fetch(sql.inside, self.workspace.id, wanted, ids)
            self.inside = {row["id"]: (row["name"], row["members"]) for row in rows}
        now, zone = self.now, self.workspace.zone
        limited = sorted(
            {
                (offer.id, self.people[ask.customer_id].id, period_start(offer.terms.period, now, zone))
                for ask, offer in asked
                if offer.terms.per_customer_max or offer.terms.per_period_max
            }
        )
        if limited:
            rows = await tx.fetch(sql.had, self.workspace.id, *([row[n] for row in limited] for n in range(3)))
            self.had = {(row["offer_id"], row["customer_id"]): (row["ever"], row["lately"]) for row in rows}

    def decide(self, ask: Ask, offer: Offer) -> _Wanted | Refusal:
        granted = self.judge(ask, offer)
        if isinstance(granted, _Wanted):
            key = offer.id, self.people[ask.customer_id].id
            self.available[key[1]] -= granted.coins
            self.granted[offer.id] += 1
            ever, lately = self.had.get(key, (0, 0))
            self.had[key] = ever + 1, lately + 1
        return granted

    def judge(self, ask: Ask, offer: Offer) -> _Wanted | Refusal:
        customer = self.people[ask.customer_id]
        no = (
            closed(offer, self.now, self.workspace.zone, bought=ask.bought)
            or self.outside(customer, offer.terms)
            or self._unfit(customer, offer.terms)
            or self._limit(customer, offer, ask.for_shop)
        )
        if no:
            return no
        steps = self._steps(ask, offer.terms)
        if isinstance(steps, Refusal):
            return steps
        coins = offer.terms.coins * steps if ask.bought else 0
        if ask.coin_amount is not None and ask.coin_amount != coins:
            return PriceChanged(
                f"It costs {coins:,} {self.workspace.coin_name}, not {ask.coin_amount:,}.",
                fields={"coin_amount": f"expected {coins}"},
            )
        if coins > self.available[customer.id]:
            return InsufficientBalance(needed=coins, available=self.available[customer.id])
        return _Wanted(ask, offer, steps, coins)

    def outside(self, customer: Customer, terms: Terms) -> Refusal | None:
        """Why they are not of those whom the offer is shown."""
        known = [self.inside[id] for id in terms.segments if id in self.inside]
        if terms.segments and not any(customer.id in members for _, members in known):
            return NotEligible(f"The offer is for members of {' or '.join(sorted(name for name, _ in known))}.")
        return None

    def _unfit(self, customer: Customer, terms: Terms) -> Refusal | None:
        if terms.tiers and customer.tier.lower() not in {tier.lower() for tier in terms.tiers}:
            return NotEligible(f"The offer is for {' or '.join(terms.tiers)}.")
        if terms.balance_min > self.available[customer.id]:
            return NotEligible(f"The offer is for balances from {terms.balance_min:,} on.")
        if terms.first_order_only and customer.orders_count:
            return NotEligible("The offer is for a first order.")
        return None

    def _limit(self, customer: Customer, offer: Offer, for_shop: bool) -> Refusal | None:
        terms = offer.terms
        ever, lately = (0, 0) if for_shop else self.had.get((offer.id, customer.id), (0, 0))
        if terms.per_customer_max and ever >= terms.per_customer_max:
            return OfferLimit(f"A customer can have {terms.per_customer_max:,} of this offer.")
        if terms.per_period_max and lately >= terms.per_period_max:
            return OfferLimit(f"A customer can have {terms.per_period_max:,} of this offer a {terms.period}.")
        if terms.stock and offer.issued + self.granted[offer.id] >= terms.stock:
            return OfferLimit("None of this offer is left.")
        if terms.budget and offer.taken_off_minor >= terms.budget * units_of(self.workspace.currency_code):
            return OfferLimit("The budget of this offer is used up.")
        return None

    def _steps(self, ask: Ask, terms: Terms) -> int | Refusal:
        steps = terms.steps[0] if ask.step is None else ask.step
        if steps in terms.steps:
            return steps
        least, most = terms.steps[0], terms.steps[-1]
        return PriceChanged(
            f"This offer can be had in {least:,} to {most:,} steps.",
            fields={"step": f"expected a whole number from {least} to {most}"},
        )


async def _carry_out(
    tx: Tx, workspace: Workspace, wanted: Mapping[int, _Wanted], people: Mapping[UUID, Customer], now: datetime
) -> dict[int, Issued | Refusal]:
    """Codes are taken first: who gets none has paid nothing."""
    many = Counter(one.offer.id for one in wanted.values())
    found: dict[UUID, list[Any]] = await codes.take(
        tx, workspace.id, {one.offer.id: (one.offer, many[one.offer.id]) for one in wanted.values()}
    )
    answers: dict[int, Issued | Refusal] = {}
    for id in {one.offer.id for one in wanted.values() if one.offer.terms.code == "partner"}:
        steps = [one.steps for one in wanted.values() if one.offer.id == id]
        found[id] = await hand_on(tx, workspace, id, steps, now, issue)
    code: dict[int, tuple[str, str]] = {}
    for n, one in wanted.items():
        got = found[one.offer.id].pop(0) if found[one.offer.id] else CodesOut()
        if isinstance(got, Refusal):
            answers[n] = got
        else:
            code[n] = (got, codes.key_of(got)) if isinstance(got, str) else got
    there = (
        await made_at(tx, workspace.id) if any(one.offer.terms.code == "generated" for one in wanted.values()) else None
    )
    made = {n: _coupon(workspace, wanted[n], code[n], people, there, now) for n in code}
    paying = [n for n in made if wanted[n].coins and not made[n].discount]
    holding = [n for n in made if wanted[n].coins and made[n].discount]
    entries = [_entry(workspace, wanted[n], made[n], now) for n in paying]
    holds = [_hold(workspace, wanted[n], made[n], now) for n in holding]
    people_by_id = {person.id: person for person in people.values()}
    outcomes = await ledger.post(tx, workspace, entries, now, known=people_by_id)
    outcomes += await ledger.hold(tx, workspace, holds, now, known=people_by_id) if holds else []
    for n, outcome in zip(paying + holding, outcomes, strict=True):
        # Under the wallets' locks what was seen to be there is there.
        if isinstance(outcome, Refusal):
            raise outcome
        made[n] = msgspec.structs.replace(made[n], txn_id=outcome.txn.id)
    store.insert_coupons(tx, workspace.id, list(made.values()))
    stocked = Counter(wanted[n].offer.id for n in made if wanted[n].offer.terms.counted)
    store.add_to_offers(tx, workspace.id, {id: (count, 0) for id, count in stocked.items()})
    told = [
        Told(coupon, wanted[n].offer.terms, wanted[n].ask.cause_id, wanted[n].ask.depth)
        for n, coupon in made.items()
        if not coupon.discount
    ]
    await tell(tx, workspace, "coupon_create", told, now, known=people_by_id)
    dues = [due(coupon) for coupon in made.values() if coupon.expires_at]
    for n, coupon in made.items():
        if coupon.discount:
            after_s = limits.DISCOUNT_DOOR_S if wanted[n].ask.at_door else 0
            led: dict[str, Any] = {"cause_id": str(wanted[n].ask.cause_id or ""), "depth": wanted[n].ask.depth}
            dues.append(due_there(coupon, now + timedelta(seconds=after_s), **led))
    await schedule.put(tx, workspace.id, dues)
    return answers | {n: Issued(coupon, wanted[n].offer.terms) for n, coupon in made.items()}


def _coupon(
    workspace: Workspace,
    one: _Wanted,
    code: tuple[str, str],
    people: Mapping[UUID, Customer],
    there: UUID | None,
    now: datetime,
) -> Coupon:
    ask, terms = one.ask, one.offer.terms
    source_id = there if terms.code == "generated" else None
    return Coupon(
        id=new_id(),
        offer_id=one.offer.id,
        offer_version=one.offer.version,
        customer_id=people[ask.customer_id].id,
        type=ask.type,
        status="issued",
        code=code[0],
        code_key=code[1],
        shared=terms.code == "fixed",
        steps=one.steps,
        coins=one.coins,
        txn_id=None,
        firing_id=ask.firing_id,
        key=ask.key,
        reference="",
        order_id=None,
        taken_off_minor=None,
        expires_at=_expires_at(terms, now, workspace.zone),
        created_at=now,
        updated_at=now,
        source_id=source_id,
        discount="making" if source_id else "",
    )


def _entry(workspace: Workspace, one: _Wanted, coupon: Coupon, now: datetime) -> Entry:
    return Entry(operation="dr", type="redeem", **_line(workspace, one, coupon, now))


def _hold(workspace: Workspace, one: _Wanted, coupon: Coupon, now: datetime) -> Hold:
    until = now + timedelta(seconds=limits.DISCOUNT_HELD_S)
    return Hold(held_until=until, **_line(workspace, one, coupon, now))


def _line(workspace: Workspace, one: _Wanted, coupon: Coupon, now: datetime) -> dict[str, Any]:
    return {
        "customer_id": coupon.customer_id,
        "amount": one.coins,
        "occurred_at": now,
        "title": coupon_name(one.offer.terms, one.steps, workspace),
        "reference": f"coupon:{coupon.id}",
        "actor": one.ask.actor,
    }


def _expires_at(terms: Terms, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The same time of day so many days later; or the end of a day, by the shop's clock."""
    if terms.expires_after_days:
        return now.astimezone(zone) + timedelta(days=terms.expires_after_days)
    last = wall_clock("expires_on", terms.expires_on, zone)
    return last + timedelta(days=1) if last else None
