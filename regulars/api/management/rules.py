"""Send Events rules: which event goes to which tool, under which name, and a test of each."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from regulars import customers, delivery, dispatch, integrations, ledger, limits
from regulars.api.management.api import Call, NoQuery, Resource, management
from regulars.api.management.events import TopicName
from regulars.api.management.items import DeliveryItem, delivery_items
from regulars.delivery import Delivery, StoredAttempt
from regulars.dispatch import DryRun, PreparedTest, Rule, RuleOutcome, RuleSettings
from regulars.kit import Partial, Reading, Shown, Tx, copied
from regulars.tenancy import Workspace
from regulars.wiring import App


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


class DaysQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    days: Annotated[int, Meta(ge=1, le=limits.DRY_RUN_DAYS_MAX)] = 7


@management.post(
    "/send-events/dry-run", "Try a new rule on what happened", tag="Send Events", area="data", access="READ"
)
async def dry_run_new_rule(call: Call[DaysQuery, NewRule], tx: Reading) -> DryRun:
    """What it would have sent of the last `days`, and why not the rest. Nothing is sent or kept."""
    rule = await dispatch.draft_rule(tx, call.workspace_id, asdict(call.body), call.now)
    return await dispatch.dry_run(tx, call.workspace, rule, call.query.days, call.now, call.app.box)


@management.post(
    "/send-events/{id}/dry-run", "Try a rule on what happened", tag="Send Events", area="data", access="READ"
)
async def dry_run_rule(call: Call[DaysQuery, RuleChange], tx: Reading) -> DryRun:
    """The same of a rule that there is, with what is given in place of its own."""
    kept = await dispatch.get_rule(tx, call.workspace_id, call.path_id())
    rule = await dispatch.draft_rule(tx, call.workspace_id, call.body.given(), call.now, kept)
    return await dispatch.dry_run(tx, call.workspace, rule, call.query.days, call.now, call.app.box)


Told = Callable[[Tx], Awaitable[None]]


@management.post("/send-events/{id}/test", "Send a test event", tag="Send Events", check=Call.path_id)
async def test_rule(call: Call[NoQuery, TestOf]) -> TestResult:
    """Sent at once, and answered with what the tool said: the customer's newest event of the rule's topic, or one made
    from their data, marked as a test. Restrictions are not asked."""
    body = call.body
    how = (call.workspace, call.path_id(), body.by, body.address, call.now)
    prepared, sent, attempt = await try_rule(call.app, *how, lambda tx: call.audit(tx, "rule.test", call.path_id()))
    async with call.app.db.reading() as tx:
        (item,) = await delivery_items(tx, call.workspace, [sent])
    return TestResult(item, attempt, prepared.real, prepared.outcome)


async def try_rule(
    app: App, shop: Workspace, rule_id: UUID, by: Any, address: str, now: datetime, told: Told
) -> tuple[PreparedTest, Delivery, StoredAttempt | None]:
    """Written down, `told` who does it, sent outside any transaction, and the tool's answer written down."""
    called: dict[str, Any] = {by: address, "country": shop.country}
    async with app.db.transaction() as tx:
        customer = await customers.find(tx, shop.id, **called)
        have = (await ledger.available(tx, shop, [customer.id], now)).get(customer.id, 0) if customer else 0
        whose: dict[str, Any] = {"by": by, "address": address, "customer": customer, "available": have}
        prepared = await dispatch.prepare_test(tx, shop, rule_id, **whose, now=now)
        carrier = await integrations.carrier_of(tx, shop.id, prepared.lane_id, app.box)
        await told(tx)
    queued = (shop.id, prepared.lane_id, prepared.parcel)
    return prepared, *await delivery.send_test(app.db, app.http, app.clock, carrier, *queued)
