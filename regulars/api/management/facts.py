"""Facts that a shop names itself, such as a game that was won: reported, and rewarded by the triggers of that name."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, triggers
from regulars.api.management.api import management, only
from regulars.api.management.items import FiringItem, Whose, firing_item, named
from regulars.api.operations import Call, NoQuery
from regulars.customers import NewCustomer
from regulars.customers.reported import CustomerDetails
from regulars.kit import Faults, Tx, a_birthday, a_moment, invalid
from regulars.triggers import NewFact, granted_coins


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`id` is your own for it: reported again under it, it is answered as it was and changes nothing. Without one every
    report is another fact. `properties` are texts, numbers, true or false, and lists of texts; `amount`, a number, is
    what it adds where a rule sums amounts. `occurred_at` is now, if it is not said."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=limits.FACT_NAME_CHARS_MAX, description="Chosen by you.", examples=["game_won"]),
    ]
    customer: CustomerDetails
    properties: Annotated[
        dict[str, Any], Meta(max_length=limits.FACT_PROPERTIES_MAX, examples=[{"score": 120, "level": "hard"}])
    ] = {}
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX, examples=["round-7781"])] = ""


class FactItem(msgspec.Struct, frozen=True):
    """`coins` is what it earned, `firings` say for each trigger what was given, or why nothing was. `repeated`: it was
    reported before, and led to these then. `left_out` are details of a known customer that can't be kept."""

    id: UUID
    customer: Whose
    repeated: bool
    coins: int
    firings: list[FiringItem]
    left_out: dict[str, str]


@management.post("/facts", "Report a fact of your own", tag="Triggers", area="data")
async def report_fact(call: Call[NoQuery, Fact], tx: Tx) -> FactItem:
    """Every fact is kept; the triggers that react to facts of its name give what it earns. A customer who is not known
    is created."""
    fact = checked(call.body, call.now)
    taken = only(await triggers.take_facts(tx, call.workspace, [fact], call.now, actor=call.caller.actor))
    firings = [firing_item(firing, taken.customer) for firing in taken.firings]
    left_out = fact.unfit.fields if fact.unfit else {}
    return FactItem(taken.id, named(taken.customer), taken.repeated, granted_coins(taken.firings), firings, left_out)


def checked(given: Fact, now: datetime) -> NewFact:
    """Raises Invalid naming each field."""
    faults, at = Faults(), given.occurred_at or now
    with faults:
        at = a_moment("occurred_at", at)
        if at > now + timedelta(seconds=limits.ORDER_CLOCK_AHEAD_S):
            raise invalid("occurred_at", "a time that is not in the future")
    with faults:
        a_birthday("customer.dob", given.customer.dob)
    with faults:
        customer = NewCustomer(**msgspec.structs.asdict(given.customer))
        fact = NewFact(
            name=given.name,
            customer=customer,
            properties=given.properties,
            occurred_at=min(at, now),
            outside_id=given.id.strip(),
        )
        fact = triggers.check_fact(fact)
    faults.check()
    return fact
