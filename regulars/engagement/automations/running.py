"""People go from step to step, a batch at a time: what each round does, it does for all who are at steps of a kind."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import conditions, customers, delivery, events, ledger, limits, triggers
from regulars.conditions import Condition, Test
from regulars.customers import Customer
from regulars.engagement import messages, segments
from regulars.engagement.automations import model
from regulars.engagement.automations.beginning import wait_until
from regulars.engagement.automations.model import INSIDE, Flow, Part, Run, RunState
from regulars.engagement.automations.store import Key, count, flows, look_again, sql
from regulars.engagement.messages.model import NewMessage
from regulars.events import Event, NewEvent
from regulars.kit import Reading, Refusal, Tx, new_ids, shaped
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.triggers import RANDOM, Fire

compiled: Callable[[Condition, ZoneInfo], Test] = lru_cache(4_096)(conditions.compiled)


async def wake(tx: Tx, workspace: Workspace, _: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: those whose time has come, a page at a time.

    Lock order: the shop's turn, runs, then what steps do, kind by kind as people come to them: messages and lanes;
    wallets, then counters of budgets; customers by id. Of a shop only one does it at a time: who else holds any of
    these is a door, and if the two wait for each other, one of them is run again."""
    await tx.fetch(sql.take_turn, workspace.id)
    due = await tx.all(Run, sql.due_runs, workspace.id, now, limits.AUTOMATION_RUNS_MAX)
    batch = Batch(tx, workspace, now)
    await batch.go(due)
    await batch.write()
    await look_again(tx, workspace.id, now)


def way(run_id: UUID, step_id: str, shares: Sequence[int]) -> int:
    """Which of the ways is drawn for somebody, always the same."""
    drawn = int.from_bytes(blake2b(run_id.bytes + step_id.encode(), digest_size=8).digest()) % 100
    return next(n for n in range(len(shares)) if drawn < sum(shares[: n + 1]))


class Place(NamedTuple):
    """A step of a version, and those who are at it."""

    flow: Flow
    id: str
    step: Any
    runs: list[Run]

    @property
    def after(self) -> str:
        return self.flow.after[self.id]


def _all(there: Sequence[Place]) -> list[Run]:
    return [run for place in there for run in place.runs]


