"""What was tried, written down: a batch of attempts in one statement."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from regulars.delivery.attempts import Attempt, Row, Shape, Verdict, as_row, judge
from regulars.delivery.health import counted_by_kind
from regulars.delivery.model import slot_of
from regulars.delivery.store import sql
from regulars.kit import Tx


async def record(
    tx: Tx,
    workspace_id: UUID,
    lane_id: UUID,
    made: Sequence[tuple[Attempt, int]],
    *,
    now: datetime,
    random: Callable[[], float],
) -> list[Verdict]:
    """Store the attempts of one lane, each with the tries that its delivery had before it, and move the deliveries on.

    An attempt is kept even when its delivery has moved on without it (a worker that lost its lease and came back): it
    was made, and the tool may have seen it. Only a queued delivery changes state. A test that fails is kept like all
    others, and is no trouble of the lane.

    Locks the lane, if something was not delivered, then the deliveries by their ids.
    """
    verdicts = [judge(one.outcome, one.parcel, tries, now, random()) for one, tries in made]
    # Most attempts of a batch differ in little: what they share goes over the wire once.
    shapes: dict[Shape, int] = {}
    rows: list[Row] = []
    shape_of: list[int] = []
    for (one, _), verdict in zip(made, verdicts, strict=True):
        shape, row = as_row(one, verdict)
        rows.append(row)
        shape_of.append(shapes.setdefault(shape, len(shapes) + 1))
    numbered = sorted(zip(rows, shape_of, strict=True), key=lambda one: one[0][0])
    ids, *own = (list(column) for column in zip(*(row for row, _ in numbered), strict=True))
    # A test that fails was seen by whoever sent it; no event is missed for it, nor for what was needless, so both tell
    # nothing of the lane.
    counted = [
        (one, verdict)
        for (one, _), verdict in zip(made, verdicts, strict=True)
        if verdict.state == "delivered" or not (one.parcel.test or verdict.state == "skipped")
    ]
    delivered = sum(verdict.state == "delivered" for _, verdict in counted)
    failed = sum(verdict.state in ("failed", "uncertain") for _, verdict in counted)
    duration_ms = sum(one.end.duration_ms for one, _ in counted if one.end is not None)
    if delivered < len(counted):
        newest = next(verdict for _, verdict in reversed(counted) if verdict.state != "delivered")
        await tx.execute(sql.note_error, workspace_id, lane_id, newest.reason, now)
    columns = (ids, [shape for _, shape in numbered], *own, *(list(column) for column in zip(*shapes, strict=True)))
    tally = slot_of(now), delivered, len(counted) - delivered - failed, failed, duration_ms, counted_by_kind(counted)
    await tx.execute(sql.record, workspace_id, lane_id, *columns, now, *tally)
    return verdicts
