"""Fire triggers for customers, by call: a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from random import Random
from uuid import UUID

from regulars import customers, ledger
from regulars.customers import Customer, Ensured
from regulars.kit.db import Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import new_id
from regulars.ledger import Entry, Posted
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.errors import NotOpen, UnknownCustomer, UnknownTrigger
from regulars.triggers.model import Fire, Fired, Firing, Override, Reason, Trigger, times
from regulars.triggers.signup import ensure

Granted = dict[tuple[UUID, UUID], tuple[int, int, int]]


async def fire(
    tx: Tx,
    workspace: Workspace,
    fires: Sequence[Fire],
    now: datetime,
    random: Random,
    *,
    known: dict[UUID, Trigger] | None = None,
) -> list[Fired | Refusal]:
    """Fire each, in order, and answer for each. A Refusal has stored nothing: the trigger or the customer is unknown,
    or the caller may not. A Fired that is refused is stored, with its reason.

    `known` saves reading triggers that were read already, and is added to. Customers named by `customer` must have gone
    through `customers.check`. Lock order: new customers by customer_id, their wallets, wallets by (customer, kind).
    Raises the driver's UniqueViolationError when a drawn code is taken: run again.
    """
    triggers = {} if known is None else known
    unread = {f.trigger_id for f in fires} - triggers.keys()
    if unread:
        triggers |= await store.by_ids(tx, workspace.id, list(unread))
    # Whoever may not fire does not create customers by trying.
    unfit = [_unfit(f, triggers.get(f.trigger_id)) for f in fires]
    people = await _people(tx, workspace, [f for f, no in zip(fires, unfit, strict=True) if no is None], now)
    decided = [no or _admit(f, triggers[f.trigger_id], people) for f, no in zip(fires, unfit, strict=True)]
    admitted = [d for d in decided if isinstance(d, _Decision)]
    granted = await _granted_so_far(tx, workspace, admitted, now)
    counted: Counter[tuple[UUID, UUID]] = Counter()
    for decision in admitted:
        decision.decide(granted, counted, random)
    entries = [decision.entry(now) for decision in admitted if decision.amount]
    people_read = {d.customer.id: d.customer for d in admitted}
    outcomes = iter(await ledger.post(tx, workspace, entries, now, known=people_read))
    answers: list[Fired | Refusal] = []
    for answer in decided:
        if isinstance(answer, _Decision):
            answers.append(answer.fired(now, next(outcomes) if answer.amount else None))
        else:
            answers.append(answer)
    firings = [answer.firing for answer in answers if isinstance(answer, Fired)]
    if firings:
        store.insert_firings(tx, workspace.id, firings)
    return answers


class _Decision:
    """One call on its way from admitted to granted or refused."""

    def __init__(self, trigger: Trigger, ensured: Ensured, override: Override | None, actor: str) -> None:
        rule = trigger.rule
        set_by_call = override or Override()
        self.id = new_id()
        self.trigger = trigger
        self.customer = ensured.customer
        self.created = ensured.created
        self.actor = actor
        self.title = rule.title or trigger.name if set_by_call.title is None else set_by_call.title
        self.description = rule.description if set_by_call.description is None else set_by_call.description
        self.operation = set_by_call.operation or rule.operation
        self.coins_min = rule.coins_min if set_by_call.coins_min is None else set_by_call.coins_min
        self.coins_max = rule.coins_max if set_by_call.coins_max is None else set_by_call.coins_max
        self.amount = 0
        self.reason: str = ""
        self.explanation = ""

    def decide(self, granted: Granted, counted: Counter[tuple[UUID, UUID]], random: Random) -> None:
        """Draw the coins, or find the reason for giving none. `counted` are grants earlier in this batch."""
        rule, pair = self.trigger.rule, (self.customer.id, self.trigger.id)
        today, this_month, ever = granted.get(pair, (0, 0, 0))
        earlier = counted[pair]
        if not self.trigger.active:
            self.refuse("trigger_inactive", "The trigger is switched off.")
        elif rule.per_customer_max and ever + earlier >= rule.per_customer_max:
            self.refuse(
                "customer_limit_reached", f"The trigger gives at most {times(rule.per_customer_max)} to each customer."
            )
        elif rule.per_day_max and today + earlier >= rule.per_day_max:
            self.refuse("day_limit_reached", f"The trigger gives at most {times(rule.per_day_max)} a day.")
        elif rule.per_month_max and this_month + earlier >= rule.per_month_max:
            self.refuse("month_limit_reached", f"The trigger gives at most {times(rule.per_month_max)} a month.")
        else:
            counted[pair] += 1
            fixed = self.coins_min == self.coins_max
            self.amount = self.coins_min if fixed else random.randint(self.coins_min, self.coins_max)

    def refuse(self, reason: Reason, explanation: str) -> None:
        self.reason, self.explanation, self.amount = reason, explanation, 0

    def entry(self, now: datetime) -> Entry:
        return Entry(
            customer_id=self.customer.id,
            operation=self.operation,
            amount=self.amount,
            type="reward" if self.operation == "cr" else "redeem",
            occurred_at=now,
            title=self.title,
            description=self.description,
            reference=f"firing:{self.id}",
            trigger_id=self.trigger.id,
            trigger_version=self.trigger.version,
            actor=self.actor,
            firing_id=self.id,
        )

    def fired(self, now: datetime, outcome: ledger.Outcome | None) -> Fired:
        if isinstance(outcome, Refusal):
            self.reason, self.explanation, self.amount = outcome.code, outcome.message, 0
        txn = outcome.txn if isinstance(outcome, Posted) else None
        firing = Firing(
            id=self.id,
            trigger_id=self.trigger.id,
            trigger_version=self.trigger.version,
            customer_id=self.customer.id,
            state="refused" if self.reason else "granted",
            reason=self.reason,
            explanation=self.explanation,
            reference="",
            txn_id=txn.id if txn else None,
            operation=self.operation,
            amount=self.amount,
            fired_at=now,
        )
        return Fired(firing, txn, self.customer, self.created)


def _unfit(fire: Fire, trigger: Trigger | None) -> Refusal | None:
    if trigger is None or trigger.source != "api":
        return UnknownTrigger()
    return NotOpen() if fire.open_only and not trigger.open else None


def _admit(fire: Fire, trigger: Trigger, people: dict[str | UUID, Ensured | Refusal]) -> _Decision | Refusal:
    name = fire.lead_id or (fire.customer.customer_id if fire.customer else "")
    person = people.get(name, UnknownCustomer())
    if isinstance(person, Refusal):
        return person
    override = fire.override if trigger.allow_override else None
    return override if isinstance(override, Refusal) else _Decision(trigger, person, override, fire.actor)


async def _people(
    tx: Tx, workspace: Workspace, fires: Sequence[Fire], now: datetime
) -> dict[str | UUID, Ensured | Refusal]:
    """By lead_id or customer_id, whichever the call named them by."""
    people: dict[str | UUID, Ensured | Refusal] = {}
    lead_ids = {f.lead_id for f in fires if f.lead_id}
    if lead_ids:
        known: dict[UUID, Customer] = await customers.by_ids(tx, workspace.id, list(lead_ids))
        people |= {id: Ensured(customer, created=False) for id, customer in known.items()}
    named = [f for f in fires if f.customer and not f.lead_id]
    if named:
        wanted = [f.customer for f in named if f.customer and not f.unfit]
        unfit = {f.customer.customer_id: f.unfit for f in named if f.customer and f.unfit}
        people.update(await ensure(tx, workspace, wanted, now, unfit=unfit, actor=named[0].actor))
    return people


async def _granted_so_far(tx: Tx, workspace: Workspace, decisions: Sequence[_Decision], now: datetime) -> Granted:
    limited = {(d.customer.id, d.trigger.id) for d in decisions if d.trigger.rule.limited}
    if not limited:
        return {}
    # Under the wallets' locks, so that a call that races this one has either been counted or waits.
    # All wallets of the batch at once: a second lock with other wallets could wait in a circle.
    await ledger.lock(tx, workspace.id, [(d.customer.id, "coins") for d in decisions])
    local = now.astimezone(workspace.zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    ever = any(d.trigger.rule.per_customer_max for d in decisions)
    return await store.granted_since(tx, workspace.id, limited, today, today.replace(day=1), ever=ever)
