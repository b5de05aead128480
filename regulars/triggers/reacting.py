"""What triggers give for a thing that comes to count, may count no more and count again: a review that is shown, a
referral that is complete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import ledger, schedule
from regulars.customers import Customer
from regulars.kit import Refusal, Tx
from regulars.ledger import NotReversible, Reversal
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import AnyFact
from regulars.triggers.model import COUNTING, GUARDS, Firing, Source
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline
from regulars.triggers.reversal import cancel_coupons, settled_firing
from regulars.triggers.tallies import Tally
from regulars.triggers.waiting import GIVE


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
        Reversal(
            txn_id=one.txn_id,
            target=0 if again else one.amount,
            occurred_at=now,
            title=why,
            description=of[one.reference].said,
            reference=one.reference,
            order_name="",
            trigger_id=one.trigger_id,
            trigger_version=one.trigger_version,
            actor=actor,
            firing_id=one.id,
            cause_id=of[one.reference].told,
            depth=1 if of[one.reference].told else 0,
        )
        for one in moved
        if one.txn_id
    ]
    for outcome in await ledger.claw_back(tx, shop, reversals, now) if reversals else []:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NotReversible):
            raise outcome
    waiting = [] if again else [one for one in firings if one.state == "waiting"]
    await schedule.drop(tx, shop.id, GIVE, [str(one.id) for one in waiting])
    if settling := [*moved, *waiting]:
        rules = await store.rules(tx, shop.id, {(one.trigger_id, one.trigger_version) for one in settling})
        tally = Tally(shop)
        await store.settle_firings(tx, shop.id, [settled_firing(tally, rules, one, True, False) for one in settling])
        tally.write(tx)
    if not again:
        await cancel_coupons(tx, shop, [one for one in firings if one not in settling], now, actor)
    return sum(one.amount for one in moved)
