"""What was asked about is traced back to the fact that it began with, and all that followed from that is put together
from what the rooms say."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, delivery, dispatch, events, ledger, limits, orders, triggers
from regulars.customers import Customer
from regulars.delivery import Delivery
from regulars.dispatch import RuleOutcome
from regulars.events import Event
from regulars.kit import NotFound, Reading, Refusal, counted, kept_since, made_at
from regulars.ledger import Kind, Lot, Txn, amount_on_wire
from regulars.ledger.txns import in_words, traced
from regulars.orders import Order
from regulars.orders.wire import called
from regulars.tenancy import Workspace
from regulars.triggers import Firing, Trigger, foreseeing
from regulars.triggers.facts import AnyFact, Ordered, Reported
from regulars.triggers.pipeline import ALREADY
from regulars.triggers.reporting import KeptFact
from regulars.triggers.store import sql
from regulars.why.leading import around, said
from regulars.why.model import Question, Step, Why

_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FACT = re.compile(
    rf"(order|review|referr(?:al|ed)|fact|evaluation|customer):{_ID}|(birthday|anniversary):{_ID}:\d{{4}}"
)
_TITLES = {"api": "A call", "customer_created": "Became a customer"}

Head = str | Firing | Txn | Event
"""Where a chain begins: at a fact by what it is called, at a call without a name, or, where no fact is behind it, at a
transaction or an event."""


async def answer(tx: Reading, workspace: Workspace, asked: Question, now: datetime) -> Why:
    """Raises Invalid, and NotFound naming the field."""
    field = asked.check()
    found = await _named(tx, workspace, field, getattr(asked, field))
    if isinstance(found, Customer):
        trigger = await _named(tx, workspace, "trigger_id", asked.trigger_id)
        return await _of_trigger(tx, workspace, found, trigger, now)
    customer = await customers.find(tx, workspace.id, id=found.customer_id)
    assert customer is not None
    chain, (whole,) = await _chains(tx, workspace, customer, [await _begin(tx, workspace, found)], now)
    way = whole.way_to(found.id)
    if way is None:
        # What happened is known, and what led from there to here is not kept.
        chain, (way,) = await _chains(tx, workspace, customer, [found], now)
    if isinstance(found, Event):
        told = chain.sent.get(found.id, []), chain.rules[found.id]
        way = await around(tx, workspace, found, way, *told)
    return Why(customer, [way])


async def _named(tx: Reading, workspace: Workspace, field: str, id: Any) -> Any:
    find: Any = {
        "order_id": orders.find_order,
        "txn_id": ledger.find_txn,
        "event_id": events.get,
        "trigger_id": triggers.find_trigger,
    }.get(field)
    try:
        if find:
            return await find(tx, workspace.id, id)
        if field == "fact_id":
            found: Any = await tx.one(KeptFact, sql.facts_by_id, workspace.id, [id])
        elif field == "firing_id":
            found = await tx.one(Firing, sql.firing, workspace.id, id)
        else:
            found = await customers.find(tx, workspace.id, customer_id=id)
    except Refusal:
        found = None
    if found is None:
        words = f"There is no such {field.removesuffix('_id')} in your shop."
        raise NotFound(words, fields={field: words})
    return found


async def _begin(tx: Reading, workspace: Workspace, found: Order | KeptFact | Firing | Txn | Event) -> Head:
    """The fact behind it; or itself, or the txn that it takes back, where somebody's will or the time was behind it."""
    try:
        match found:
            case Event() if id := found.subject.wallettransaction_id:
                return await _begin(tx, workspace, await ledger.find_txn(tx, workspace.id, UUID(id)))
            case Event():
                created = f"customer:{found.customer_id}" if found.topic == "lead_create" else ""
                name = f"order:{found.subject.order_id}" if found.subject.order_id else created
            case Txn() if found.reference.startswith("firing:"):
                return await tx.one(Firing, sql.firing, workspace.id, UUID(found.reference[7:])) or found
            case Txn() if found.source_txn_id and not _FACT.fullmatch(found.reference):
                return await ledger.find_txn(tx, workspace.id, found.source_txn_id)
            case Order():
                name = f"order:{found.id}"
            case KeptFact():
                name = f"fact:{found.id}"
            case _:
                name = found.reference
    except (NotFound, ValueError):
        name = ""
    return name if _FACT.fullmatch(name) or isinstance(found, Order | KeptFact) else found


