"""What triggers give for a thing that comes to count, may count no more and count again: a review that is shown, a
referral that is complete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import ledger
from regulars.customers import Customer
from regulars.kit import Tx
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import AnyFact
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
