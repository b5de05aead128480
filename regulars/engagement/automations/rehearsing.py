"""What would happen: a draft tried on what did happen, or with one customer. Nothing of it is written down."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, events, limits
from regulars.customers import Customer
from regulars.engagement import messages, segments
from regulars.engagement.automations import model
from regulars.engagement.automations.beginning import wait_until, whose
from regulars.engagement.automations.following import run_of_event, starts
from regulars.engagement.automations.model import Flow, Run
from regulars.engagement.automations.reading import checked
from regulars.engagement.automations.running import Batch, way
from regulars.engagement.automations.store import get
from regulars.engagement.messages.model import NewMessage
from regulars.events import Event
from regulars.kit import Reading, Tx, new_id
from regulars.tenancy import Workspace


class Would(msgspec.Struct, frozen=True):
    """A step that somebody would come to, when, and what would become of them there; of a message what it would say, as
    a template's preview does."""

    step_id: str
    at: datetime
    outcome: str
    content: dict[str, Any] | None = None


class Tried(msgspec.Struct, frozen=True):
    """Which way somebody would go."""

    customer: Customer
    event_id: UUID | None
    entered_at: datetime
    steps: list[Would]


class DryRun(msgspec.Struct, frozen=True):
    """Of so many events `looked_through` (or customers, where no event starts it) so many would have `entered`; `steps`
    is how many would have come to each step. The first few of them with all that they would have got."""

    looked_through: int
    entered: int
    steps: dict[str, int]
    people: list[Tried]


async def dry_run(tx: Reading, workspace: Workspace, id: UUID, days: int, now: datetime) -> DryRun:
    """The draft over the last so many days of the log, at most limits.AUTOMATION_TRIED_MAX events; what is asked of
    customers, as it is now. Raises Invalid where the draft can't be read, UnknownAutomation."""
    flow = checked((await get(tx, workspace.id, id)).draft, segments.language(workspace))
    rehearsal = Rehearsal(tx, workspace, flow, now)
    if flow.trigger.topic:
        about = {"since": now - timedelta(days=days), "limit": limits.AUTOMATION_TRIED_MAX}
        found = await events.recent(tx, workspace.id, topic=flow.trigger.topic, **about)  # type: ignore[arg-type]
        told = [one for one in reversed(found) if starts(flow, one)]
    else:
        who, most = whose(flow, now.astimezone(workspace.zone).date()), limits.AUTOMATION_TRIED_MAX
        ids = await segments.some_members(tx, workspace, who, now, most)
        told = [_nothing(one, now) for one in ids]
    tried = await rehearsal.all(told)
    steps = Counter(step.step_id for one in tried for step in one.steps)
    shown = [await rehearsal.worded(one) for one in tried[: limits.FAULTS_IN_WORDS_MAX]]
    return DryRun(len(told), len(tried), dict(steps), shown)


async def try_with(
    tx: Tx, workspace: Workspace, id: UUID, customer: Customer, now: datetime, *, test_to: str = ""
) -> Tried:
    """The draft with one customer, and the newest event of theirs or one made up, whether or not they would enter;
    `test_to`: each message of the way is sent there, at once. Raises as `dry_run`, and messages.NoSender."""
    flow = checked((await get(tx, workspace.id, id)).draft, segments.language(workspace))
    rehearsal, topic = Rehearsal(tx, workspace, flow, now), flow.trigger.topic
    found = await events.recent(tx, workspace.id, topic=topic, customer_id=customer.id, limit=1) if topic else []
    event = found[0] if found else _nothing(customer.id, now)
    if topic and not found:
        business = events.business(workspace)
        body = events.sample(topic, business, events.common(business, customer, 0), customer.id, now)
        event = msgspec.structs.replace(event, body=body, topic=topic)
    (tried,) = await rehearsal.all([msgspec.structs.replace(event, occurred_at=now)], anybody=True)
    if test_to:
        of = {"customer_id": customer.id, "source_kind": "test", "address": test_to, "source_id": id}
        steps = [flow.steps[one.step_id] for one in tried.steps]
        letters = [one for one in steps if isinstance(one, model.SendMessage)]
        new = [
            NewMessage(template_id=one.template_id, sender_id=one.sender_id, **of)  # type: ignore[arg-type]
            for one in letters
        ]
        await messages.send(tx, workspace, new, now)
    return await rehearsal.worded(tried)


def _nothing(customer_id: UUID, now: datetime) -> Event:
    """In place of an event, where none starts it."""
    return Event(new_id(), "", customer_id, None, 0, "{}", now, now)


