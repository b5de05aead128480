"""Facts that a shop names itself, and what they earn."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, limits
from regulars.customers import Customer, Ensured, NewCustomer, seen
from regulars.kit import Faults, Invalid, Refusal, Tx, new_id
from regulars.ledger import KeyTaken
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.checking import FACT_NAME, PROPERTY_NAME
from regulars.triggers.facts import THOUSANDTHS, Reported
from regulars.triggers.model import Firing, Trigger
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline
from regulars.triggers.signup import ensure


class NewFact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A fact as a shop reports it. `outside_id` is its own id for it, '' for none: what has one is taken once. `unfit`
    is why the customer can't be created."""

    name: str
    customer: NewCustomer
    occurred_at: datetime
    properties: dict[str, Any] = {}
    outside_id: str = ""
    unfit: Invalid | None = None


class TakenFact(msgspec.Struct, frozen=True, gc=False):
    """What came of it. `repeated`: it was reported before, and led to these firings then."""

    id: UUID
    customer: Customer
    firings: list[Firing]
    repeated: bool = False


def check_fact(fact: NewFact) -> NewFact:
    """The same fact, its customer's details in the form they are kept in, or, as `unfit`, why they can't be. Raises
    Invalid naming each field."""
    faults = Faults()
    if not FACT_NAME.fullmatch(fact.name):
        faults.add("name", "the fact's name: lower-case letters, digits, dots, - or _, such as game_won")
    if len(fact.outside_id) > limits.ORDER_ID_CHARS_MAX or "\x00" in fact.outside_id:
        faults.add("id", f"at most {limits.ORDER_ID_CHARS_MAX} characters")
    if len(fact.properties) > limits.FACT_PROPERTIES_MAX:
        faults.add("properties", f"at most {limits.FACT_PROPERTIES_MAX}")
    for name, value in fact.properties.items():
        if not PROPERTY_NAME.fullmatch(name):
            faults.add("properties", "names of letters, digits and _, that do not begin with customer_")
        if not _fits(value):
            most = limits.CONDITION_TEXT_CHARS_MAX
            said = f"a text of at most {most:,} characters, a number, true or false, or a list of texts"
            faults.add(f"properties.{name}"[:100], said)
    customer, unfit = NewCustomer(seen(fact.customer.customer_id)), None
    try:
        customer = customers.check(fact.customer)
    except Invalid as refusal:
        unfit = Invalid(refusal.message, fields={f"customer.{field}": said for field, said in refusal.fields.items()})
        if faults.fields or "customer_id" in refusal.fields:
            faults.note(unfit)
    faults.check()
    return msgspec.structs.replace(fact, customer=customer, unfit=unfit)


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= limits.CONDITION_SET_ITEMS_MAX and all(
            isinstance(one, str) and _fits(one) for one in value
        )
    if isinstance(value, str):
        return len(value) <= limits.CONDITION_TEXT_CHARS_MAX and "\x00" not in value
    return value is None or isinstance(value, bool | int | float)


class KeptFact(msgspec.Struct, frozen=True, gc=False):
    """In the order of the columns of `triggers_fact`."""

    outside_id: str
    id: UUID
    name: str
    customer_id: UUID
    properties: dict[str, Any]
    occurred_at: datetime

    def says(self, fact: NewFact, customer: Customer) -> bool:
        return (self.name, self.customer_id, self.properties) == (fact.name, customer.id, fact.properties)


async def take_facts(
    tx: Tx, workspace: Workspace, facts: Sequence[NewFact], now: datetime, *, actor: str = ""
) -> list[TakenFact | Refusal]:
    """Keep each checked fact, in order, and give what it earns by the triggers that react to facts of its name. One
    with an id that was taken before changes nothing: it is answered as it was then, or refused if it says anything
    else.

    Lock order: new customers by customer_id and their wallets, facts by their ids, wallets, counters of budgets.
    """
    reacting = await store.reacting(tx, workspace.id)
    fit = [fact.customer for fact in facts if fact.unfit is None]
    unfit = {fact.customer.customer_id: fact.unfit for fact in facts if fact.unfit is not None}
    people = await ensure(tx, workspace, fit, now, unfit=unfit, triggers=reacting, actor=actor)
    asked = [asked_of(fact, people[fact.customer.customer_id]) for fact in facts]
    # Of several with one id in one call the first counts.
    known = {one.outside_id: one for one in reversed([one for one, _ in asked if one])}
    columns = [[getattr(one, name) for one in known.values()] for name in KeptFact.__struct_fields__]
    new = await tx.all(str, store.sql.insert_facts, workspace.id, *columns, now)
    repeated = [one for one in known if one not in new]
    kept_before = await tx.all(KeptFact, store.sql.facts, workspace.id, repeated) if repeated else []
    known |= {one.outside_id: one for one in kept_before}
    mine = {customer.id: customer for _, customer in asked if isinstance(customer, Customer)}
    firings = await _fire(tx, workspace, reacting, [known[one] for one in new], mine, now, actor)
    if repeated:
        about = [(known[one].customer_id, _reference(known[one])) for one in repeated]
        firings += await store.firings_about(tx, workspace.id, about)
    answers: list[TakenFact | Refusal] = []
    for fact, (one, person) in zip(facts, asked, strict=True):
        if one is None or isinstance(person, Refusal):
            answers.append(person if isinstance(person, Refusal) else KeyTaken())
        elif (kept := known[one.outside_id]).says(fact, person):
            led_to = [firing for firing in firings if firing.reference == _reference(kept)]
            answers.append(TakenFact(kept.id, person, led_to, repeated=kept.id != one.id))
        else:
            answers.append(KeyTaken())
    return answers


def asked_of(fact: NewFact, answer: Ensured | Refusal) -> tuple[KeptFact | None, Customer | Refusal]:
    if isinstance(answer, Refusal):
        return None, answer
    id, customer = new_id(), answer.customer
    name = fact.outside_id or str(id)
    return KeptFact(name, id, fact.name, customer.id, fact.properties, fact.occurred_at), customer


async def _fire(
    tx: Tx,
    workspace: Workspace,
    reacting: Sequence[Trigger],
    facts: Sequence[KeptFact],
    people: Mapping[UUID, Customer],
    now: datetime,
    actor: str,
) -> list[Firing]:
    pipeline = Pipeline(workspace, now, RANDOM)
    decisions = [
        Decision(pipeline.guarded(trigger), reported(fact, people[fact.customer_id], actor))
        for fact in facts
        for trigger in reacting
        if trigger.source == "fact" and trigger.rule.fact == fact.name
    ]
    await pipeline.decide(tx, decisions)
    return await pipeline.carry_out(tx, decisions, known=people)


def reported(fact: KeptFact, customer: Customer, actor: str = "") -> Reported:
    return Reported(
        customer_id=customer.id,
        customer=customer,
        occurred_at=fact.occurred_at,
        reference=_reference(fact),
        actor=actor,
        amount=_amount(fact.properties.get("amount")),
        name=fact.name,
        properties=fact.properties,
    )


def _amount(given: object) -> int:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    return round(given * THOUSANDTHS) if number and 0 <= given <= limits.AMOUNT_MINOR_MAX else 0  # type: ignore[operator]


def _reference(fact: KeptFact) -> str:
    return f"fact:{fact.id}"
