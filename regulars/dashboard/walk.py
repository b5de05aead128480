"""A new shop's way to its first delivered event: each step said as it stands. Nothing of it is stored: what is done, is
true, so the way may be left anywhere, gone in any order, or gone by a program."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from regulars import customers, tenancy, triggers
from regulars.customers import Customer
from regulars.dispatch import Rule
from regulars.events import Event
from regulars.integrations import Integration
from regulars.kit.db import Reading
from regulars.tenancy import Workspace
from regulars.triggers import Trigger

State = Literal["done", "next", "skipped", "later"]

EXAMPLES: dict[str, tuple[Any, str, triggers.Rule]] = {
    "order": ("order", "{Coins} for orders", triggers.Rule(coins_per_unit=1, earn_when="paid")),
    "welcome": ("customer_created", "Welcome", triggers.Rule(coins_min=50, coins_max=50)),
}
"""What earns in most shops: the source, the name and the rule of a trigger that one press makes."""

SANDBOX = "Sandbox"
TOPIC = "walletreward_create"


class Walk(msgspec.Struct, frozen=True):
    """`states` are those of the shop, what earns, customers and orders, a tool, the first event."""

    states: list[State]
    earns: list[tuple[Trigger, str]]
    examples: list[tuple[str, str]]
    tool: Integration | None
    rule: Rule | None
    test_href: str

    @property
    def done(self) -> int:
        return self.states.count("done")


async def walk(
    tx: Reading, shop: Workspace, tools: Sequence[Integration], rules: Sequence[Rule], lately: Sequence[Event]
) -> Walk:
    """Of a shop whose tools were told of nothing yet. `lately`: its newest events, the newest first."""
    known = await customers.by_ids(tx, shop.id, list({event.customer_id for event in lately}))
    people = [known[event.customer_id] for event in lately if event.customer_id in known]
    found = [one for one in await triggers.list_triggers(tx, shop.id) if one.active]
    ready = [tool for tool in tools if tool.state == "ready"]
    told = [rule for rule in rules if rule.active and any(tool.id == rule.integration_id for tool in ready)]
    done = [
        await tenancy.was_done(tx, shop.id, "workspace.update"),
        bool(found),
        bool(people),
        bool(told) and shop.events_on,
        False,
    ]
    has = {one.source for one in found}
    return Walk(
        states=_states(done),
        earns=[(one, _said(shop, one.source, one.rule)) for one in found[:5]],
        examples=[
            (name, _said(shop, source, rule)) for name, (source, _, rule) in EXAMPLES.items() if source not in has
        ],
        tool=next(iter([*ready, *tools]), None),
        rule=told[0] if told else None,
        test_href=_test_href(told[0], people) if told else "",
    )


def _states(done: Sequence[bool]) -> list[State]:
    """The first that is open behind all that are done is next; what is open before it was skipped."""
    next_ = max((n for n, is_done in enumerate(done) if is_done), default=-1) + 1
    return [
        "done" if is_done else "skipped" if n < next_ else "next" if n == next_ else "later"
        for n, is_done in enumerate(done)
    ]


def _said(shop: Workspace, source: Any, rule: triggers.Rule) -> str:
    return triggers.sentence(source, rule, shop.coin_name, shop.currency_symbol)


def _test_href(rule: Rule, people: Sequence[Customer]) -> str:
    """The form of a test by this rule, filled with the newest customer who can be found by an address."""
    address = f"/events/send/{rule.id}/test"
    for person in people:
        if person.email:
            return f"{address}?{urlencode({'by': 'email', 'address': person.email})}"
        if person.mobile:
            return f"{address}?{urlencode({'by': 'mobile', 'address': person.mobile})}"
    return address