async def _of_trigger(tx: Reading, workspace: Workspace, customer: Customer, trigger: Trigger, now: datetime) -> Why:
    most = limits.WHY_FACTS_MAX
    fired = await triggers.firings(tx, workspace.id, customer_id=customer.id, trigger_id=trigger.id, limit=most)
    heads = list({one.reference or one.id: one.reference or one for one in fired}.values())
    chain, facts = await _chains(tx, workspace, customer, heads, now, trigger_id=trigger.id)
    # And what it would say of the newest that could set it off.
    fact = await foreseeing.newest_fact(tx, workspace, trigger, customer, now)
    if fact is None:
        words = "What it reacts to has not happened to this customer yet, as far as is known."
        return Why(customer, facts, Step("foreseen", None, "If it were asked now", "", "nothing_happened", words, now))
    (said,) = await foreseeing.foresee(tx, workspace, [(trigger, fact)], now)
    before = {one.state for one in chain.firings if fact.reference and one.reference == fact.reference}
    if trigger.active and before & {"granted", "waiting"}:
        said = msgspec.structs.replace(said, state="refused", reason=ALREADY.reason, explanation=ALREADY.words)
    title = f"If it were asked now: {_title(fact, trigger.source, workspace)}"
    return Why(customer, facts, chain.fired(said, trigger, title))


def _title(fact: AnyFact | None, source: str, workspace: Workspace) -> str:
    if isinstance(fact, Ordered):
        return f"Order {called(fact.order, workspace)}"
    return f"“{fact.name}” was reported" if isinstance(fact, Reported) else _TITLES.get(source, source.capitalize())


class Chain(msgspec.Struct):
    """What was read for some chains of one customer."""

    workspace: Workspace
    facts: dict[str, AnyFact]
    triggers: list[Trigger]
    firings: list[Firing]
    foreseen: dict[tuple[UUID, str], Firing] = {}
    txns: list[Txn] = []
    lots: dict[UUID, Lot] = {}
    events: list[Event] = []
    sent: dict[UUID, list[Delivery]] = {}
    rules: dict[UUID, list[RuleOutcome]] = {}

    def unasked(self, fact: AnyFact) -> list[Trigger]:
        """Those that react to such facts, and of which no firing about this one is kept."""
        asked = {one.trigger_id for one in self.firings if one.reference == fact.reference}
        return [one for one in self.triggers if foreseeing.reacts(one, fact) and one.id not in asked]

    def begun(self, head: Head) -> Step:
        if isinstance(head, Event):
            return self._event(head)
        if isinstance(head, Txn):
            return next(self._booked(one) for one in self.txns if one.id == head.id)
        name = head if isinstance(head, str) else ""
        fact, source = self.facts.get(name), foreseeing.source_of(name)
        fired = [one for one in self.firings if one is head or (name and one.reference == name)]
        steps = [self._event(one) for one in self.events if _tells_of(one, name)]
        for trigger in self.triggers:
            steps += [self.fired(one, trigger) for one in fired if one.trigger_id == trigger.id]
            if fact and (trigger.id, name) in self.foreseen:
                steps.append(self._unasked(trigger, fact))
        known = {one.id for one in self.txns}
        own = [one for one in self.txns if name and one.reference == name and one.source_txn_id not in known]
        steps += [self._booked(one) for one in own if all(one.id != firing.txn_id for firing in fired)]
        code = words = ""
        if not any(step.kind == "trigger" for step in steps):
            code, words = "no_trigger", f"No trigger reacts to {'orders' if source == 'order' else 'this'}."
        state = (
            ("cancelled" if fact.order.status == "cancelled" else fact.order.financial_status)
            if isinstance(fact, Ordered)
            else ""
        )
        at = fact.occurred_at if fact else fired[0].occurred_at if fired else None
        title = _title(fact, source, self.workspace)
        return Step(source, foreseeing.id_in(name), title, state, code, words, at, steps=steps)

    def fired(self, one: Firing, trigger: Trigger, foreseen: str = "") -> Step:
        """A firing that is kept; or one that is `foreseen`, under that title."""
        back = [txn.title for txn in self.txns if txn.source_txn_id and txn.source_txn_id == one.txn_id]
        amount, rule = in_words("coins", one.amount, self.workspace), trigger.rule
        if foreseen and rule.coins_min != rule.coins_max and not rule.coins_per_unit:
            amount = f"{rule.coins_min:,} to {rule.coins_max:,} {self.workspace.coin_name}"
        is_to = "would be " if foreseen else "to be " if one.state == "waiting" else ""
        words = f"{amount} {is_to}{'given' if one.operation == 'cr' else 'taken'}"
        words += f", and taken back: {back[-1]}" if one.state == "reversed" and back else ""
        found, asked = (msgspec.json.decode(text) if text else None for text in (one.value, one.threshold))
        decided = (trigger.id, one.trigger_version, one.guard, found, asked, "coins", one.amount)
        words, next_at = one.explanation or f"{words}.", one.due_at if one.state == "waiting" else None
        said = (one.reason or one.state, words, one.fired_at, next_at, *decided)
        if foreseen:
            return Step("foreseen", None, foreseen, f"would_be_{one.state}", *said)
        steps = [self._booked(txn) for txn in self.txns if txn.id == one.txn_id]
        return Step("trigger", one.id, trigger.name, one.state, *said, steps=steps)

    def _unasked(self, trigger: Trigger, fact: AnyFact) -> Step:
        id, months = foreseeing.id_in(fact.reference), self.workspace.retention.firings_months
        came = fact.order.created_at if isinstance(fact, Ordered) else fact.occurred_at
        code, words = "not_asked", "It was not asked: it was off, or had another rule, when this came in."
        if trigger.created_at > came:
            code, words = "made_later", "The trigger was made after this came in."
            words += " It can be applied to past orders on its page." if isinstance(fact, Ordered) else ""
        elif id and made_at(id) <= kept_since(months):
            code, words = "not_kept", f"What came of it is not kept any more, but for {counted(months, 'months')}."
        elif not trigger.active:
            code, words = "trigger_inactive", "The trigger is switched off."
        title = f"If it were {'' if trigger.active else 'on and '}asked now"
        foreseen = self.fired(self.foreseen[trigger.id, fact.reference], trigger, title)
        return Step("trigger", None, trigger.name, "not_asked", code, words, None, None, trigger.id, steps=[foreseen])

    def _booked(self, txn: Txn) -> Step:
        amount, lot = in_words(txn.kind, txn.amount, self.workspace), self.lots.get(txn.id)
        sign = "+" if txn.operation == "cr" else "\u2212"
        left = lot.pending + lot.available + lot.held if lot else 0
        words = ". ".join(part for part in (txn.title, txn.description) if part)
        next_at = lot.activates_at if lot and lot.pending else txn.held_until if txn.status == "pending" else None
        return Step(
            *("transaction", txn.id, sign + amount, txn.status, txn.act, words, txn.recorded_at, next_at),
            wallet=txn.kind,
            amount=amount_on_wire(txn.kind, txn.amount),
            left=amount_on_wire(txn.kind, left) if txn.operation == "cr" and not txn.source_txn_id else None,
            expires_at=lot.ends_at() if lot else None,
            steps=[
                *(self._event(one) for one in self.events if one.subject.wallettransaction_id == str(txn.id)),
                *(self._booked(one) for one in self.txns if one.source_txn_id == txn.id),
            ],
        )

    def _event(self, event: Event) -> Step:
        rules = self.rules.get(event.id, [])
        return msgspec.structs.replace(said(event, rules), words="" if rules else "No rule asks for this event.")


