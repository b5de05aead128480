"""Triggers, their versions, and what came of each time they were asked: what one does at last, once all
guards are past, at once or when it is due."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.customers import Customer, NewCustomer
from regulars.kit import Reading, Refusal, Tx
from regulars.ledger import Entry, Txn
from regulars.rewards import Ask, Issued
from regulars.tenancy import Workspace
from regulars.triggers.rule import Operation, Rule

Kind = Literal["wallet", "offer", "email", "event", "webhook"]
Source = Literal["api", "order", "review", "referral", "customer_created", "birthday", "anniversary", "fact"]
ContentType = Literal["earn", "referral", "social"]
State = Literal["waiting", "granted", "refused", "reversed"]


class Content(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How a widget draws a trigger as a way to earn. `icon` is an address or a name that the widget knows; what is left
    empty is not drawn, but for the title and the description, which are then the rule's."""

    type: ContentType = "earn"
    title: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)] = ""
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] = ""
    icon: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX)] = ""
    link: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX)] = ""


NO_CONTENT = Content()


class Trigger(msgspec.Struct, frozen=True, gc=False):
    """A trigger at its newest version. `source`: fired by a call (`api`), or by itself when an order comes in, a review
    is shown, a referral is complete, a customer is created, has a birthday or joined so many years ago, or the shop
    reports a fact of its own."""

    id: UUID
    version: int
    kind: Kind
    name: str
    source: Source
    active: bool
    open: bool
    allow_override: bool
    show_in_widget: bool
    rule: Rule
    content: Content
    created_at: datetime
    updated_at: datetime


class Version(msgspec.Struct, frozen=True, gc=False):
    version: int
    rule: Rule
    actor: str
    created_at: datetime


