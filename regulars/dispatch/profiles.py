"""Profiles at tools: whoever something changed for is told of anew, once for all that changed within a while."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import delivery, limits, schedule
from regulars.delivery import Addressee
from regulars.events import Pending
from regulars.integrations import CONNECTORS
from regulars.kit import Queries, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace

_sql = Queries(__file__)
PROFILES = "dispatch.profiles"


def next_turn(now: datetime, every_s: float) -> datetime:
    """One of the moments at which all come back, so that what comes meanwhile puts it off no further."""
    return datetime.fromtimestamp((now.timestamp() // every_s + 1) * every_s, tz=now.tzinfo)


async def note(
    tx: Tx,
    workspace: Workspace,
    claimed: Sequence[Pending],
    told: Sequence[tuple[Addressee, Sequence[UUID]]],
    now: datetime,
) -> None:
    """Of these events, `told` to whom rules say, some change what a tool keeps of a customer. A tool that is told of
    the customer's newest with their state need not be told again."""
    rows = await tx.fetch(_sql.profiled, workspace.id, sorted({event.topic for event in claimed}))
    if not rows:
        return
    topics = {row["topic"] for row in rows}
    about = [event for event in claimed if event.topic in topics]
    lanes = {row["id"]: row["tool"] for row in rows}
    telling = {id for id, tool in lanes.items() if tool not in CONNECTORS or CONNECTORS[tool].tells_state}
    knows: dict[UUID, list[str]] = {}
    for addressee, ids in told:
        if addressee.lane_id in telling:
            for id in ids:
                knows.setdefault(id, []).append(str(addressee.lane_id))
    newest = await tx.fetch(_sql.newest_of_each, workspace.id, [one.id for one in about], [one.topic for one in about])
    at = next_turn(now, limits.PROFILES_EVERY_S)
    dues = []
    for row in newest:
        known = sorted(set(knows.get(row["id"], ())))
        if len(known) < len(lanes):
            payload = {"event_id": str(row["id"]), "topic": row["topic"], "known_at": known}
            dues.append(Due(PROFILES, str(row["customer_id"]), at, payload))
    await schedule.put(tx, workspace.id, dues)


async def tell(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: a delivery of the profile to each tool that keeps it and does not know it yet, in
    place of those that still wait there."""
    lanes = {row["id"] for row in await tx.fetch(_sql.profiled, workspace.id, None)} if workspace.events_on else set()
    profiles = [
        delivery.Profile(lane_id, UUID(due.key), UUID(due.payload["event_id"]), due.payload["topic"])
        for lane_id in sorted(lanes)
        for due in dues
        if str(lane_id) not in due.payload["known_at"]
    ]
    await delivery.queue_profiles(tx, workspace.id, profiles, now)