def _tells_of(event: Event, name: str) -> bool:
    """Whether it is the fact's own event, and not that of coins."""
    order = name.startswith("order:") and event.subject.order_id == name[6:]
    created = name.startswith("customer:") and event.topic == "lead_create"
    return created or (order and not event.subject.wallettransaction_id)


async def _chains(
    tx: Reading,
    workspace: Workspace,
    customer: Customer,
    heads: Sequence[Head],
    now: datetime,
    *,
    trigger_id: UUID | None = None,
) -> tuple[Chain, list[Step]]:
    """One for each head; with a trigger only what that one made of them."""
    names = [head for head in heads if isinstance(head, str)]
    about = (workspace.id, customer.id, names, limits.WHY_FIRINGS_MAX)
    fired = await tx.all(Firing, sql.firings_of_references, *about)
    fired = [head for head in heads if isinstance(head, Firing)] + fired[::-1]
    known = await triggers.list_triggers(tx, workspace.id)
    facts = await foreseeing.kept_facts(tx, workspace, customer, names, known)
    chain = Chain(workspace, facts, known, [one for one in fired if trigger_id in (None, one.trigger_id)])
    asked = [(one, fact) for fact in facts.values() for one in chain.unasked(fact)] if trigger_id is None else []
    asked = [(msgspec.structs.replace(trigger, active=True), fact) for trigger, fact in asked]
    chain.foreseen = {(f.trigger_id, f.reference): f for f in await foreseeing.foresee(tx, workspace, asked, now)}
    order_ids = [UUID(name[6:]) for name in names if name.startswith("order:")]
    booked = await ledger.txns_of_orders(tx, workspace.id, order_ids) if trigger_id is None else {}
    ids = {one.txn_id for one in chain.firings if one.txn_id} | {head.id for head in heads if isinstance(head, Txn)}
    chain.txns = await traced(tx, workspace.id, ids.union(txn.id for each in booked.values() for txn in each))
    kinds: list[Kind] = sorted({one.kind for one in chain.txns})
    for kind in kinds:
        chain.lots |= {lot.id: lot for lot in await ledger.lots_of(tx, workspace, customer.id, now, kind=kind)}
    most = max(3, limits.WHY_EVENTS_MAX // max(1, len(heads)))
    logged = await events.of_orders(tx, workspace.id, order_ids, limit=most)
    made = [(one.id, about) for one in chain.txns for about in {one.id, one.source_txn_id or one.id}]
    made += [(UUID(name[9:]), UUID(name[9:])) for name in names if name.startswith("customer:")]
    logged += await events.right_after(tx, workspace.id, customer.id, made, limit=most)
    logged += [head for head in heads if isinstance(head, Event)]
    chain.events = sorted({one.id: one for one in logged}.values(), key=lambda one: one.id)
    chain.sent = await delivery.deliveries_of_events(tx, workspace.id, [one.id for one in chain.events])
    chain.rules = await dispatch.outcomes(tx, workspace, chain.events, chain.sent)
    return chain, [chain.begun(head) for head in heads]
