"""What happens starts runs, moves them on, and ends them; what was reserved is asked again right before it is sent."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.engagement.automations import model
from regulars.engagement.automations.beginning import since
from regulars.engagement.automations.model import INSIDE, Flow, Run
from regulars.engagement.automations.running import Batch
from regulars.engagement.automations.store import Key, count, end_runs, flows, look_again, sql
from regulars.engagement.messages.model import Message, Origin
from regulars.events import Event
from regulars.kit import Tx, new_id
from regulars.tenancy import Workspace

_Pair = tuple[UUID, UUID]
"""An automation and a customer."""


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
    await _enter(batch, await flows(tx, workspace.id, await tx.all(_launched, sql.running, workspace.id, ids)), told)
    await batch.write()
    await look_again(tx, workspace.id, now)


async def _go_on(batch: Batch, ids: Sequence[UUID], told: Sequence[Event]) -> None:
    who = sorted({one.customer_id for one in told})
    inside = await batch.tx.all(Run, sql.inside_of, batch.workspace.id, who, ids)
    await batch.know(inside)
    of_customer = defaultdict[UUID, list[Run]](list)
    for run in inside:
        of_customer[run.customer_id].append(run)
    for event in told:
        for run in of_customer[event.customer_id]:
            if run.state in INSIDE and event.id != run.cause_id:
                _hears(batch, run, event)
    await batch.leave([run for run in inside if run.state in INSIDE])
    going = [run for run in inside if run.state in INSIDE and run.id in batch.came]
    for run in going:
        if run.held:
            # What they waited for has happened, though the automation is paused: they go on when it does.
            del batch.came[run.id]
            batch.on(run, batch.flow(run).ways[run.at_step][0], "came")
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
    asked = [(key, flow, event) for event in told for key, flow in of.items() if _starts(flow, event)]
    runs = [_run(*key, flow, event, batch.now) for key, flow, event in asked]
    known = await batch.payloads(runs, [flow.filter for _, flow, _ in asked]) if runs else {}
    meant = [
        (run, flow)
        for run, (_, flow, _) in zip(runs, asked, strict=True)
        if run.id in known and batch.holds(flow.filter, known[run.id])
    ]
    pairs = sorted({(run.automation_id, run.customer_id) for run, _ in meant})
    columns = [list(column) for column in zip(*pairs, strict=True)] if pairs else [[], []]
    rows = await batch.tx.fetch(sql.last_of, batch.workspace.id, *columns) if pairs else []
    last = {(row["automation_id"], row["customer_id"]): (row["entered_at"], row["state"] in INSIDE) for row in rows}
    for run in batch.runs.values():
        last[run.automation_id, run.customer_id] = run.entered_at, run.state in INSIDE
    worn_out = set[UUID]()
    for wave in _waves(meant):
        entering = []
        for run, flow in wave:
            entered_at, inside = last.get((run.automation_id, run.customer_id), (None, False))
            if inside or (entered_at is not None and entered_at > since(flow, batch.now)):
                continue
            batch.enter(run, flow)
            entering.append(run)
            if run.depth >= limits.EVENT_DEPTH_MAX and any(
                isinstance(one, model.Reward) for one in flow.steps.values()
            ):
                worn_out.add(run.automation_id)
        await batch.go(entering)
        last |= {(run.automation_id, run.customer_id): (run.entered_at, run.state in INSIDE) for run in entering}
    if worn_out:
        words = f"What it does has started it again, {limits.EVENT_DEPTH_MAX} times in a row. That chain came to rest."
        await batch.tx.execute(sql.notice, batch.workspace.id, sorted(worn_out), words, batch.now)


def _starts(flow: Flow, event: Event) -> bool:
    if isinstance(flow.trigger, model.OnSegment) and flow.trigger.topic == event.topic:
        return f'"segment_id":"{flow.trigger.segment_id}"' in event.body.replace(" ", "")
    return flow.trigger.topic == event.topic


def _run(automation_id: UUID, version: int, flow: Flow, event: Event, now: datetime) -> Run:
    return Run(
        id=new_id(),
        automation_id=automation_id,
        version=version,
        customer_id=event.customer_id,
        cause_id=event.id,
        cause_topic=event.topic,
        depth=event.depth,
        at_step=flow.first,
        arrived_at=now,
        state="active",
        reason="",
        entered_at=now,
        wakes_at=now,
        waits_for="",
        held=False,
        ended_at=None,
    )


def _waves(meant: Sequence[tuple[Run, Flow]]) -> Iterator[list[tuple[Run, Flow]]]:
    left = list(meant)
    while left:
        wave = dict[_Pair, tuple[Run, Flow]]()
        for run, flow in left:
            wave.setdefault((run.automation_id, run.customer_id), (run, flow))
        yield list(wave.values())
        taken = {run.id for run, _ in wave.values()}
        left = [one for one in left if one[0].id not in taken]


class OfMessages(Origin):
    """What messages of automations are asked right before they are sent, and what became of them: see
    `messages.Origin`."""

    async def still(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> dict[UUID, tuple[str, str]]:
        """The filter has to hold still. Whoever is to leave by now leaves."""
        rows = await tx.fetch(sql.runs_of_messages, workspace.id, [one.id for one in page])
        runs = {row[0]: Run(*list(row)[1:]) for row in rows}
        batch, came = Batch(tx, workspace, now), dict[UUID, tuple[str, str]]()
        await batch.know(runs.values())
        trees = [tree for run in runs.values() for tree in (batch.flow(run).filter, batch.flow(run).exit_when)]
        if not any(trees) and all(run.state in (*INSIDE, "done") for run in runs.values()):
            return came
        known, leaving = await batch.payloads(list(runs.values()), trees), list[UUID]()
        for id, run in runs.items():
            flow, seen = batch.flow(run), known[run.id]
            if run.state in ("left", "goal", "stopped") and run.reason != "exit":
                came[id] = "left_before", "The customer left the automation before it was sent."
            elif flow.exit_when is not None and batch.holds(flow.exit_when, seen):
                came[id] = "left_before", "The customer left the automation before it was sent."
                leaving.append(run.id)
            elif not batch.holds(flow.filter, seen):
                came[id] = "no_longer_matches", "The automation is not meant for the customer any more."
        await end_runs(tx, workspace.id, leaving, "left", "exit_when", now)
        return came

    async def settled(self, tx: Tx, workspace_id: UUID, over: Sequence[tuple[Message, str]], now: datetime) -> None:
        columns = zip(*((one.id, one.state, one.reason_code) for one, _ in over), strict=True)
        counts = Counter[Key]()
        for id, version, step, was, was_reason, outcome, reason in await tx.fetch(
            sql.settle, workspace_id, *map(list, columns)
        ):
            counts[id, version, step, was, was_reason] -= 1
            counts[id, version, step, outcome, reason] += 1
        count(tx, workspace_id, counts)


async def moved(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID, now: datetime) -> None:
    """Two customers are one: of an automation that both are in, one goes on."""
    twice = await tx.all(_id, sql.twice_inside, workspace_id, from_id, into_id)
    await end_runs(tx, workspace_id, twice, "stopped", "merged", now)
    await tx.execute(sql.move, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID], now: datetime) -> None:
    """Whoever is erased goes no further."""
    await end_runs(
        tx, workspace_id, await tx.all(_id, sql.ids_inside, workspace_id, customer_ids), "stopped", "erased", now
    )


def _id(id: UUID) -> UUID:
    return id


def _launched(id: UUID, version: int) -> tuple[UUID, int]:
    return id, version