class Rehearsal:
    def __init__(self, tx: Reading, workspace: Workspace, flow: Flow, now: datetime) -> None:
        self.tx, self.workspace, self.flow, self.now = tx, workspace, flow, now
        self.batch = Batch(tx, workspace, now)
        self.people: Mapping[UUID, Customer] = {}
        self.happened: dict[tuple[str, UUID], list[Event]] = defaultdict(list)

    async def all(self, told: Sequence[Event], *, anybody: bool = False) -> list[Tried]:
        flow, batch = self.flow, self.batch
        runs = [run_of_event(new_id(), new_id(), 0, flow, event, event.occurred_at) for event in told]
        self.people = await customers.by_ids(self.tx, self.workspace.id, sorted({run.customer_id for run in runs}))
        batch.said(told)
        known = await batch.payloads(runs, [flow.filter, *flow.conditions.values()])
        await self._look_back(min((run.entered_at for run in runs), default=self.now))
        tried, last = list[Tried](), dict[UUID, datetime]()
        gap = {"always": timedelta(0), "after": timedelta(days=flow.again_days)}.get(flow.again, timedelta.max)
        for run, event in zip(runs, told, strict=True):
            again = run.customer_id in last and run.entered_at - last[run.customer_id] < gap
            if not anybody and (again or not batch.holds(flow.filter, known[run.id])):
                continue
            last[run.customer_id] = run.entered_at
            steps = self._steps(run, known[run.id])
            caused = event.id if event.topic else None
            tried.append(Tried(self.people[run.customer_id], caused, run.entered_at, steps))
        return tried

    async def _look_back(self, since: datetime) -> None:
        flow, asked = self.flow, [*self.flow.exits, *([self.flow.goal] if self.flow.goal else [])]
        waits = [step.topic for step in flow.steps.values() if isinstance(step, model.WaitEvent)]
        for topic in {one.topic for one in asked} | set(waits):
            found = await events.recent(
                self.tx, self.workspace.id, topic=topic, since=since, limit=limits.AUTOMATION_TRIED_MAX
            )
            self.batch.said(found)
            for event in reversed(found):
                self.happened[topic, event.customer_id].append(event)

    def _first(self, run: Run, topic: str, where: Any, since: datetime) -> datetime | None:
        of = self.happened[topic, run.customer_id]
        fit = (one for one in of if one.occurred_at > since and self.batch.holds(where, self.batch.body(one.id)))
        return next((one.occurred_at for one in fit), None)

    def _steps(self, run: Run, seen: Mapping[Any, Any]) -> list[Would]:
        """As far as they would come before an event ends it."""
        flow, at, id, passed = self.flow, run.entered_at, self.flow.first, list[Would]()
        ends = [self._first(run, one.topic, one.where, at) for one in (*flow.exits, flow.goal) if one is not None]
        end = min((one for one in ends if one), default=None)
        while id and not (end and at >= end):
            step, next, outcome, came = flow.steps[id], flow.after[id], "", at
            match step:
                case model.Wait():
                    at, outcome = wait_until(step, at, self.people[run.customer_id], self.workspace.zone), "waited"
                case model.WaitEvent():
                    until = at + timedelta(seconds=step.longest_s)
                    hit = self._first(run, step.topic, flow.conditions[id], at)
                    there = hit is not None and hit <= until
                    at, outcome = (hit, "came") if hit is not None and there else (until, "otherwise")
                    next = flow.ways[id][not there]
                case model.Branch():
                    holds = self.batch.holds(flow.conditions[id], seen)
                    outcome, next = "yes" if holds else "no", flow.ways[id][not holds]
                case model.Split():
                    drawn = way(run.id, id, step.shares)
                    outcome, next = f"way {drawn + 1}", flow.ways[id][drawn]
                case model.SetProperty():
                    outcome = "set"
                case model.Exit():
                    next = ""
            passed.append(Would(id, came, outcome))
            id = next
        return passed

    async def worded(self, one: Tried) -> Tried:
        """With what its messages would say."""
        templates = {template.id: template for template in await messages.list_templates(self.tx, self.workspace.id)}
        steps = list[Would]()
        for would in one.steps:
            step = self.flow.steps[would.step_id]
            template = templates.get(step.template_id) if isinstance(step, model.SendMessage) else None
            if template is not None:
                content = await messages.preview(
                    self.tx, self.workspace, template, one.customer, self.now, one.event_id
                )
                would = msgspec.structs.replace(would, content=content)
            steps.append(would)
        return msgspec.structs.replace(one, steps=steps)
