"""Back-tests: what a trigger, as it is or with another rule, would have given for past orders. A worker does them one
by one, from the beginning if another was killed in the middle; what came of it is kept until somebody forgets it."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from regulars import limits, orders, tenancy, triggers
from regulars.imports.applying import count
from regulars.imports.progress import Progress
from regulars.imports.runs import Steps, Work, carry_out
from regulars.kit import Clock, Conflict, Database, Faults, NotFound, Queries, Reading, Record, Tx, counted, new_id
from regulars.orders import Order
from regulars.tenancy import Workspace
from regulars.triggers import Rule, Trigger

_sql = Queries(__file__)


_AND_OTHERS = " Others are alike."


class Month(msgspec.Struct):
    """Of the orders placed in it."""

    month: str
    coins: int = 0
    really: int = 0


class Leader(msgspec.Struct, frozen=True):
    customer_id: UUID
    coins: int


class Tested(Progress):
    """Beside what would have been given stands what the trigger really gave for the same orders, without what was taken
    back. `lasting` and `lasting_really` are of those coins how many would be there today, by the shop's expiry, if
    nobody had spent any. `leaders` get most."""

    really_rewards: int = 0
    really_coins: int = 0
    lasting: int = 0
    lasting_really: int = 0
    months: list[Month] = msgspec.field(default_factory=list)
    leaders: list[Leader] = msgspec.field(default_factory=list)

    def say_refused(self, reason: str, words: str) -> None:
        """Each reason once, in the words of its first order: they differ from order to order."""
        known = next((said for said, why in self.reasons.items() if why.reason == reason), words)
        if known != words and not known.endswith(_AND_OTHERS):
            self.reasons[known + _AND_OTHERS] = self.reasons.pop(known)
            known += _AND_OTHERS
        super().say_refused(reason, known)

    @property
    def liability(self) -> int:
        """What it adds to what the shop owes."""
        return self.lasting - self.lasting_really


class Terms(msgspec.Struct, frozen=True):
    """What is tested: the rule, `changed` if it is another than the one kept as `version`, over orders placed from
    `since` on and before `until`. `further`: what applying it now would give beside what it gave."""

    version: int
    rule: Rule
    changed: bool
    name: str = ""
    further: bool = False
    since: datetime | None = None
    until: datetime | None = None


class Backtest(Work, frozen=True):
    trigger_id: UUID
    terms: Terms
    progress: Tested

    def said(self, coin_name: str) -> str:
        """What came of it in a sentence."""
        found = self.progress
        given = f"{counted(found.coins, coin_name)} for {counted(found.rewards, 'orders')}"
        if self.terms.further:
            return f"Applied now, it would give {given}."
        really = f"{found.really_coins:,} for {found.really_rewards:,}" if found.really_coins else "nothing"
        more = "adds" if found.liability >= 0 else "takes"
        direction = "to" if found.liability >= 0 else "from"
        owed = f"That {more} {counted(abs(found.liability), coin_name)} {direction} what you owe customers"
        return f"It would have given {given}; it really gave {really}. {owed}, if nobody had spent any."


async def order_backtest(
    tx: Tx, shop: Workspace, trigger: Trigger, terms: Terms, now: datetime, *, actor: str
) -> Backtest:
    """Have it done by a worker. `terms.rule` is checked. Raises Invalid; Conflict when the trigger does not react to
    orders, or too many are waiting or kept."""
    faults = Faults()
    if len(terms.name) > limits.NAME_CHARS_MAX or "\x00" in terms.name:
        faults.add("name", f"at most {limits.NAME_CHARS_MAX} characters")
    if terms.since and terms.until and terms.until <= terms.since:
        faults.add("until", "a time after since")
    faults.check()
    if trigger.source != "order":
        raise Conflict("Only a trigger that reacts to orders can be tried on past orders.")
    kept, unfinished = await tx.fetchrow(_sql.count_backtests, shop.id) or (0, 0)
    if unfinished >= limits.BACKTESTS_WAITING_MAX:
        raise Conflict(f"{unfinished} back-tests are not done yet. Wait for one, or cancel it.")
    if kept >= limits.BACKTESTS_KEPT_MAX:
        raise Conflict(f"A shop keeps {limits.BACKTESTS_KEPT_MAX} back-tests at most. Forget one that you do not need.")
    id, placed = new_id(), await orders.count(tx, shop.id)
    said, nothing = msgspec.to_builtins(terms), msgspec.to_builtins(Tested())
    await tx.execute(_sql.insert_backtest, shop.id, id, trigger.id, actor, said, placed, nothing, now)
    return await get_backtest(tx, shop.id, id)


async def get_backtest(tx: Reading, workspace_id: UUID, id: UUID) -> Backtest:
    """Raises NotFound."""
    row = await tx.fetchrow(_sql.backtest, workspace_id, id)
    if row is None:
        raise NotFound("This back-test does not exist.")
    return _backtest(row)


async def newest_backtests(tx: Reading, workspace_id: UUID, trigger_id: UUID, limit: int) -> list[Backtest]:
    return [_backtest(row) for row in await tx.fetch(_sql.backtests, workspace_id, trigger_id, limit)]


async def drop_backtest(tx: Tx, workspace_id: UUID, id: UUID, now: datetime) -> str:
    """Cancel it if it is not done, forget it if it is: what was done. Raises NotFound."""
    if await tx.fetchval(_sql.cancel_backtest, workspace_id, id, now):
        return "cancelled"
    if not await tx.fetchval(_sql.forget_backtest, workspace_id, id):
        raise NotFound("This back-test does not exist.")
    return "forgotten"


async def run_backtest(db: Database, clock: Clock) -> bool:
    """Do the one that waits longest, of any shop; False when none does."""
    now = clock.now()
    lost = now - timedelta(seconds=limits.IMPORT_LOST_S)
    async with db.reading() as tx:
        due = await tx.fetchrow(_sql.due_backtest, lost)
    if due is None:
        return False
    async with db.transaction() as tx:
        row = await tx.fetchrow(_sql.take_backtest, *due, lost, now)
        if row is None:
            return True  # another worker was first
        found, shop = _backtest(row), await tenancy.get_workspace(tx, due[0])
        trigger = await triggers.find_trigger(tx, shop.id, found.trigger_id)
    await carry_out(db, clock, shop.id, found.id, test(db, shop, trigger, found, now), broken="failed", cut="waiting")
    return True


async def test(db: Database, shop: Workspace, trigger: Trigger, found: Backtest, now: datetime) -> Steps:
    """Batch by batch, how many orders were seen and what came of them so far."""
    terms, tested, seen = found.terms, Tested(), 0
    trigger = msgspec.structs.replace(trigger, rule=terms.rule)
    random = Random(found.id.int)  # noqa: S311 - tried again it draws the same, and nobody gets what is drawn
    past = triggers.Past(shop, trigger, now, random, further=terms.further)
    coins, months = Counter[UUID](), dict[str, Month]()
    last: Order | None = None
    more = True
    while more:
        async with db.reading() as tx:
            placed = await orders.next_orders(tx, shop.id, last, limits.BACKTEST_ORDERS_PER_BATCH)
            more = len(placed) == limits.BACKTEST_ORDERS_PER_BATCH
            last = placed[-1] if placed else None
            if terms.until and placed and placed[-1].placed_at >= terms.until:
                placed, more = [order for order in placed if order.placed_at < terms.until], False
            looks = await past.look(tx, placed, terms.since) if placed else []
            really = await past.really(tx, [one.order for one in looks]) if looks else {}
        seen += len(placed)
        count(tested, looks, coins)
        for one in looks:
            gave, name = really.get(one.order.id, 0), one.order.placed_at.astimezone(shop.zone).strftime("%Y-%m")
            month = months.setdefault(name, Month(name))
            month.coins += one.coins
            month.really += gave
            tested.really_rewards += gave > 0
            tested.really_coins += gave
            if past.lasts(one.order):
                tested.lasting += one.coins
                tested.lasting_really += gave
        tested.months = list(months.values())
        tested.leaders = [Leader(*one) for one in coins.most_common(limits.BACKTEST_LEADERS)]
        yield seen if more else found.size_total, tested


def _backtest(row: Record) -> Backtest:
    return msgspec.convert(dict(row), Backtest)
