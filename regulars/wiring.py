"""The one place where the parts are plugged together: what every door and loop of a process shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from regulars import (
    customers,
    days,
    events,
    ledger,
    limits,
    people,
    referrals,
    reminders,
    rewards,
    shops,
    tenancy,
    triggers,
)
from regulars.channels import written_by
from regulars.engagement import automations, campaigns, messages
from regulars.kit import Clock, Database, Reading, Refusal, SecretBox, Tx, again_when_raced, once, tracing
from regulars.kit.batch import Gatherer
from regulars.kit.db import RACED, REJECTED
from regulars.kit.mail import Outside
from regulars.kit.secrets import derived
from regulars.kit.settings import Settings
from regulars.rewards import Ask, Issued
from regulars.tenancy import Workspace
from regulars.triggers import RANDOM, Fire, Fired

people.also(shops.forget, hooks=shops.look)
triggers.letters_by(messages.send_for_triggers, messages.find_template)
messages.origins["automation"] = automations.OfMessages()
messages.origins["campaign"] = campaigns.OfMessages()
rewards.discounts_at(shops.makes_discounts, shops.cannot_make)

Item = TypeVar("Item")
Result = TypeVar("Result")
Part = TypeVar("Part")


class Answered(msgspec.Struct, frozen=True, gc=False):
    """What a call is answered with. `hit`: it is the stored answer of an earlier call with the same key."""

    status: int
    body: str
    hit: bool = False


class Call(msgspec.Struct, Generic[Item, Result], frozen=True, gc=False):
    """One caller's item, the Idempotency-Key it came with ('' for none), and how its result is put into words. `about`
    names the customer, if the caller does."""

    workspace: Workspace
    item: Item
    render: Callable[[Result], tuple[int, str]]
    key: str = ""
    fingerprint: bytes = b""
    about: UUID | str | None = None
    traceparent: str | None = msgspec.field(default_factory=tracing.here)


class Gathered(Generic[Item, Result]):
    """An act of which concurrent calls of a workspace share one transaction; each happens once per Idempotency-Key."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        act: Callable[[Tx, Workspace, Sequence[Item], datetime], Awaitable[Sequence[Result | Refusal]]],
    ) -> None:
        self._db = db
        self._clock = clock
        self._act = act
        self._looks_left = 0
        self._gatherer: Gatherer[Call[Item, Result], Answered | BaseException] = Gatherer(
            self._flush, items_max=limits.GATHER_ITEMS_MAX
        )

    async def __call__(self, call: Call[Item, Result]) -> Answered:
        """Answers after the commit. Raises the Refusal of a call that stored nothing."""
        answer = await self._gatherer.submit(call.workspace.id, call)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _flush(self, group: Hashable, calls: Sequence[Call[Item, Result]]) -> Sequence[Answered | BaseException]:
        # Calls that come again are rare, so stored answers are not looked for until there is a sign of them: a key that
        # turns out to be taken undoes the transaction, as a drawn referral code does. Run again, it looks.
        looks = self._looks_left > 0
        self._looks_left -= looks

        async def transact() -> list[Answered | Refusal]:
            nonlocal looks
            look, looks = looks, True
            with tracing.shared("commit", ((call.about, call.traceparent) for call in calls)):
                return await self._commit(calls, look)

        try:
            return await again_when_raced(transact)
        except (*RACED, *REJECTED):
            if len(calls) == 1:
                raise
        # Whichever of them it is that can't be stored fails by itself, and each of the others has its own answer.
        return [await self._alone(group, call) for call in calls]

    async def _alone(self, group: Hashable, call: Call[Item, Result]) -> Answered | BaseException:
        flush = self._flush(group, [call])
        (answers,) = await asyncio.gather(flush, return_exceptions=True)
        return answers if isinstance(answers, BaseException) else answers[0]

    async def _commit(self, calls: Sequence[Call[Item, Result]], look: bool) -> list[Answered | Refusal]:
        workspace = calls[-1].workspace  # as the last caller's key was found with it, at most KEY_CACHE_S ago
        async with self._db.transaction(more_soon=len(calls) >= limits.GATHER_BUSY_ITEMS) as tx:
            now = self._clock.now()
            known = await self._recall(tx, workspace, calls) if look else {}
            # Two calls with one new key can share a batch: only the first of them acts.
            firsts = {call.key: n for n, call in reversed(list(enumerate(calls))) if call.key and call.key not in known}
            acting = [n for n, call in enumerate(calls) if not call.key or firsts.get(call.key) == n]
            results = await self._act(tx, workspace, [calls[n].item for n in acting], now)
            answers: dict[int, Answered | Refusal] = {}
            new: list[once.Answer] = []
            for n, result in zip(acting, results, strict=True):
                if isinstance(result, Refusal):
                    answers[n] = result
                    continue
                status, body = calls[n].render(result)
                answers[n] = Answered(status, body)
                if calls[n].key:
                    new.append(once.Answer(calls[n].key, calls[n].fingerprint, status, body))
            if new:
                once.remember(tx, workspace.id, new)
            refused = [calls[n] for n in acting if calls[n].key and n in answers and isinstance(answers[n], Refusal)]
            if refused and not look:
                # A refusal stores no answer, so no key was seen to be taken: the call may have been answered before.
                known = await self._recall(tx, workspace, refused)
                answers = {n: answer for n, answer in answers.items() if calls[n].key not in known}
        known |= {answer.key: answer for answer in new}
        for n, call in enumerate(calls):
            if n in answers:
                continue
            if call.key in known:
                answers[n] = _again(call, known[call.key])
            else:
                # Its twin in this batch was refused, which stores no answer.
                twin = firsts[call.key]
                same = calls[twin].fingerprint == call.fingerprint
                answers[n] = answers[twin] if same else once.KeyReused()
        return [answers[n] for n in range(len(calls))]

    async def _recall(
        self, tx: Reading, workspace: Workspace, calls: Sequence[Call[Item, Result]]
    ) -> dict[str, once.Answer]:
        known = await once.recall(tx, workspace.id, [call.key for call in calls if call.key])
        if known:
            self._looks_left = limits.FLUSHES_LOOKING_AFTER_REPLAY
        return known


