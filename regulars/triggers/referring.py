"""What triggers give both of a referral once it is complete, beside the shop's own rewards, and take back with it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import customers, referrals
from regulars.customers import Customer
from regulars.kit import Reading, Tx
from regulars.referrals import Referral
from regulars.tenancy import Workspace
from regulars.triggers.facts import Referred
from regulars.triggers.reacting import Thing, reward, take_back


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