class Batch:
    """Runs on their way in one transaction, under the shop's turn. `came` is what somebody has waited for, by run."""

    def __init__(self, tx: Reading, workspace: Workspace, now: datetime) -> None:
        self.tx, self.workspace, self.now = cast("Tx", tx), workspace, now  # who only looks writes nothing
        self.came: dict[UUID, Event] = {}
        self.runs: dict[UUID, Run] = {}
        self._new: set[UUID] = set()
        self._flows: dict[tuple[UUID, int], Flow] = {}
        self._bodies: dict[UUID | None, str] = {}
        self._passages: list[tuple[Any, ...]] = []
        self._counts = Counter[Key]()
        self._do: Mapping[type[Part], Callable[[list[Place]], Awaitable[None]]] = {
            model.Wait: self._wait,
            model.WaitEvent: self._wait_event,
            model.Branch: self._branch,
            model.Split: self._split,
            model.SendMessage: self._send,
            model.Reward: self._reward,
            model.SendEvent: self._send_event,
            model.SetProperty: self._set,
            model.Exit: self._exit,
        }

    async def know(self, runs: Iterable[Run]) -> None:
        """The versions that they go by."""
        wanted = {(run.automation_id, run.version) for run in runs} - self._flows.keys()
        self._flows |= await flows(self.tx, self.workspace.id, wanted)

    def flow(self, run: Run) -> Flow:
        return self._flows[run.automation_id, run.version]

    def step(self, run: Run) -> Any:
        return self.flow(run).steps[run.at_step]

    def enter(self, runs: Sequence[Run], flow: Flow) -> None:
        """All of one version."""
        of = runs[0].automation_id, runs[0].version
        self._flows[of] = flow
        self._new.update(run.id for run in runs)
        self._counts[*of, "", "entered", ""] += len(runs)
        self._arrive(runs, flow.first)

    async def go(self, runs: Sequence[Run]) -> None:
        """As far as they come now; those who are held, no step."""
        await self.know(runs)
        self.runs |= {run.id: run for run in runs}
        going = [run for run in runs if run.state in INSIDE and not run.held]
        while going:
            places, kinds = defaultdict[tuple[UUID, int, str], list[Run]](list), defaultdict[Any, list[Place]](list)
            for run in going:
                places[run.automation_id, run.version, run.at_step].append(run)
            for (id, version, step_id), some in places.items():
                flow = self._flows[id, version]
                step = flow.steps[step_id]
                kinds[type(step)].append(Place(flow, step_id, step, some))
            for kind, there in kinds.items():
                await self._do[kind](there)
            going = [run for run in going if run.state == "active"]

    async def write(self) -> None:
        runs = sorted(self.runs.values(), key=lambda run: run.id)
        for statement, new in ((sql.enter_runs, True), (sql.save_runs, False)):
            rows = [msgspec.structs.astuple(run) for run in runs if (run.id in self._new) is new]
            if rows:
                self.tx.write(statement, self.workspace.id, *shaped(rows, 3))
        if self._passages:
            self.tx.write(sql.insert_passages, self.workspace.id, *shaped(self._passages, 2), self.now)
        count(self.tx, self.workspace.id, self._counts)

    async def payloads(self, runs: Sequence[Run], trees: Iterable[Condition | None]) -> dict[UUID, dict[Any, Any]]:
        """By run, what conditions may ask: what the event said, and what is true of the customer now."""
        asked = [tree for tree in trees if tree is not None]
        if not asked:
            return {run.id: {} for run in runs}
        ids = sorted({run.customer_id for run in runs})
        seen = await segments.seen(self.tx, self.workspace, ids, asked, self.now)
        await self.know_causes(runs)
        return {run.id: self.body(run.cause_id) | seen.get(run.customer_id, {}) for run in runs}

    async def know_causes(self, runs: Sequence[Run]) -> None:
        causes = {run.cause_id: run.cause_topic for run in runs if run.cause_id and run.cause_id not in self._bodies}
        self.said((await events.by_ids(self.tx, self.workspace.id, list(causes.items()))).values() if causes else ())

    def body(self, event_id: UUID | None) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._bodies.get(event_id) or "{}")
        return found

    def said(self, found: Iterable[Event]) -> None:
        self._bodies |= {event.id: event.body for event in found}

    def holds(self, tree: Condition | None, payload: Mapping[Any, Any]) -> bool:
        return tree is None or compiled(tree, self.workspace.zone)(payload, self.now)

    def end(self, run: Run, state: RunState, reason: str) -> None:
        self._counts[run.automation_id, run.version, run.at_step, "waiting", ""] -= run.state == "waiting"
        run.state, run.reason, run.wakes_at, run.waits_for, run.ended_at = state, reason, None, "", self.now
        self._counts[run.automation_id, run.version, "", state, reason] += 1
        self.runs[run.id] = run

    def on(
        self, runs: Sequence[Run], next: str, outcome: str, reason: str = "", *, ids: Sequence[UUID] | None = None
    ) -> None:
        """The step that they are all at is behind them."""
        if not runs:
            return
        of = runs[0].automation_id, runs[0].version, runs[0].at_step
        came = (*of, outcome, reason)
        ids = ids or new_ids(len(runs))
        self._passages += [(id, run.id, *came) for id, run in zip(ids, runs, strict=True)]
        self._counts[came] += len(runs)
        self._counts[*of, "waiting", ""] -= sum(run.state == "waiting" for run in runs)
        self._arrive(runs, next)

    def _arrive(self, runs: Sequence[Run], step_id: str) -> None:
        for run in runs:
            run.state, run.reason, run.wakes_at, run.waits_for = "active", "", self.now, ""
            if step_id:
                run.at_step, run.arrived_at = step_id, self.now
            else:
                self.end(run, "done", "")
        if step_id:
            self._counts[runs[0].automation_id, runs[0].version, step_id, "entered", ""] += len(runs)

    def _stay(self, runs: Sequence[Run], until: Sequence[datetime], *, waits_for: str = "", reason: str = "") -> None:
        """All at one step."""
        if runs:
            of = runs[0].automation_id, runs[0].version, runs[0].at_step
            self._counts[*of, "waiting", ""] += sum(run.state != "waiting" for run in runs)
        for run, at in zip(runs, until, strict=True):
            run.state, run.wakes_at, run.waits_for, run.reason = "waiting", at, waits_for, reason

    def _after(self, run: Run) -> str:
        return self.flow(run).after[run.at_step]

    async def _people(self, runs: Sequence[Run]) -> dict[UUID, Customer]:
        ids = sorted({run.customer_id for run in runs})
        return await customers.by_ids(self.tx, self.workspace.id, ids) if ids else {}

    async def _wait(self, there: list[Place]) -> None:
        people = await self._people(_all([place for place in there if place.step.until_property]))
        for place in there:
            ends = [
                (run, wait_until(place.step, run.arrived_at, people.get(run.customer_id), self.workspace.zone))
                for run in place.runs
            ]
            self._later(place, ends, "", place.after, "waited")

    def _later(
        self, place: Place, ends: Sequence[tuple[Run, datetime]], waits_for: str, next: str, outcome: str
    ) -> None:
        """Those whose wait is over go on, the others wait."""
        later = [one for one in ends if one[1] > self.now]
        if later:
            self._stay(*zip(*later, strict=True), waits_for=waits_for)
        self.on([run for run, until in ends if until <= self.now], next, outcome)

    async def _wait_event(self, there: list[Place]) -> None:
        for place in there:
            came, otherwise = place.flow.ways[place.id]
            heard = [run for run in place.runs if self.came.pop(run.id, None)]
            going = {run.id for run in heard}
            self.on(heard, came, "came")
            longest = timedelta(seconds=place.step.longest_s)
            ends = [(run, run.arrived_at + longest) for run in place.runs if run.id not in going]
            self._later(place, ends, place.step.topic, otherwise, "otherwise")

    async def _branch(self, there: list[Place]) -> None:
        known = await self.payloads(_all(there), [place.flow.conditions[place.id] for place in there])
        for place in there:
            asked, ways = place.flow.conditions[place.id], place.flow.ways[place.id]
            holds = {run.id: self.holds(asked, known[run.id]) for run in place.runs}
            for next, yes in zip(ways, (True, False), strict=True):
                self.on([run for run in place.runs if holds[run.id] is yes], next, "yes" if yes else "no")

    async def _split(self, there: list[Place]) -> None:
        for place in there:
            drawn = {run.id: way(run.id, place.id, place.step.shares) for run in place.runs}
            for n, next in enumerate(place.flow.ways[place.id]):
                self.on([run for run in place.runs if drawn[run.id] == n], next, f"way {n + 1}")

    async def leave(self, runs: Sequence[Run]) -> None:
        """Those of whom it is true now that they are to leave."""
        asked = [run for run in runs if self.flow(run).exit_when is not None]
        known = await self.payloads(asked, [self.flow(run).exit_when for run in asked])
        for run in asked:
            if self.leaves(run, known[run.id]):
                self.end(run, "left", "exit_when")

    def leaves(self, run: Run, payload: Mapping[Any, Any]) -> bool:
        return self.flow(run).exit_when is not None and self.holds(self.flow(run).exit_when, payload)

    async def _send(self, there: list[Place]) -> None:
        await self.leave(_all(there))
        no = await messages.unready(
            self.tx, self.workspace, {(one.step.template_id, one.step.sender_id) for one in there}
        )
        new = list[NewMessage]()
        for place in there:
            runs, of = (
                [run for run in place.runs if run.state in INSIDE],
                (place.step.template_id, place.step.sender_id),
            )
            if refusal := no.get(of):
                # It is nobody's fault who is inside: they wait until there is one.
                until = self.now + timedelta(seconds=limits.AUTOMATION_AGAIN_S)
                self._stay(runs, [until] * len(runs), reason=refusal.code)
                continue
            ids = new_ids(len(runs))
            new += [
                NewMessage(run.customer_id, of[0], "automation", run.automation_id, of[1], run.cause_id, id=id)
                for run, id in zip(runs, ids, strict=True)
            ]
            self.on(runs, place.after, "queued", ids=ids)
        await messages.send(self.tx, self.workspace, new, self.now)
        await self.tx.start()

    async def _reward(self, there: list[Place]) -> None:
        runs = _all(there)
        ids = new_ids(len(runs))
        fires = [
            Fire(trigger_id=self.step(run).trigger_id, lead_id=run.customer_id, cause_id=run.cause_id, depth=run.depth)
            for run in runs
        ]
        named = [msgspec.structs.replace(one, reference=f"automation:{id}") for one, id in zip(fires, ids, strict=True)]
        outcomes = await triggers.fire(self.tx, self.workspace, named, self.now, RANDOM)
        for run, id, one in zip(runs, ids, outcomes, strict=True):
            came = ("refused", one.code) if isinstance(one, Refusal) else (one.firing.state, one.firing.reason)
            self.on([run], self._after(run), *came, ids=[id])

    async def _send_event(self, there: list[Place]) -> None:
        runs = _all(there)
        people, shop = await self._people(runs), events.business(self.workspace)
        have = await ledger.available(self.tx, self.workspace, sorted(people), self.now)
        await self.know_causes(runs)
        told, queued = list[NewEvent](), list[tuple[delivery.Addressee, list[UUID]]]()
        for run, id in zip(runs, new_ids(len(runs)), strict=True):
            step, who = self.step(run), people[run.customer_id]
            body = self.body(run.cause_id) | events.common(shop, who, have.get(who.id, 0)) | {"lead_id": str(who.id)}
            text, depth = msgspec.json.encode(body).decode(), run.depth + 1
            told.append(NewEvent(step.name, who.id, text, self.now, id=id, cause_id=run.cause_id, depth=depth))
            queued.append((delivery.Addressee(step.integration_id, run.automation_id, "", step.name), [id]))
            self.on([run], self._after(run), "queued", ids=[id])
        await events.append(self.tx, self.workspace.id, told, self.now, announced=False)
        await delivery.queue(self.tx, self.workspace.id, queued, self.now)

    async def _set(self, there: list[Place]) -> None:
        """Those whose value can't be worked out, or is none that can be kept, go on as they were."""
        runs = _all(there)
        people = await self._people(runs)
        have = await ledger.available(self.tx, self.workspace, sorted(people), self.now)
        await self.know_causes(runs)
        changes, came = list[customers.Change](), dict[UUID, tuple[str, str]]()
        for run in runs:
            step, who = self.step(run), people[run.customer_id]
            coins, said = have.get(who.id, 0), self.body(run.cause_id) if run.cause_id else None
            value, because = step.value, {"cause_id": run.cause_id, "depth": run.depth + 1}
            try:
                if isinstance(value, str):
                    value = messages.line_of(self.workspace, value, who, coins, said)
                changes.append(customers.Change(run.customer_id, step.changes(value), coins, because))
            except messages.Unfit:
                came[run.id] = "refused", "incomplete"
        outcomes = iter(await customers.change_all(self.tx, self.workspace, changes, self.now))
        for run in runs:
            if run.id not in came:
                one = next(outcomes)
                came[run.id] = ("refused", one.code) if isinstance(one, Refusal) else ("set", "")
            self.on([run], self._after(run), *came[run.id])

    async def _exit(self, there: list[Place]) -> None:
        for run in _all(there):
            self.end(run, "left", "exit")
