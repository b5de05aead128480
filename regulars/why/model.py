"""What is asked, and the steps that are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.dispatch import RuleOutcome
from regulars.kit import Invalid
from regulars.triggers.model import Source


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """About an order, a fact that was reported, a firing, a transaction or an event, by its id here; or about what a
    customer got from a trigger."""

    order_id: Annotated[UUID, Meta(examples=["019aa8a1-5c2e-7b1f-9c3d-2f6a1e8b4d70"])] | None = None
    fact_id: UUID | None = None
    firing_id: UUID | None = None
    txn_id: UUID | None = None
    event_id: UUID | None = None
    customer_id: Annotated[CustomerId | None, Meta(examples=[])] = None
    trigger_id: UUID | None = None

    def check(self) -> str:
        """The first of what was given. Raises Invalid, naming each field that was, or all if none was."""
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if given != ["customer_id", "trigger_id"] and (len(given) != 1 or given[0] in ("customer_id", "trigger_id")):
            words = "expected one of order_id, fact_id, firing_id, txn_id and event_id, or customer_id with trigger_id"
            raise Invalid(words.capitalize(), fields=dict.fromkeys(given or self.__struct_fields__, words))
        return given[0]


class Step(msgspec.Struct, frozen=True):
    """`title` says what it is, `state` what came of it, `code` and `words` why; `next_at` is when something is still to
    come of it. A trigger's step has the id of its firing, null where there is none; `guard` refused, having found
    `value` where it asks for `threshold`. What is `foreseen` is worked out now, by that version of the trigger, of the
    fact as it is kept. `left` is what is left of the amount that a transaction brought, until `expires_at`. `rules` say
    what each Send Events rule made of an event. Of what an event led to: an automation's step has the id of its run, a
    delivery's is one that no rule made."""

    kind: Literal[Source, "trigger", "foreseen", "transaction", "event", "automation", "message", "delivery"]
    id: UUID | None
    title: str
    state: str = ""
    code: str = ""
    words: str = ""
    at: datetime | None = None
    next_at: datetime | None = None
    trigger_id: UUID | None = None
    trigger_version: int | None = None
    guard: str = ""
    value: Any = None
    threshold: Any = None
    wallet: str = ""
    amount: int | float | None = None
    left: int | float | None = None
    expires_at: datetime | None = None
    automation_id: UUID | None = None
    rules: list[RuleOutcome] = []
    steps: list[Step] = []

    def way_to(self, id: UUID) -> Step | None:
        """Only what leads to that step, and all that followed from it; None where it leads to no such one."""
        if self.id == id:
            return self
        found = next((way for step in self.steps if (way := step.way_to(id))), None)
        return msgspec.structs.replace(self, steps=[found]) if found else None


class Why(msgspec.Struct, frozen=True):
    """What happened, newest first, with all that followed; what a trigger that was asked about would say now."""

    customer: Customer
    facts: list[Step]
    now: Step | None = None
