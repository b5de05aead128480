"""The book under random acts in random order, the clock jumping and the shop changing its mind: after every step the
whole book is audited, and what a read says is what the next act finds written down.

`make soak` does at least SOAK_STEPS steps in one run; the everyday run does few.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from regulars import ledger, tenancy
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Refusal
from regulars.ledger import Ending, Hold, Merge, Posted, Reversal
from regulars.schedule import Due
from tests import make
from tests.rooms.ledger.tables import START

SOAK_STEPS = int(os.environ.get("SOAK_STEPS", "0"))
PEOPLE = ("asha", "bela", "cyra")
WALLETS = [(name, kind) for name in PEOPLE for kind in ("coins", "credits")]

who = st.sampled_from(PEOPLE)
kinds = st.sampled_from(("coins", "coins", "credits"))
amounts = st.integers(1, 40)
spans = st.none() | st.integers(0, 96).map(lambda hours: timedelta(hours=hours))
parts = st.sampled_from((0, 1, 7, 20, 50, 99, 100, 101))


class Book(RuleBasedStateMachine):
    """Each rule is one batch; what was granted goes into its bundle."""

    db: ClassVar[Database]
    loop: ClassVar[asyncio.AbstractEventLoop]
    steps: ClassVar[Counter[str]]

    earned = Bundle("earned")
    spent = Bundle("spent")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.amounts: dict[UUID, int] = {}
        self.given: Counter[UUID] = Counter()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(zone=st.sampled_from(("UTC", "Asia/Kolkata", "America/New_York")))
    def open(self, zone: str) -> None:
        self.shop = self.run(make.a_workspace(self.db, START, time_zone=zone))
        people = self.run(make.some_customers(self.db, self.shop, START, *(f"customer-{name}" for name in PEOPLE)))
        self.ids = {name: people[f"customer-{name}"].id for name in PEOPLE}

    async def _acted(self, act: Any, *asked: Any) -> Any:
        async with self.db.transaction() as tx:
            return await act(tx, self.shop, *asked, self.now)

    def did(self, name: str, act: Any, asked: Any) -> list[Any]:
        """What came of a batch; refusals change nothing, which the audit and the next read would tell."""
        self.steps[name] += 1
        outcomes = self.run(self._acted(act, asked))
        for outcome in outcomes:
            self.steps[f"  {outcome.code}" if isinstance(outcome, Refusal) else "  done"] += 1
        return [outcome.txn for outcome in outcomes if isinstance(outcome, Posted) and not outcome.repeated]

    def bundled(self, txns: list[Any]) -> Any:
        self.amounts |= {txn.id: txn.amount for txn in txns}
        return multiple(*(txn.id for txn in txns))

    @rule(
        target=earned,
        each=st.lists(
            st.tuples(who, kinds, amounts.map(lambda amount: amount * 5), spans, spans), min_size=1, max_size=4
        ),
    )
    def earn(self, each: list[Any]) -> Any:
        entries = [
            make.credit(
                self.ids[name],
                amount,
                self.now,
                kind=kind,
                activates_at=self.now + later if later else None,
                expires_at=self.now + expires if expires is not None else None,
            )
            for name, kind, amount, later, expires in each
        ]
        return self.bundled(self.did("earn", ledger.post, entries))

    @rule(target=spent, each=st.lists(st.tuples(who, kinds, amounts, st.booleans()), min_size=1, max_size=4))
    def spend(self, each: list[Any]) -> Any:
        entries = [
            make.debit(self.ids[name], amount, self.now, kind=kind, type="adjust" if by_hand else "redeem")
            for name, kind, amount, by_hand in each
        ]
        return self.bundled(self.did("spend", ledger.post, entries))

    @rule(target=held, name=who, kind=kinds, amount=amounts, hours=st.integers(1, 50))
    def hold(self, name: str, kind: Any, amount: int, hours: int) -> Any:
        until = self.now + timedelta(hours=hours)
        asked = Hold(customer_id=self.ids[name], kind=kind, amount=amount, held_until=until, occurred_at=self.now)
        return self.bundled(self.did("hold", ledger.hold, [asked]))

    @rule(target=spent, id=held, part=parts)
    def capture(self, id: UUID, part: int) -> Any:
        amount = self.amounts[id] * part // 100 if part != 101 else None
        txns = self.did("capture", ledger.capture, [Ending(hold_id=id, amount=amount, occurred_at=self.now)])
        for txn in txns:
            self.amounts[id] = txn.amount
        return multiple(*(id for _ in txns))

    @rule(id=held)
    def void(self, id: UUID) -> None:
        self.did("void", ledger.void, [Ending(hold_id=id, occurred_at=self.now)])

    @rule(each=st.lists(st.tuples(earned, parts), min_size=1, max_size=3))
    def claw_back(self, each: list[tuple[UUID, int]]) -> None:
        self._reverse("claw_back", ledger.claw_back, each)

    @rule(each=st.lists(st.tuples(spent, parts), min_size=1, max_size=3))
    def give_back(self, each: list[tuple[UUID, int]]) -> None:
        self._reverse("give_back", ledger.give_back, each)

    def _reverse(self, name: str, act: Any, each: list[tuple[UUID, int]]) -> None:
        asked = [Reversal(txn_id=id, target=self.amounts[id] * part // 100, occurred_at=self.now) for id, part in each]
        for txn in self.did(name, act, asked):
            self.given[txn.source_txn_id] += txn.amount if txn.act == name else -txn.amount
            assert 0 <= self.given[txn.source_txn_id] <= self.amounts[txn.source_txn_id]

    @rule(pair=st.permutations(PEOPLE), sure=st.integers(0, 3))
    def merge(self, pair: list[str], sure: int) -> None:
        if not sure:
            self.steps["merge"] += 1
            self.run(self._acted(ledger.merge, [Merge(self.ids[pair[0]], self.ids[pair[1]])]))

    @rule(name=who, kind=kinds)
    def settle(self, name: str, kind: str) -> None:
        self.steps["settle"] += 1
        self.run(self._acted(ledger.settle, [Due(ledger.SETTLE, f"{self.ids[name]}:{kind}", self.now)]))

    @rule(hours=st.sampled_from((1, 5, 23, 24, 25, 100, 24 * 40)))
    def jump(self, hours: int) -> None:
        self.steps["jump"] += 1
        self.now += timedelta(hours=hours)

    @rule(
        expiry=st.sampled_from(("never", "per_lot", "inactivity")),
        claw_back=st.sampled_from(("pending", "balance", "debt")),
        days=st.integers(1, 30),
        grace=st.integers(0, 3),
        zone=st.sampled_from(("UTC", "Pacific/Kiritimati", "America/New_York")),
    )
    def change_rules(self, expiry: str, claw_back: str, days: int, grace: int, zone: str) -> None:
        self.steps["rules"] += 1
        book = {"expiry": expiry, "claw_back": claw_back, "expire_after": days, "expire_unit": "days"}
        book |= {"hold_grace_days": grace, "give_back_grace_days": grace}
        self.shop = self.run(self._changed({"time_zone": zone, "settings": {"book": book}}))

    async def _changed(self, changes: dict[str, Any]) -> tenancy.Workspace:
        async with self.db.transaction() as tx:
            return await tenancy.change_workspace(tx, self.shop.id, changes, self.now)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "shop"):
            self.run(self._check())

    async def _check(self) -> None:
        assert await make.audited(self.db, self.shop.id) is None
        async with self.db.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SET TRANSACTION READ WRITE")
            tx = Tx(connection)
            read = await ledger.balances(tx, self.shop, list(self.ids.values()), self.now)
            dues = [Due(ledger.SETTLE, f"{self.ids[name]}:{kind}", self.now) for name, kind in WALLETS]
            await ledger.settle(tx, self.shop, dues, self.now)
            settled = await tx.fetch(
                "SELECT customer_id, kind, available, pending, held, debt FROM ledger_wallet WHERE workspace_id = $1",
                self.shop.id,
            )
            for customer_id, kind, *stands in settled:
                said = read[customer_id][kind]
                assert stands == [said.available, said.pending, said.held, said.debt]
            await transaction.rollback()


def test_the_book_holds_whatever_comes(database_url: str) -> None:
    Book.loop, Book.steps = asyncio.new_event_loop(), Counter()
    Book.db = Book.loop.run_until_complete(Database.connect(database_url, connections_max=2))
    soaking = settings(
        max_examples=200 if SOAK_STEPS else 12,
        stateful_step_count=60 if SOAK_STEPS else 25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        while True:
            run_state_machine_as_test(Book, settings=soaking)
            steps = sum(count for name, count in Book.steps.items() if not name.startswith(" "))
            if steps >= SOAK_STEPS:
                break
            sys.stdout.write(f"{steps:,} of {SOAK_STEPS:,} steps\n")
            sys.stdout.flush()
        sys.stdout.write(f"{steps:,} steps, each audited: {dict(Book.steps)}\n")
    finally:
        Book.loop.run_until_complete(Book.db.close())
        Book.loop.close()
