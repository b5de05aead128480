"""A person is forgotten, and the book stays.

Where they are known by their id, that is done at once. Texts that are kept whole, in which anybody may stand, are
looked through after that, some at a time: a row of the schedule says how far that is.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, delivery, events, limits, orders, referrals, reviews, schedule, tenancy, tiers, triggers
from regulars.customers import Customer
from regulars.engagement import automations, campaigns, messages, segments
from regulars.kit import BEFORE_ALL_IDS, Tx, new_id, once
from regulars.kit.traces import Traces
from regulars.schedule import Due
from regulars.tenancy import Workspace

Forget = Callable[[Tx, UUID, Sequence[UUID]], Awaitable[None]]
Look = Callable[[Tx, UUID, Traces, UUID, UUID, datetime], Awaitable[UUID | None]]
"""Empties some texts with a trace, of rows after the one id and before the other; the id to go on from, which is the
same where something has to be waited for, None at the end."""

LOOK = "people.look"
_ALSO: list[Forget] = []
_TEXTS: dict[str, Look] = {"answers": once.forget}


def also(forget: Forget | None = None, **looks: Look) -> None:
    """Have a room above this one asked to forget customers, too, and to look through the texts of this name."""
    _ALSO.extend([forget] if forget else [])
    _TEXTS.update(looks)


class Looking(msgspec.Struct, frozen=True):
    """What is still to be looked through, and from where on."""

    traces: Traces
    left: list[str]
    before: UUID
    after: UUID = BEFORE_ALL_IDS


async def erase(tx: Tx, workspace: Workspace, customer_id: UUID, now: datetime) -> bool:
    """Drop all that says who this customer is, and who was merged into them. False when it was done before. Raises
    NotFound. Lock order: the customers, their orders, their events, deliveries."""
    found = await customers.erase(tx, workspace.id, customer_id, now)
    if found is None:
        return False
    was, known = found
    ids = list(known)
    await orders.forget(tx, workspace.id, ids)
    await reviews.forget(tx, workspace.id, ids)
    await tiers.forget(tx, workspace.id, ids)
    await triggers.forget(tx, workspace.id, ids)
    await segments.forget(tx, workspace.id, ids)
    await automations.forget(tx, workspace.id, ids, now)
    await campaigns.forget(tx, workspace.id, ids)
    others = await referrals.forget(tx, workspace.id, ids)
    told = await messages.forget(tx, workspace.id, ids, was)
    told += await events.forget(tx, workspace.id, ids)
    told += await events.forget_beside(tx, workspace.id, others, ids)
    await delivery.forget(tx, workspace.id, ids, told, now)
    for forget in _ALSO:
        await forget(tx, workspace.id, ids)
    await tenancy.forget_audit(tx, workspace.id, [*known.values(), *map(str, ids)], f"erased-{ids[0]}")
    await look_for(tx, workspace.id, str(ids[0]), _traces(was, known), now)
    return True


async def look_for(tx: Tx, workspace_id: UUID, key: str, words: Sequence[str], now: datetime) -> None:
    """Have what was written down until now looked through for somebody who is known by these words alone."""
    looking = Looking(Traces([word[: limits.TRACE_CHARS_MAX] for word in words if word]), list(_TEXTS), new_id())
    await schedule.put(tx, workspace_id, [Due(LOOK, key, now, msgspec.to_builtins(looking))])


async def look(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """The handler: one step for one of them."""
    (due, *others), again = dues, now
    at = msgspec.convert(due.payload, Looking)
    name = at.left[0]
    on = await _TEXTS[name](tx, workspace.id, at.traces, at.after, at.before, now)
    if on is None:
        at = msgspec.structs.replace(at, left=at.left[1:], after=BEFORE_ALL_IDS)
    else:
        again += timedelta(seconds=limits.TRACED_WAIT_S if on == at.after else 0)
        at = msgspec.structs.replace(at, after=on)
    following = [Due(LOOK, due.key, again, msgspec.to_builtins(at))] if at.left else []
    await schedule.put(tx, workspace.id, [*others, *following])


def _traces(was: Customer, known: dict[UUID, str]) -> list[str]:
    """A platform's own number of them is one where it is too long to be anything else."""
    numbers = [id.rpartition("-")[2] for id in known.values()]
    numbers = [one for one in numbers if one.isdigit() and len(one) >= limits.TRACE_DIGITS_MIN]
    details = [was.email, was.mobile, was.phone, was.referral_code]
    return [*details, *known.values(), *map(str, known), *numbers]
