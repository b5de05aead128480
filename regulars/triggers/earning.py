"""What the triggers make of orders: decided while they are recorded, given afterwards."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import conditions, customers, orders
from regulars.customers import Customer
from regulars.kit import Reading, Tx, units_of
from regulars.orders import Order, Recorded
from regulars.tenancy import Workspace
from regulars.triggers import guards, store
from regulars.triggers.facts import THOUSANDTHS, Ordered
from regulars.triggers.guards import Guarded, No
from regulars.triggers.model import COUNTING, GUARDS, Firing, Trigger
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline

_OF_OTHER_ORDERS = ("customer_orders", "customer_spent")


class Earning:
    """The orders of one turn, on their way through `orders.record`; or of several turns, if nothing is given.

    What a trigger gives for an order as such is known before the order is written, and is written with it. What counts
    on other orders or on what was given before is settled when the orders are written, and locked.
    """

    def __init__(
        self,
        tx: Reading,
        workspace: Workspace,
        triggers: Sequence[Trigger],
        now: datetime,
        *,
        actor: str = "",
        again: bool = False,
        pipeline: Pipeline | None = None,
    ) -> None:
        """`again`: asked by hand, also about what limits and budgets refused before. `pipeline`: one that has decided
        about others before."""
        self._tx = tx
        self._workspace = workspace
        self._actor = actor
        self._again = again
        self.pipeline = pipeline or Pipeline(workspace, now, RANDOM)
        asked = [self.pipeline.guarded(trigger) for trigger in triggers]
        self._at_once = [one for one in asked if not _settles_late(one)]
        self._late = [one for one in asked if _settles_late(one)]
        self._decisions: dict[UUID, list[Decision]] = {}
        self.unchanged: dict[tuple[UUID, UUID], No] = {}
        """By order and trigger: what is refused as it was refused before, of which no further firing is kept."""
        self.earned: set[tuple[UUID, UUID]] = set()
        """The order and the trigger that gave for it before, or is to."""
        self._foreseen: dict[tuple[UUID, str], str] = {}
        self._rehearsed: list[Order] = []

    async def earn(self, recorded: Sequence[Recorded]) -> list[int]:
        """Decide what can be before they are written, and say how many coins each earns by that."""
        # Asked once more about an order, it is with what is known of it now.
        self._decisions |= {r.order.id: [] for r in recorded}
        await self._decide(recorded, self._at_once)
        return [sum(d.coins for d in self._decisions[r.order.id] if d.due_at is None) for r in recorded]

    async def settle(self, recorded: Sequence[Recorded]) -> dict[UUID, int]:
        """Decide the rest about orders that are written: how many coins they earn besides."""
        if not self._late or not recorded:
            return {}
        made = await self._decide(recorded, self._late)
        coins: dict[UUID, int] = {}
        for order_id, decision in made:
            if decision.coins and decision.due_at is None:
                coins[order_id] = coins.get(order_id, 0) + decision.coins
        return coins

    async def give(self, tx: Tx, recorded: Sequence[Recorded], *, announced: bool = True) -> list[list[Firing]]:
        """Give what was granted and keep every firing, of those that changed or are asked again; by order."""
        led_to = [self._led_to(r) for r in recorded]
        for r, decisions in zip(recorded, led_to, strict=True):
            for d in decisions:
                d.fact = msgspec.structs.replace(d.fact, cause_id=r.event_id)
        firings = iter(await self.pipeline.carry_out(tx, [d for each in led_to for d in each], announced=announced))
        return [[next(firings) for _ in each] for each in led_to]

    def foreseen(self, recorded: Recorded) -> list[Firing]:
        """The firings that `give` would keep. What follows in the same rehearsal knows of them."""
        firings = [d.firing(self.pipeline.now) for d in self._led_to(recorded)]
        self._foreseen |= {(f.trigger_id, f.reference): f.reason for f in firings}
        if recorded.change == "created":
            self._rehearsed.append(recorded.order)
        return firings

    def of(self, order_id: UUID) -> list[Decision]:
        return self._decisions.get(order_id, [])

    def _led_to(self, recorded: Recorded) -> list[Decision]:
        asked = self._again or recorded.change in ("created", "updated")
        return self.of(recorded.order.id) if asked else []

    async def _decide(self, recorded: Sequence[Recorded], guarded: Sequence[Guarded]) -> list[tuple[UUID, Decision]]:
        known = [
            (r.order.customer_id, g.trigger.id, _reference(r.order)) for r in recorded if r.before for g in guarded
        ]
        last = await store.last_about(self._tx, self._workspace.id, known)
        last |= self._foreseen
        facts = await self.facts([r.order for r in recorded], guarded)
        made: list[tuple[UUID, Decision]] = []
        for r, fact in zip(recorded, facts, strict=True):
            for one in guarded:
                decision = self._asked(one, r, fact, last.get((one.trigger.id, fact.reference)))
                if decision:
                    self._decisions[r.order.id].append(decision)
                    made.append((r.order.id, decision))
        await self.pipeline.decide(self._tx, [decision for _, decision in made])
        return made

    def _asked(self, guarded: Guarded, recorded: Recorded, fact: Ordered, before: str | None) -> Decision | None:
        no = guards.at_first(guarded, fact, self._workspace)
        if before is None and recorded.before and not self._again:
            # Nobody asked the trigger then: it was off, or is younger. What it would have given is not made up for.
            then = guards.at_first(guarded, msgspec.structs.replace(fact, order=recorded.before), self._workspace)
            before = then.reason if then else ""
        key = (recorded.order.id, guarded.trigger.id)
        if before == "":
            self.earned.add(key)  # it has its coins, or they come back
            return None
        if before == "reversed" and no is not None:
            self.unchanged[key] = no  # it does not wait any more
            return None
        if no is not None and no.reason == before:
            self.unchanged[key] = no  # the shop has been told
            return None
        guard = GUARDS.get(before or "")
        if guard == "activities" or (guard in COUNTING and not self._again):
            self.unchanged[key] = No(before or "", "It was counted when it came in.")
            return None
        return Decision(guarded, fact, no, asked=True)

    async def facts(self, placed: Sequence[Order], guarded: Sequence[Guarded]) -> list[Ordered]:
        """With what these triggers ask about."""
        people = await self._people(placed, guarded)
        earlier = await self._earlier(placed, guarded)
        made = [ordered(order, people.get(order.customer_id), earlier.get(order.id), self._actor) for order in placed]
        asked = any(one.of_segments for one in guarded)
        return await store.in_segments(self._tx, self._workspace.id, made) if asked else made

    async def _people(self, placed: Sequence[Order], guarded: Sequence[Guarded]) -> dict[UUID, Customer]:
        """Where somebody asks about them."""
        if not any(one.condition or one.rule.factors or one.in_tier for one in guarded):
            return {}
        return await customers.by_ids(self._tx, self._workspace.id, sorted({order.customer_id for order in placed}))

    async def _earlier(self, placed: Sequence[Order], guarded: Sequence[Guarded]) -> dict[UUID, int]:
        """How many orders their customers had placed before, where somebody asks."""
        if not any(_of_other_orders(one) for one in guarded):
            return {}
        found = await orders.earlier(self._tx, self._workspace.id, placed)
        for order in placed if self._rehearsed else ():
            found[order.id] += sum(_before(one, order) for one in self._rehearsed)
        return found


def ordered(order: Order, customer: Customer | None, earlier: int | None, actor: str = "") -> Ordered:
    return Ordered(
        customer_id=order.customer_id,
        customer=customer,
        occurred_at=order.placed_at,
        reference=_reference(order),
        actor=actor,
        amount=order.amount_minor * THOUSANDTHS // units_of(order.currency_code),
        order=order,
        earlier=earlier,
    )


def _before(one: Order, order: Order) -> bool:
    """Whether it was placed before, by the same customer, and stands."""
    earlier = (one.placed_at, one.id) < (order.placed_at, order.id)
    return earlier and one.customer_id == order.customer_id and not one.void


def _settles_late(guarded: Guarded) -> bool:
    return guarded.rule.counted or _of_other_orders(guarded)


def _of_other_orders(guarded: Guarded) -> bool:
    names = conditions.names(guarded.condition) if guarded.condition else set()
    return guarded.rule.of_first_orders or not names.isdisjoint(_OF_OTHER_ORDERS)


def _reference(order: Order) -> str:
    return f"order:{order.id}"
