"""What happens starts runs, moves them on, and ends them; what was reserved is asked again right before it is sent."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import limits
from regulars.channels import Later
from regulars.engagement.automations import model
from regulars.engagement.automations.beginning import since
from regulars.engagement.automations.model import INSIDE, Flow, Run
from regulars.engagement.automations.running import Batch
from regulars.engagement.automations.store import Key, count, end_runs, flows, look_again, sql
from regulars.engagement.messages.model import Message, Origin
from regulars.events import Event
from regulars.kit import Tx, new_ids
from regulars.tenancy import Workspace


async def follow(tx: Tx, workspace: Workspace, about: Sequence[Event], now: datetime) -> None:
    """Events of the log, in whatever order: first those who are inside go on or leave, then others enter."""
    rows = await tx.fetch(sql.mentions, workspace.id, sorted({one.topic for one in about}))
    if not rows:
        return
    await tx.fetch(sql.take_turn, workspace.id)
    ids, topics = sorted({row["automation_id"] for row in rows}), {row["topic"] for row in rows}
    told = sorted((one for one in about if one.topic in topics), key=lambda one: one.id)
    batch = Batch(tx, workspace, now)
    batch.said(told)
    await _go_on(batch, ids, told)
    launched = [(row["id"], row["launched"]) for row in await tx.fetch(sql.running, workspace.id, ids)]
    await _enter(batch, await flows(tx, workspace.id, launched), told)
    await batch.write()
    await look_again(tx, workspace.id, now)


async def _go_on(batch: Batch, ids: Sequence[UUID], told: Sequence[Event]) -> None:
    who = sorted({one.customer_id for one in told})
    inside = await batch.tx.all(Run, sql.inside_of, batch.workspace.id, who, ids)
    await batch.know(inside)
    of_customer = defaultdict[UUID, list[Run]](list)
    for run in inside:
        of_customer[run.customer_id].append(run)
    for event in told if inside else ():
        for run in of_customer.get(event.customer_id, ()):
            if run.state in INSIDE and event.id != run.cause_id:
                _hears(batch, run, event)
    await batch.leave([run for run in inside if run.state in INSIDE])
    going = [run for run in inside if run.state in INSIDE and run.id in batch.came]
    for run in going:
        if run.held:
            # What they waited for has happened, though the automation is paused: they go on when it does.
            del batch.came[run.id]
            batch.on([run], batch.flow(run).ways[run.at_step][0], "came")
    await batch.go(going)


def _hears(batch: Batch, run: Run, event: Event) -> None:
    flow, step = batch.flow(run), batch.step(run)
    for end, state, why in (*((one, "left", one.topic) for one in flow.exits), (flow.goal, "goal", "")):
        if end is not None and end.topic == event.topic and batch.holds(end.where, batch.body(event.id)):
            batch.end(run, state, why)  # type: ignore[arg-type]
            return
    waited = isinstance(step, model.WaitEvent) and step.topic == event.topic and run.id not in batch.came
    if waited and batch.holds(flow.conditions[run.at_step], batch.body(event.id)):
        batch.came[run.id] = event


async def _enter(batch: Batch, of: Mapping[tuple[UUID, int], Flow], told: Sequence[Event]) -> None:
    """In waves, each of at most one event for everybody, so that whoever is through may enter anew."""
    started = [(key, flow, event) for event in told for key, flow in of.items() if starts(flow, event)]
    asked = [
        (run_of_event(id, *key, flow, event, batch.now), flow.filter)
        for id, (key, flow, event) in zip(new_ids(len(started)), started, strict=True)
    ]
    known = await batch.payloads([run for run, _ in asked], [filter for _, filter in asked])
    meant = [run for run, filter in asked if batch.holds(filter, known[run.id])]
    pairs = sorted({(run.automation_id, run.customer_id) for run in meant})
    columns = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = await batch.tx.fetch(sql.last_of, batch.workspace.id, *columns) if pairs else []
    last = {(row["automation_id"], row["customer_id"]): (row["entered_at"], row["state"] in INSIDE) for row in rows}
    last |= {(run.automation_id, run.customer_id): (run.entered_at, run.state in INSIDE) for run in batch.runs.values()}
    for n, wave in enumerate(waves := _waves(meant), start=1):
        entering = defaultdict[tuple[UUID, int], list[Run]](list)
        for run in wave:
            entered_at, inside = last.get((run.automation_id, run.customer_id), (None, False))
            key = run.automation_id, run.version
            if not inside and (entered_at is None or entered_at <= since(of[key], batch.now)):
                entering[key].append(run)
        for key, runs in entering.items():
            batch.enter(runs, of[key])
        entered = [run for runs in entering.values() for run in runs]
        await batch.go(entered)
        if n < len(waves):
            last |= {(run.automation_id, run.customer_id): (run.entered_at, run.state in INSIDE) for run in entered}
    worn_out = {
        run.automation_id
        for run in meant
        if run.depth >= limits.EVENT_DEPTH_MAX and of[run.automation_id, run.version].causes
    }
    if worn_out:
        words = f"What it does has started it again, {limits.EVENT_DEPTH_MAX} times in a row. That chain came to rest."
        await batch.tx.execute(sql.notice, batch.workspace.id, sorted(worn_out), words, batch.now)


def starts(flow: Flow, event: Event) -> bool:
    if isinstance(flow.trigger, model.OnSegment) and flow.trigger.topic == event.topic:
        return f'"segment_id":"{flow.trigger.segment_id}"' in event.body.replace(" ", "")
    return flow.trigger.topic == event.topic


def run_of_event(id: UUID, automation_id: UUID, version: int, flow: Flow, event: Event, now: datetime) -> Run:
    of = (automation_id, version, event.topic, event.depth, flow.first)
    return Run(id, event.customer_id, event.id, *of, now, now, wakes_at=now)


def _waves(meant: Sequence[Run]) -> list[list[Run]]:
    nth, waves = Counter[tuple[UUID, UUID]](), defaultdict[int, list[Run]](list)
    for run in meant:
        waves[nth[run.automation_id, run.customer_id]].append(run)
        nth[run.automation_id, run.customer_id] += 1
    return list(waves.values())


class OfMessages(Origin):
    """What messages of automations are asked right before they are sent, and what became of them: see
    `messages.Origin`."""

    async def still(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> dict[UUID, tuple[str, str | Later]]:
        """The filter has to hold still. Whoever is to leave by now leaves; while it is paused, the others wait."""
        rows = await tx.fetch(sql.runs_of_messages, workspace.id, [one.id for one in page])
        runs = {row[0]: Run(*list(row)[1:-1]) for row in rows}
        paused = {row[0] for row in rows if row["paused"]}
        batch, came = Batch(tx, workspace, now), dict[UUID, tuple[str, str | Later]]()
        await batch.know(runs.values())
        trees = [tree for run in runs.values() for tree in (batch.flow(run).filter, batch.flow(run).exit_when)]
        known = await batch.payloads(list(runs.values()), trees)
        left = [run.id for run in runs.values() if run.state not in (*INSIDE, "done") and run.reason != "exit"]
        leaving = [run.id for run in runs.values() if batch.leaves(run, known[run.id])]
        for id, run in runs.items():
            if run.id in left or run.id in leaving:
                came[id] = "left_before", "The customer left the automation before it was sent."
            elif id in paused:
                at = now + timedelta(seconds=limits.CAMPAIGN_PAUSED_S)
                came[id] = "paused", Later(id, at, "The automation is paused.")
            elif not batch.holds(batch.flow(run).filter, known[run.id]):
                came[id] = "no_longer_matches", "The automation is not meant for the customer any more."
        await end_runs(tx, workspace.id, leaving, "left", "exit_when", now)
        return came

    async def settled(self, tx: Tx, workspace_id: UUID, over: Sequence[tuple[Message, str]], now: datetime) -> None:
        columns = [[getattr(one, name) for one, _ in over] for name in ("id", "state", "reason_code")]
        counts = Counter[Key]()
        for id, version, step, *was, outcome, reason in await tx.fetch(sql.settle, workspace_id, *columns):
            counts[id, version, step, *was] -= 1
            counts[id, version, step, outcome, reason] += 1
        count(tx, workspace_id, counts)


async def moved(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID, now: datetime) -> None:
    """Two customers are one: of an automation that both are in, one goes on."""
    twice = [row["id"] for row in await tx.fetch(sql.twice_inside, workspace_id, from_id, into_id)]
    await end_runs(tx, workspace_id, twice, "stopped", "merged", now)
    await tx.execute(sql.move, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID], now: datetime) -> None:
    """Whoever is erased goes no further."""
    inside = [row["id"] for row in await tx.fetch(sql.ids_inside, workspace_id, customer_ids)]
    await end_runs(tx, workspace_id, inside, "stopped", "erased", now)
