"""Send Events rules: which event goes to which tool, under which name, and a test of each."""

import random
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from regulars import customers, delivery, dispatch, integrations, ledger, limits
from regulars.api.management.api import Call, NoQuery, Resource, management
from regulars.api.management.events import TopicName
from regulars.api.management.items import DeliveryItem, delivery_items
from regulars.delivery import StoredAttempt
from regulars.dispatch import Rule, RuleOutcome
from regulars.kit import Partial, Reading, Shown, Tx, copied

Prefix = Annotated[
    str, Meta(max_length=limits.PREFIX_CHARS_MAX, description="Stands before the event's name, as the tool sees it.")
]
Restrictions = Annotated[
    dict[str, Any],
    Meta(
        description="A tree of conditions on the event's properties; null sends every event.",
        examples=[{"all": [{"property": "amount", "operator": "at_least", "value": 100}]}],
    ),
]


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    integration_id: UUID
    prefix: Prefix = ""
    condition: Restrictions | None = None
    active: bool = True


class NewRule(RuleSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    topic: Annotated[TopicName, Meta(examples=["walletreward_create"])]


class RuleChange(Partial[RuleSettings], frozen=True, forbid_unknown_fields=True):
    """Only what is given changes. For another event, create another rule."""


class RuleItem(Shown[Rule], frozen=True, kw_only=True):
    """`event_name` is the event's name as the tool sees it; `sentence` says the rule in words.

    `waiting` events could not be held against the rule, as `problem` says, and are sent once they can be.
    """

    event_name: str
    sentence: str
    problem: str


class TestOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer who exists, by e-mail or by mobile."""

    by: Literal["email", "mobile"]
    address: Annotated[str, Meta(min_length=1, max_length=limits.EMAIL_CHARS_MAX, examples=["asha@example.com"])]


class TestResult(msgspec.Struct, frozen=True):
    """`real`: what was sent is an event that happened; otherwise it was made from the customer's data. `rule` says what
    the rule would make of such an event by itself."""

    delivery: DeliveryItem
    attempt: StoredAttempt | None
    real: bool
    rule: RuleOutcome


async def _said(call: Call[Any, Any], tx: Reading, rules: Sequence[Rule]) -> list[RuleItem]:
    return [copied(RuleItem, rule, sentence=dispatch.rule_sentence(rule)) for rule in rules]


rules = Resource(management, "/send-events", RuleItem, tag="Send Events", one="rule", says=_said)
rules.all("All rules", dispatch.list_rules, "Oldest first, without those that were deleted.")
rules.each(dispatch.get_rule, "A deleted one too, as deliveries may still name it.")


@rules.create("Create a rule", about=("topic",))
def create_rule(call: Call[NoQuery, NewRule], tx: Tx) -> Awaitable[Rule]:
    return dispatch.create_rule(tx, call.workspace_id, **asdict(call.body), now=call.now)


@rules.change("Change a rule")
def change_rule(call: Call[NoQuery, RuleChange], tx: Tx) -> Awaitable[Rule]:
    """Events that it matched before keep the tool and the name they had."""
    return dispatch.change_rule(tx, call.workspace_id, call.path_id(), call.body.given(), call.now)


@rules.remove("Delete a rule")
def delete_rule(call: Call[NoQuery, None], tx: Tx) -> Awaitable[None]:
    """What it has queued is still sent."""
    return dispatch.delete_rule(tx, call.workspace_id, call.path_id(), call.now)


@management.post("/send-events/{id}/test", "Send a test event", tag="Send Events", check=Call.path_id)
async def test_rule(call: Call[NoQuery, TestOf]) -> TestResult:
    """Sent at once, and answered with what the tool said: the customer's newest event of the rule's topic, or one made
    from their data, marked as a test. Restrictions are not asked."""
    app, workspace_id, body = call.app, call.workspace_id, call.body
    email, mobile = (body.address, None) if body.by == "email" else (None, body.address)
    async with app.db.transaction() as tx:
        customer = await customers.find(tx, workspace_id, email=email, mobile=mobile, country=call.workspace.country)
        balances = await ledger.balances(tx, call.workspace, [customer.id], call.now) if customer else {}
        prepared = await dispatch.prepare_test(
            tx,
            call.workspace,
            call.path_id(),
            by=body.by,
            address=body.address,
            customer=customer,
            available=balances[customer.id]["coins"].available if customer else 0,
            now=call.now,
        )
        carrier = await integrations.carrier_of(tx, workspace_id, prepared.lane_id, app.box)
        await call.audit(tx, "rule.test", call.path_id())
    parcel = msgspec.structs.replace(prepared.parcel, attempted_at=app.clock.outside())
    made = await delivery.attempt(carrier, app.http, parcel)
    async with app.db.transaction() as tx:
        await delivery.record(
            tx, workspace_id, prepared.lane_id, [(made, 0)], now=app.clock.now(), random=random.random
        )
        sent, attempts = await delivery.get_delivery(tx, workspace_id, prepared.parcel.delivery_id)
        (item,) = await delivery_items(tx, call.workspace, [sent])
    return TestResult(item, attempts[-1] if attempts else None, prepared.real, prepared.outcome)
