"""What triggers give for a thing that comes to count, may count no more and count again: a review that is shown, a
referral that is complete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, ledger, referrals
from regulars.customers import Customer
from regulars.kit import Reading, Tx
from regulars.referrals import Referral
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import AnyFact, Referred
from regulars.triggers.model import COUNTING, GUARDS, Firing, Source
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline
from regulars.triggers.reversal import cancel_coupons, reversal_of, settle, settled_firing
from regulars.triggers.tallies import Tally


class Thing(msgspec.Struct, frozen=True):
    """What firings of a customer are about, in words `said`; `told` is the event that told of it, if one did."""

    customer_id: UUID
    reference: str
    said: str = ""
    told: UUID | None = None


async def reward(
    tx: Tx, shop: Workspace, source: Source, facts: Sequence[AnyFact], people: Mapping[UUID, Customer], now: datetime
) -> list[Firing]:
    """What each earns now. Whoever gave for one before gives nothing more for it, and what a limit refused it stays
    refused."""
    reacting = [one for one in await store.reacting(tx, shop.id) if one.source == source] if facts else []
    if not reacting:
        return []
    about = [(fact, trigger) for fact in facts for trigger in reacting]
    last = await store.last_about(tx, shop.id, [(fact.customer_id, one.id, fact.reference) for fact, one in about])
    pipeline = Pipeline(shop, now, RANDOM)
    decisions = [
        Decision(pipeline.guarded(trigger), fact)
        for fact, trigger in about
        if (why := last.get((trigger.id, fact.reference), "reversed")) == "reversed"
        or (why and GUARDS.get(why) not in COUNTING)
    ]
    await pipeline.decide(tx, decisions)
    return await pipeline.carry_out(tx, decisions, known=people)


async def take_back(
    tx: Tx, shop: Workspace, things: Sequence[Thing], why: str, now: datetime, actor: str, *, again: bool = False
) -> int:
    """All that they earned, or were to earn; or `again` what was taken back: how many coins. Each firing is reversed,
    or no more, and its place in limits and budgets is free, or taken."""
    of = {one.reference: one for one in things}
    about = [(one.customer_id, one.reference) for one in things]
    firings = await store.firings_about(tx, shop.id, about) if about else []
    was = "reversed" if again else "granted"
    moved = [one for one in firings if one.state == was and one.txn_id and one.operation == "cr"]
    reversals = [
        reversal_of(one, 0 if again else one.amount, of_it.told, now, actor, title=why, description=of_it.said)
        for one in moved
        for of_it in [of[one.reference]]
    ]
    await ledger.reverse(ledger.claw_back, tx, shop, reversals, now)
    settling = [*moved, *(one for one in firings if one.state == "waiting" and not again)]
    versions = {(one.trigger_id, one.trigger_version) for one in settling}
    rules = await store.rules(tx, shop.id, versions) if versions else {}
    tally = Tally(shop)
    settled = [settled_firing(tally, rules, one, True, False) for one in settling]
    await settle(tx, shop, tally, settled, settling)
    if not again:
        await cancel_coupons(tx, shop, [one for one in firings if one not in settling], now, actor)
    return sum(one.amount for one in moved)


def referred(one: Referral, who: Customer, actor: str = "") -> Referred:
    """Of the two `who` is one."""
    friend = one.friend_id == who.id
    return Referred(
        customer_id=who.id,
        customer=who,
        occurred_at=one.completed_at or one.updated_at,
        reference=_reference(one, friend),
        actor=actor,
        role="friend" if friend else "referrer",
        mode=one.mode,
    )


def _reference(one: Referral, friend: bool) -> str:
    return f"{'referred' if friend else 'referral'}:{one.id}"


async def newest_referred(tx: Reading, workspace: Workspace, customer: Customer) -> Referred | None:
    told = await referrals.referrals(tx, workspace.id, state="completed", referrer_id=customer.id, limit=1)
    told += await referrals.referrals(tx, workspace.id, state="completed", friend_id=customer.id, limit=1)
    return referred(told[0], customer) if told else None


async def kept_referred(
    tx: Reading, workspace: Workspace, customer: Customer, references: Sequence[str]
) -> list[Referred]:
    ids = {UUID(id) for name, _, id in (one.partition(":") for one in references) if name in ("referral", "referred")}
    found = await referrals.by_ids(tx, workspace.id, sorted(ids)) if ids else []
    return [referred(one, customer) for one in found]


async def react(tx: Tx, shop: Workspace, of: Sequence[Referral], now: datetime, actor: str) -> None:
    """Told by `referrals`: these are complete, or no more. Their own wallets are locked."""
    people = await customers.by_ids(tx, shop.id, sorted({id for one in of for id in one.two}))
    two = [(one, people[id]) for one in of for id in one.two if id in people]
    done = [(one, who) for one, who in two if one.state == "completed"]
    ended = [_thing(one, who) for one, who in two if one.state != "completed"]
    await take_back(tx, shop, ended, "Referral reversed", now, actor)
    await reward(tx, shop, "referral", [referred(*pair, actor) for pair in done], people, now)
    again = [_thing(*pair) for pair in done]
    await take_back(tx, shop, again, "Referral counts again", now, actor, again=True)


def _thing(one: Referral, who: Customer) -> Thing:
    return Thing(who.id, _reference(one, one.friend_id == who.id))


referrals.reacting(react)