def _again(call: Call[Any, Any], answer: once.Answer) -> Answered | Refusal:
    try:
        return Answered(answer.status, answer.again(call.fingerprint), hit=True)
    except Refusal as refusal:
        return refusal


async def open_shop(tx: Tx, name: str, *, now: datetime, **fields: Any) -> Workspace:
    """`tenancy.create_workspace`, and what runs by itself in a shop begins."""
    shop = await tenancy.create_workspace(tx, name, now=now, **fields)
    await days.begin(tx, shop, now)
    await reminders.begin(tx, shop, now)
    return shop


async def change_shop(tx: Tx, shop: Workspace, changes: dict[str, Any], now: datetime) -> Workspace:
    """`tenancy.change_workspace`, and what goes by the shop's clock or by its rules for coins goes by the new ones."""
    changed = await tenancy.change_workspace(tx, shop.id, changes, now)
    customers.check_declared(shop, changed)
    if changed.time_zone != shop.time_zone:
        await days.begin(tx, changed, now)
    await ledger.rules_changed(tx, shop, changed, now)
    await referrals.check_rules(tx, changed)
    return changed


class App:
    """Opened once per process, by `await App.open(settings)`, and ended by `close`."""

    def __init__(self, settings: Settings, db: Database, clock: Clock, http: Outside, box: SecretBox) -> None:
        self.settings = settings
        self.db = db
        self.clock = clock
        self.http = http
        self.box = box
        self.links = messages.Links(settings.address(), derived(settings.secret(), b"links in messages"))
        written_by(messages.Author(self.links))
        self.fingerprint = partial(once.fingerprint, derived(settings.secret(), b"idempotency fingerprints"))
        self.fire: Gathered[Fire, Fired] = Gathered(db, clock, self._fire)
        self.issue: Gathered[Ask, Issued] = Gathered(db, clock, rewards.issue)
        self._triggers: dict[UUID, tuple[datetime, triggers.Known]] = {}
        db.remembering(self._forget)
        self.tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, settings: Settings, *, clock: Clock | None = None) -> App:
        """Raises NoDatabase, and OSError or the driver's PostgresError when the database can't be reached."""
        db = await Database.connect(settings.shared_database_url())
        events.serve_at(settings.address())
        http = Outside(allow_loopback=settings.allow_loopback)
        tracing.begin()
        return cls(settings, db, clock or settings.clock(), http, SecretBox(settings.secret()))

    def _forget(self, workspace_id: UUID) -> None:
        self._triggers.pop(workspace_id, None)

    async def _fire(
        self, tx: Tx, workspace: Workspace, fires: Sequence[Fire], now: datetime
    ) -> Sequence[Fired | Refusal]:
        # Forgotten when one of them changes; read anew now and then, as keys are, since that may not have been heard.
        fresh_until, known = self._triggers.get(workspace.id, (now, triggers.Known()))
        if fresh_until <= now:
            while len(self._triggers) >= limits.WORKSPACES_CACHED_MAX:
                del self._triggers[next(iter(self._triggers))]
            known = triggers.Known()
            self._triggers[workspace.id] = now + timedelta(seconds=limits.KEY_CACHE_S), known
        return await triggers.fire(tx, workspace, fires, now, RANDOM, known=known)

    async def have_made(self, shop: Workspace, coupon_id: UUID, now: datetime) -> None:
        """Its discount, where the shop sells: not inside a transaction. Raises DiscountRefused."""
        coupon = await shops.discounted(self.db, self.http, self.box, shop, coupon_id, now)
        if coupon.status == "cancelled" and coupon.discount_said:
            why = coupon.discount_said
            raise rewards.DiscountRefused(f"The coupon could not be made in the shop, nothing was taken. {why}")

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it in this process beside its requests. It must be able to be cut off: `close` does."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        # It has begun when this returns: cut off before its first step, it would not come to what it does at its end.
        await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(self.http.__aexit__(None, None, None), self.db.close(), tracing.end())


PARTS = "regulars.parts"
"""Under which a request's scope holds what of an opened `App` answers it, by type. Routes are made once for a process,
and know none."""


def part(scope: Any, kind: type[Part]) -> Part:
    found: Part = scope[PARTS][kind]
    return found
