"""People go from step to step, a batch at a time: what each round does, it does for all who are at steps of a kind."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, cast
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
from regulars.kit import Reading, Refusal, Tx, new_id, shaped
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


def _row(run: Run) -> tuple[Any, ...]:
    """What each has of its own comes first."""
    id, automation_id, version, customer_id, cause_id, *shared = msgspec.structs.astuple(run)
    return id, customer_id, cause_id, automation_id, version, *shared


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
        self._do: Mapping[type[Part], Callable[[list[Run]], Awaitable[None]]] = {
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

    def enter(self, run: Run, flow: Flow) -> None:
        self._flows[run.automation_id, run.version] = flow
        self._new.add(run.id)
        self._counts[run.automation_id, run.version, "", "entered", ""] += 1
        self._arrive(run, flow.first)

    async def go(self, runs: Sequence[Run]) -> None:
        """As far as they come now; those who are held, no step."""
        await self.know(runs)
        self.runs |= {run.id: run for run in runs}
        going = [run for run in runs if run.state in INSIDE and not run.held]
        while going:
            kinds = defaultdict[type[Part], list[Run]](list)
            for run in going:
                kinds[type(self.step(run))].append(run)
            for kind, some in kinds.items():
                await self._do[kind](some)
            going = [run for run in going if run.state == "active"]

    async def write(self) -> None:
        runs = sorted(self.runs.values(), key=lambda run: run.id)
        for statement, new in ((sql.enter_runs, True), (sql.save_runs, False)):
            rows = [_row(run) for run in runs if (run.id in self._new) is new]
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
        self._gone(run)
        run.state, run.reason, run.wakes_at, run.waits_for, run.ended_at = state, reason, None, "", self.now
        self._counts[run.automation_id, run.version, "", state, reason] += 1
        self.runs[run.id] = run

    def on(self, run: Run, next: str, outcome: str, reason: str = "", *, id: UUID | None = None) -> None:
        """The step is behind them."""
        row = (id or new_id(), run.id, run.automation_id, run.version, run.at_step, outcome, reason)
        self._passages.append(row)
        self._counts[run.automation_id, run.version, run.at_step, outcome, reason] += 1
        self._gone(run)
        self._arrive(run, next)

    def _gone(self, run: Run) -> None:
        self._counts[run.automation_id, run.version, run.at_step, "waiting", ""] -= run.state == "waiting"

    def _arrive(self, run: Run, step_id: str) -> None:
        run.state, run.reason, run.wakes_at, run.waits_for = "active", "", self.now, ""
        if not step_id:
            return self.end(run, "done", "")
        run.at_step, run.arrived_at = step_id, self.now
        self._counts[run.automation_id, run.version, step_id, "entered", ""] += 1
        return None

    def _stay(self, run: Run, until: datetime, *, waits_for: str = "", reason: str = "") -> None:
        self._counts[run.automation_id, run.version, run.at_step, "waiting", ""] += run.state != "waiting"
        run.state, run.wakes_at, run.waits_for, run.reason = "waiting", until, waits_for, reason

    def _after(self, run: Run) -> str:
        return self.flow(run).after[run.at_step]

    async def _people(self, runs: Sequence[Run]) -> dict[UUID, Customer]:
        ids = sorted({run.customer_id for run in runs})
        return await customers.by_ids(self.tx, self.workspace.id, ids) if ids else {}

    async def _wait(self, runs: list[Run]) -> None:
        people = await self._people([run for run in runs if self.step(run).until_property])
        for run in runs:
            until = wait_until(self.step(run), run.arrived_at, people.get(run.customer_id), self.workspace.zone)
            if until > self.now:
                self._stay(run, until)
            else:
                self.on(run, self._after(run), "waited")

    async def _wait_event(self, runs: list[Run]) -> None:
        for run in runs:
            step, (came, otherwise) = self.step(run), self.flow(run).ways[run.at_step]
            until = run.arrived_at + timedelta(seconds=step.longest_s)
            if self.came.pop(run.id, None):
                self.on(run, came, "came")
            elif until > self.now:
                self._stay(run, until, waits_for=step.topic)
            else:
                self.on(run, otherwise, "otherwise")

    async def _branch(self, runs: list[Run]) -> None:
        asked = {run.id: self.flow(run).conditions[run.at_step] for run in runs}
        known = await self.payloads(runs, asked.values())
        for run in runs:
            yes, no = self.flow(run).ways[run.at_step]
            holds = self.holds(asked[run.id], known[run.id])
            self.on(run, yes if holds else no, "yes" if holds else "no")

    async def _split(self, runs: list[Run]) -> None:
        for run in runs:
            drawn = way(run.id, run.at_step, self.step(run).shares)
            self.on(run, self.flow(run).ways[run.at_step][drawn], f"way {drawn + 1}")

    async def leave(self, runs: Sequence[Run]) -> None:
        """Those of whom it is true now that they are to leave."""
        asked = [run for run in runs if self.flow(run).exit_when is not None]
        known = await self.payloads(asked, [self.flow(run).exit_when for run in asked])
        for run in asked:
            if self.leaves(run, known[run.id]):
                self.end(run, "left", "exit_when")

    def leaves(self, run: Run, payload: Mapping[Any, Any]) -> bool:
        return self.flow(run).exit_when is not None and self.holds(self.flow(run).exit_when, payload)

    async def _send(self, runs: list[Run]) -> None:
        await self.leave(runs)
        left = [(run, self.step(run)) for run in runs if run.state in INSIDE]
        no = await messages.unready(self.tx, self.workspace, {(step.template_id, step.sender_id) for _, step in left})
        new = []
        for run, step in left:
            if no and (refusal := no.get((step.template_id, step.sender_id))):
                # It is nobody's fault who is inside: they wait until there is one.
                self._stay(run, self.now + timedelta(seconds=limits.AUTOMATION_AGAIN_S), reason=refusal.code)
                continue
            one = NewMessage(
                customer_id=run.customer_id,
                template_id=step.template_id,
                source_kind="automation",
                source_id=run.automation_id,
                sender_id=step.sender_id,
                cause_id=run.cause_id,
            )
            new.append(one)
            self.on(run, self._after(run), "queued", id=one.id)
        await messages.send(self.tx, self.workspace, new, self.now)

    async def _reward(self, runs: list[Run]) -> None:
        ids = [new_id() for _ in runs]
        fires = [
            Fire(trigger_id=self.step(run).trigger_id, lead_id=run.customer_id, cause_id=run.cause_id, depth=run.depth)
            for run in runs
        ]
        named = [msgspec.structs.replace(one, reference=f"automation:{id}") for one, id in zip(fires, ids, strict=True)]
        outcomes = await triggers.fire(self.tx, self.workspace, named, self.now, RANDOM)
        for run, id, one in zip(runs, ids, outcomes, strict=True):
            came = ("refused", one.code) if isinstance(one, Refusal) else (one.firing.state, one.firing.reason)
            self.on(run, self._after(run), *came, id=id)

    async def _send_event(self, runs: list[Run]) -> None:
        people, shop = await self._people(runs), events.business(self.workspace)
        have = await ledger.available(self.tx, self.workspace, sorted(people), self.now)
        await self.know_causes(runs)
        told, queued = list[NewEvent](), list[tuple[delivery.Addressee, list[UUID]]]()
        for run, id in ((run, new_id()) for run in runs):
            step, who = self.step(run), people[run.customer_id]
            body = self.body(run.cause_id) | events.common(shop, who, have.get(who.id, 0)) | {"lead_id": str(who.id)}
            text, depth = msgspec.json.encode(body).decode(), run.depth + 1
            told.append(NewEvent(step.name, who.id, text, self.now, id=id, cause_id=run.cause_id, depth=depth))
            queued.append((delivery.Addressee(step.integration_id, run.automation_id, "", step.name), [id]))
            self.on(run, self._after(run), "queued", id=id)
        await events.append(self.tx, self.workspace.id, told, self.now, announced=False)
        await delivery.queue(self.tx, self.workspace.id, queued, self.now)

    async def _set(self, runs: list[Run]) -> None:
        """Those whose value can't be worked out, or is none that can be kept, go on as they were."""
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
            self.on(run, self._after(run), *came[run.id])

    async def _exit(self, runs: list[Run]) -> None:
        for run in runs:
            self.end(run, "left", "exit")
