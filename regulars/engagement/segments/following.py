"""Who enters and leaves: because something happened, or because time passed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import conditions, customers, ledger, limits
from regulars.engagement.segments.language import measures_of, payload, test_of, uses
from regulars.engagement.segments.store import came_to, in_order, look_again, segments, sql
from regulars.engagement.segments.wire import Move, tell
from regulars.events import Event
from regulars.kit import Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace

Touched = Mapping[UUID, set[UUID]]
"""By segment those customers who are to be looked at."""


async def follow(tx: Tx, workspace: Workspace, about: Sequence[Event], now: datetime) -> None:
    """Those whom events of the log happened to are looked at, by the segments that mention them, all of them
    together."""
    mentioned = defaultdict[str, list[UUID]](list)
    for topic, segment_id in await tx.fetch(sql.mentions, workspace.id, sorted({one.topic for one in about})):
        mentioned[topic].append(segment_id)
    if not mentioned:
        return
    touched = defaultdict[UUID, set[UUID]](set)
    for event in about:
        for segment_id in mentioned[event.topic]:
            touched[segment_id].add(event.customer_id)
    causes = {event.customer_id: event for event in sorted(about, key=lambda one: one.id)}
    await judge(tx, workspace, touched, now, causes=causes)


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
) -> None:
    """Look at each of these customers by these segments, and by those that ask about one that they entered or left; who
    did is told of. Set-based: how many statements it takes hangs on how differently segments ask, and not on how many
    there are, nor on how many customers. Segments that are still to be found are left alone: they will find them."""
    if not touched:
        return
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
    coins, inside = await ledger.available(tx, workspace, ids, now), defaultdict[UUID, list[UUID]](list)
    for (segment_id, id), row in states.items():
        if row["entered_at"]:
            inside[id].append(segment_id)
    seen = {id: payload(people[id], workspace, coins[id], inside[id], done[id]) for id in ids}
    moves, saved = list[Move](), []
    changed = defaultdict[UUID, set[UUID]](set)
    for segment in asked:
        test, key = test_of(segment.asked, workspace.zone), str(segment.id)
        of = {found[id].id for id in touched.get(segment.id, ()) if id in found} & people.keys()
        for id in sorted(of.union(*(changed[used] for used in uses(segment.tree)))):
            state, one = states.get((segment.id, id)), seen[id]
            was, looks = (state["entered_at"], state["looks_again_at"]) if state else (None, None)
            entered = (was or now) if test(one, now) else None
            again = conditions.edge(segment.tree, one, now=now, zone=workspace.zone)
            if (was, looks) != (entered, again):
                saved.append((segment.id, id, entered, again))
            if (was is None) is not (entered is None):
                moves.append((segment, people[id], entered is not None))
                changed[segment.id].add(id)
                others = [name for name in one["segments"] if name != key]
                one["segments"] = [*others, key] if entered else others
    await _write(tx, workspace, moves, saved)
    await tell(tx, workspace, moves, causes or {}, now)
    await look_again(tx, workspace, now)


async def _write(tx: Tx, workspace: Workspace, moves: Sequence[Move], saved: Sequence[tuple[Any, ...]]) -> None:
    if saved:
        columns: list[list[Any]] = [list(column) for column in zip(*saved, strict=True)]
        await tx.execute(sql.save_states, workspace.id, *columns)
        await tx.execute(sql.drop_states, workspace.id, columns[1])
    more = Counter[UUID]()
    for segment, _, entered in moves:
        more[segment.id] += 1 if entered else -1
    if more:
        await tx.execute(sql.count_members, workspace.id, list(more), list(more.values()))
