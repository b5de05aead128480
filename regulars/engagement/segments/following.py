"""Who enters and leaves: because something happened, or because time passed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import conditions, customers, events, ledger, limits
from regulars.customers import Customer
from regulars.engagement.segments.language import measures_of, payload, test_of, uses
from regulars.engagement.segments.model import Segment
from regulars.engagement.segments.store import came_to, in_order, look_again, segments, sql
from regulars.engagement.segments.wire import tell
from regulars.events import Event
from regulars.kit import Reading, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace

Touched = Mapping[UUID, set[UUID]]
"""By segment those customers who are to be looked at."""


class Move(msgspec.Struct, frozen=True, gc=False):
    segment: Segment
    customer_id: UUID
    entered: bool


async def follow(tx: Tx, workspace: Workspace, now: datetime) -> int:
    """Read a batch of the log: those something happened to are looked at, by the segments that mention it, all of them
    together. How many events were read."""
    pending = await events.claim_pending(tx, workspace.id, "engagement", limits.SEGMENTS_EVENTS_MAX)
    about = list((await events.by_ids(tx, workspace.id, [(one.id, one.topic) for one in pending])).values())
    mentioned = defaultdict[str, list[UUID]](list)
    for topic, segment_id in await tx.fetch(sql.mentions, workspace.id, sorted({one.topic for one in about})):
        mentioned[topic].append(segment_id)
    touched = defaultdict[UUID, set[UUID]](set)
    for event in about:
        for segment_id in mentioned[event.topic]:
            touched[segment_id].add(event.customer_id)
    causes = {event.customer_id: event for event in sorted(about, key=lambda one: one.id)}
    await judge(tx, workspace, touched, now, causes=causes)
    return len(pending)


async def look(tx: Tx, workspace: Workspace, _: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: those whose time has come, a page at a time."""
    touched = defaultdict[UUID, set[UUID]](set)
    for segment_id, customer_id in await tx.fetch(sql.to_look_at, workspace.id, now, limits.SEGMENTS_LOOKED_AT_MAX):
        touched[segment_id].add(customer_id)
    await judge(tx, workspace, touched, now)


async def moved(tx: Tx, workspace: Workspace, from_id: UUID, into_id: UUID, now: datetime) -> None:
    """Two customers are one, who did what both did."""
    await forget(tx, workspace.id, [from_id])
    there = await segments(tx, workspace.id)
    await judge(tx, workspace, {one.id: {into_id} for one in there if one.kind == "live"}, now)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Whoever is erased is in no segment."""
    gone = await tx.fetch(sql.forget, workspace_id, customer_ids)
    less = Counter(row["segment_id"] for row in gone if row["entered_at"])
    await tx.execute(sql.count_members, workspace_id, list(less), [-n for n in less.values()])


async def judge(
    tx: Tx, workspace: Workspace, touched: Touched, now: datetime, *, causes: Mapping[UUID, Event] | None = None
) -> list[Move]:
    """Look at each of these customers by these segments, and by those that ask about one that they entered or left; who
    did is told of. Set-based: how many statements it takes hangs on how differently segments ask, and not on how many
    there are, nor on how many customers. Segments that are still to be found are left alone: they will find them."""
    if not touched:
        return []
    await tx.fetch(sql.take_turn, workspace.id)
    live = [one for one in in_order(await segments(tx, workspace.id)) if one.kind == "live" and one.state == "found"]
    asked, looked_at = [], set(touched)
    for segment in live:
        if segment.id in looked_at or uses(segment.tree) & looked_at:
            looked_at.add(segment.id)
            asked.append(segment)
    wanted = sorted({id for segment in asked for id in touched.get(segment.id, ())})
    found = await customers.by_ids(tx, workspace.id, wanted)
    people = {one.id: one for one in found.values() if not one.erased_at}
    ids = sorted(people)
    done = await came_to(tx, workspace, measures_of(one.tree for one in asked), ids, now)
    states = {(row["segment_id"], row["customer_id"]): row for row in await tx.fetch(sql.states, workspace.id, ids)}
    seen = await payloads(tx, workspace, ids, done, now, people=people, states=states)
    moves, saved, dropped = list[Move](), [], []
    changed = defaultdict[UUID, set[UUID]](set)
    for segment in asked:
        test = test_of(segment.asked, workspace.zone)
        of = {found[id].id for id in touched.get(segment.id, ()) if id in found and found[id].id in people}
        for used in uses(segment.tree):
            of |= changed[used]
        for id in sorted(of):
            state, one = states.get((segment.id, id)), seen[id]
            was, holds = state and state["entered_at"], test(one, now)
            again = conditions.edge(segment.tree, one, now=now, zone=workspace.zone)
            if bool(was) is not holds:
                moves.append(Move(segment, id, holds))
                changed[segment.id].add(id)
                key = str(segment.id)
                one["segments"] = [*one["segments"], key] if holds else [n for n in one["segments"] if n != key]
            if holds or again:
                if state is None or bool(was) is not holds or state["looks_again_at"] != again:
                    saved.append((segment.id, id, (was or now) if holds else None, again))
            elif state is not None:
                dropped.append((id, segment.id))
    await _write(tx, workspace, moves, saved, dropped)
    await tell(tx, workspace, [(one.segment, people[one.customer_id], one.entered) for one in moves], causes or {}, now)
    await look_again(tx, workspace, now)
    return moves


async def payloads(
    tx: Reading,
    workspace: Workspace,
    ids: Sequence[UUID],
    done: Mapping[UUID, Mapping[Any, object]],
    now: datetime,
    *,
    people: Mapping[UUID, Customer] | None = None,
    states: Mapping[tuple[UUID, UUID], Any] | None = None,
) -> dict[UUID, dict[Any, Any]]:
    """What conditions see of these customers."""
    if people is None:
        people = await customers.by_ids(tx, workspace.id, ids)
    if states is None:
        rows = await tx.fetch(sql.states, workspace.id, ids)
        states = {(row["segment_id"], row["customer_id"]): row for row in rows}
    inside = defaultdict[UUID, list[UUID]](list)
    for (segment_id, id), row in states.items():
        if row["entered_at"]:
            inside[id].append(segment_id)
    coins = await ledger.available(tx, workspace, ids, now)
    return {id: payload(people[id], workspace, coins[id], inside[id], done[id]) for id in ids if id in people}


async def _write(
    tx: Tx, workspace: Workspace, moves: Iterable[Move], saved: Sequence[tuple[Any, ...]], dropped: Sequence[Any]
) -> None:
    if saved:
        await tx.execute(sql.save_states, workspace.id, *map(list, zip(*saved, strict=True)))
    if dropped:
        await tx.execute(sql.drop_states, workspace.id, *map(list, zip(*dropped, strict=True)))
    more = Counter[UUID]()
    for one in moves:
        more[one.segment.id] += 1 if one.entered else -1
    if more:
        await tx.execute(sql.count_members, workspace.id, list(more), list(more.values()))
