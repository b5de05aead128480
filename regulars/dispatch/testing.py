"""Send Test Event: the real newest event of a customer, or one made from their data, sent by a rule at once.

The network stands between two transactions, so a test takes three steps:

    async with db.transaction() as tx:
        test = await dispatch.prepare_test(tx, workspace, rule_id, by="email", address=..., customer=..., ...)
    made = await delivery.attempt(carrier, sender, test.parcel)
    async with db.transaction() as tx:
        await delivery.record(tx, workspace.id, test.lane_id, [(made, 0)], now=..., random=...)
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from regulars import delivery, events
from regulars.delivery import Parcel
from regulars.dispatch.fanout import live_segments, segments_of
from regulars.dispatch.mapping import applied
from regulars.dispatch.model import checked_topic
from regulars.dispatch.outcomes import RuleOutcome, judged, said_of
from regulars.dispatch.rules import get_rule
from regulars.dispatch.terms import read_mapping
from regulars.events.rendering import CustomerLike
from regulars.kit import Conflict, NotFound, Tx, invalid
from regulars.tenancy import Workspace


class KnownCustomer(CustomerLike, Protocol):
    """What a test needs to know of a customer; `id` is the wire's lead_id."""

    @property
    def id(self) -> UUID: ...
    @property
    def tags(self) -> Sequence[str]: ...


class PreparedTest(msgspec.Struct, frozen=True):
    """A test that is written down and waits to be sent. `real`: the body is that of an event that happened.
    `outcome`: what the rule, which a test does not ask, would have made of it."""

    lane_id: UUID
    parcel: Parcel
    real: bool
    outcome: RuleOutcome


async def prepare_test(
    tx: Tx,
    workspace: Workspace,
    rule_id: UUID,
    *,
    by: Literal["email", "mobile"],
    address: str,
    customer: KnownCustomer | None,
    available: int,
    now: datetime,
) -> PreparedTest:
    """`customer` is whom the caller found under the address, `available` their coins. Restrictions are not asked: the
    test is about the tool. Raises NotFound (rule, customer), Invalid (no address), Conflict (events are off)."""
    if not address.strip():
        raise invalid(by, "the e-mail address of a customer" if by == "email" else "the mobile number of a customer")
    rule = await get_rule(tx, workspace.id, rule_id)
    checked_topic(rule.topic)
    if rule.deleted_at is not None:
        raise NotFound("This rule was deleted.")
    if not workspace.events_on:
        raise Conflict("Events are off, so nothing is sent. Turn them on, then send the test.", code="events_off")
    if customer is None:
        kind = "e-mail address" if by == "email" else "mobile number"
        raise NotFound(
            f"No customer of this shop has the {kind} {address.strip()[:100]}. A test goes to a customer who exists.",
            fields={by: f"expected the {kind} of a customer who exists"},
        )
    business = events.business(workspace)
    common = events.common(business, customer, available)
    inside = (await live_segments(tx, workspace.id, [customer.id]))[customer.id]
    profile = common | {"user_segments": inside, "user_tags": customer.tags}
    newest = await events.recent(tx, workspace.id, topic=rule.topic, customer_id=customer.id, limit=1)
    if newest:
        event_id, body, occurred_at = newest[0].id, newest[0].body, newest[0].occurred_at
    else:
        event_id, body, occurred_at = None, events.sample(rule.topic, business, common, customer.id, now), now
    to = delivery.Addressee(rule.integration_id, rule.id, rule.prefix, rule.topic)
    mapped = applied(read_mapping(rule.mapping), body) if rule.mapping else None
    how: dict[str, Any] = {"occurred_at": occurred_at, "now": now, "profile": profile, "mapped": mapped}
    parcel = await delivery.queue_test(tx, workspace.id, to, event_id, body, **how)
    said = said_of(body, customer.id, await segments_of(tx, workspace.id, [customer.id]))
    outcome = judged(workspace, rule, said, now)
    return PreparedTest(rule.integration_id, parcel, real=event_id is not None, outcome=outcome)