class Override(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a call may set in place of the trigger's own words and coins, where the trigger allows it."""

    title: str | None = None
    description: str | None = None
    operation: Literal["cr", "dr"] | None = None
    coins_min: int | None = None
    coins_max: int | None = None
    offer_id: UUID | None = None


class Evaluation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a call is about: `id` names the thing, which a trigger rewards once; `count` and `amount` are what it adds
    to activities that are counted and summed."""

    id: UUID | None = None
    type: str = ""
    count: int = 1
    amount: float = 0.0


class Fire(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A call that fires a trigger for one customer: `lead_id` if given, or `customer`, created when unknown; `unfit` is
    why they can't be. `misset`, by kind of trigger, is why an override can't be: to one of that kind which allows it.

    `open_only`: the caller may fire only triggers that are Open. `reference` names what it is about, where a room fires
    it and not a call, `cause_id` the event that led to it, and `depth` how many causes stand behind that.
    """

    trigger_id: UUID
    lead_id: UUID | None = None
    customer: NewCustomer | None = None
    unfit: Refusal | None = None
    override: Override | None = None
    misset: Mapping[str, Refusal] = {}
    evaluation: Evaluation | None = None
    open_only: bool = False
    actor: str = ""
    reference: str = ""
    cause_id: UUID | None = None
    depth: int = 0

    @property
    def about(self) -> UUID | str:
        """The customer, as the call names them."""
        return self.lead_id or (self.customer.customer_id if self.customer else "")


class Firing(msgspec.Struct, frozen=True, gc=False):
    """Each time a trigger was asked about a customer, in the order of the columns of `triggers_firing`.

    A refused one says why, with a stable code in `reason` and in words in `explanation`; `value` and `threshold` are
    what the guard found and what it asked for, as JSON, empty where it compares nothing. One that waits has a `due_at`.
    A granted one has a txn, but where 0 coins were drawn. `activities` and `counted` are what it added to activities
    that are counted and summed, in thousandths. `fired_at` is when it was decided, `occurred_at` when that happened
    which it is about. `earned_on` is what of an order it was given for, in minor units.
    """

    id: UUID
    trigger_id: UUID
    trigger_version: int
    customer_id: UUID
    state: State
    reason: str
    explanation: str
    reference: str
    txn_id: UUID | None
    operation: str
    amount: int
    fired_at: datetime
    value: str = ""
    threshold: str = ""
    activities: int = 0
    counted: int = 0
    occurred_at: datetime | None = None
    due_at: datetime | None = None
    earned_on: int = 0

    @property
    def order_id(self) -> UUID | None:
        """The order that set it off, if one did."""
        about, _, id = self.reference.partition(":")
        return UUID(id) if about == "order" else None

    @property
    def guard(self) -> str:
        """Which guard refused it."""
        return GUARDS.get(self.reason, "book") if self.reason else ""


class Fired(msgspec.Struct, frozen=True, gc=False):
    """What came of a call: the firing, what it gave when granted (a txn, or a coupon), and for whom."""

    firing: Firing
    txn: Txn | None
    customer: Customer
    customer_created: bool
    issued: Issued | None = None


_REASONS = {
    "active": "trigger_inactive",
    "effect": "effect_unavailable",
    "schedule": "not_started already_ended",
    "order": "order_cancelled order_other_currency order_amount_zero order_amount_below_unit order_nothing_earns"
    " order_not_paid order_not_fulfilled order_earns_too_much",
    "amount": "amount_not_matched",
    "condition": "rule_unreadable conditions_not_met",
    "activities": "activities_not_reached amount_not_reached",
    "limit": "customer_limit_reached day_limit_reached month_limit_reached",
    "cool_down": "cooling_down",
    "budget": "day_budget_spent budget_spent",
    "once": "already_given",
    "message": "no_ready_sender template_unknown",
    "offer": "offer_unknown offer_closed offer_limit_reached not_eligible codes_out",
}
GUARDS = {reason: guard for guard, reasons in _REASONS.items() for reason in reasons.split()}
"""Why a trigger gives nothing, as a stable code, and which guard says so; beside these stand the book's refusals."""

COUNTING = frozenset({"activities", "limit", "cool_down", "budget", "once"})
"""Guards that count what came before. What they refused is not asked again when an order changes."""

NO_TRIGGER = "No trigger rewarded orders when this came in."
"""Why an order earned nothing of which no firing is kept."""


def posted_refusal(firing: Firing, refusal: Refusal) -> Firing:
    """A firing that was to be granted, and that the book refused."""
    return msgspec.structs.replace(firing, state="refused", reason=refusal.code, explanation=refusal.message, amount=0)


def granted_coins(firings: Iterable[Firing]) -> int:
    """What they gave, all together, without what waits."""
    return sum(firing.amount for firing in firings if firing.state == "granted")


class Coins(msgspec.Struct, frozen=True, gc=False, tag="coins"):
    """The effect of a wallet trigger: so many coins, under these words, given or taken."""

    operation: Operation
    amount: int
    title: str
    description: str


class OneCoupon(msgspec.Struct, frozen=True, gc=False, tag="coupon"):
    """The effect of an offer trigger: a coupon of this offer, without coins."""

    offer_id: UUID
    operation: Operation = "cr"
    amount: int = 0


class OneMessage(msgspec.Struct, frozen=True, gc=False, tag="message"):
    """The effect of an email trigger: a message of this template."""

    template_id: UUID
    operation: Operation = "cr"
    amount: int = 0


Effect = Coins | OneCoupon | OneMessage
"""Events and webhooks become members when their rooms can be asked."""


class Letter(msgspec.Struct, frozen=True, gc=False):
    """A message to be sent, under the firing's `id`, because of the trigger `source_id`."""

    id: UUID
    source_id: UUID
    customer_id: UUID
    template_id: UUID
    cause_id: UUID | None


Send = Callable[[Tx, Workspace, Sequence[Letter], datetime], Awaitable[list[Refusal | None]]]
Find = Callable[[Reading, UUID, UUID], Awaitable[Any]]
writers: list[tuple[Send, Find]] = []


def letters_by(send: Send, find: Find) -> None:
    """Have a room above this one send the messages of email triggers: of each, why it can't be; and find the template
    that one names, or raise NotFound."""
    writers.append((send, find))


async def send_letters(tx: Tx, workspace: Workspace, letters: Sequence[Letter], now: datetime) -> list[Refusal | None]:
    return await writers[0][0](tx, workspace, letters, now) if letters else []


class Behind(msgspec.Struct, frozen=True, gc=False):
    """What an effect names as its reason. `key` is of what may happen once."""

    firing_id: UUID
    trigger_id: UUID
    trigger_version: int
    customer_id: UUID
    reference: str
    key: str | None
    order_name: str
    actor: str
    cause_id: UUID | None
    depth: int = 0

    def letter(self, effect: OneMessage) -> Letter:
        return Letter(self.firing_id, self.trigger_id, self.customer_id, effect.template_id, self.cause_id)

    def ask(self, effect: OneCoupon) -> Ask:
        return Ask(
            customer_id=self.customer_id,
            offer_id=effect.offer_id,
            type="reward",
            key=coupon_key(self.reference, self.trigger_id, self.firing_id),
            firing_id=self.firing_id,
            cause_id=self.cause_id,
            depth=self.depth + 1 if self.cause_id else 0,
            actor=self.actor,
        )

    def entry(self, effect: Coins, occurred_at: datetime) -> Entry:
        return Entry(
            customer_id=self.customer_id,
            operation=effect.operation,
            amount=effect.amount,
            type="reward" if effect.operation == "cr" else "redeem",
            occurred_at=occurred_at,
            title=effect.title,
            description=effect.description,
            reference=self.reference or f"firing:{self.firing_id}",
            order_name=self.order_name,
            trigger_id=self.trigger_id,
            trigger_version=self.trigger_version,
            actor=self.actor,
            key=self.key,
            firing_id=self.firing_id,
            cause_id=self.cause_id,
            depth=self.depth + 1 if self.cause_id else 0,
        )


def coupon_key(reference: str, trigger_id: UUID, firing_id: UUID) -> str:
    """The name of the coupon that a firing gives: of what may happen once, once."""
    return f"trigger:{reference}:{trigger_id}" if reference else f"trigger:{firing_id}"
