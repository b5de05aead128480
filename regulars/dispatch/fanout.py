"""From pending events to deliveries: a batch of events against the active rules of their topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from regulars import conditions, delivery, events, limits
from regulars.conditions import Test
from regulars.delivery import Addressee
from regulars.events import TOPICS, Pending
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import Invalid
from regulars.kit.queries import Queries
from regulars.tenancy import Workspace

_sql = Queries(__file__)
_log = structlog.get_logger(__name__)
_decode = msgspec.json.Decoder(dict[str, object]).decode


class FanoutCount(msgspec.Struct, frozen=True):
    """What one batch came to. `events` were taken off the pending ones, whether or not a rule wanted them."""

    events: int
    deliveries: int
    lanes: frozenset[UUID]


class _Reader(msgspec.Struct, frozen=True, gc=False):
    """An active rule, ready to be asked. `test` None lets every event through."""

    addressee: Addressee
    test: Test | None


async def fan_out(tx: Tx, workspace: Workspace, now: datetime, limit: int = limits.FANOUT_EVENTS_MAX) -> FanoutCount:
    """Take up to `limit` pending events and queue a delivery for each rule that matches, in this transaction.

    `workspace` must have been read in this transaction: its switch and its time zone count. Any number of fan-outs may
    run side by side; none waits for another's events.
    """
    if not workspace.events_on:
        return FanoutCount(await events.drop_pending(tx, workspace.id, limit), 0, frozenset())
    claimed = await events.claim_pending(tx, workspace.id, limit)
    if not claimed:
        return FanoutCount(0, 0, frozenset())
    readers = await _readers(tx, workspace, sorted({event.topic for event in claimed}))
    # Bodies are read only where some rule of the topic asks about one.
    asked = {reader.addressee.topic for reader in readers if reader.test is not None}
    bodies = (
        await events.bodies(tx, workspace.id, [event for event in claimed if event.topic in asked]) if asked else {}
    )
    matched = _matched(claimed, bodies, readers, now)
    queued = await delivery.queue(tx, workspace.id, matched, now)
    return FanoutCount(len(claimed), queued, frozenset(addressee.lane_id for addressee, _ in matched))


def _matched(
    claimed: Sequence[Pending], bodies: Mapping[UUID, str], readers: Sequence[_Reader], now: datetime
) -> list[tuple[Addressee, list[UUID]]]:
    """The events that each rule wants; rules that want none are left out."""
    asked: list[tuple[_Reader, list[UUID]]] = [(reader, []) for reader in readers]
    by_topic: dict[str, list[tuple[_Reader, list[UUID]]]] = {}
    for pair in asked:
        by_topic.setdefault(pair[0].addressee.topic, []).append(pair)
    for event in claimed:
        payload = _decode(bodies[event.id]) if event.id in bodies else {}
        for reader, wanted in by_topic.get(event.topic, ()):
            if reader.test is None or reader.test(payload, now):
                wanted.append(event.id)
    return [(reader.addressee, wanted) for reader, wanted in asked if wanted]


async def _readers(tx: Reading, workspace: Workspace, topics: list[str]) -> list[_Reader]:
    zone = ZoneInfo(workspace.time_zone)
    readers: list[_Reader] = []
    for row in await tx.fetch(_sql.rules_of_topics, workspace.id, topics):
        test: Test | None = None
        if row["condition"] is not None:
            try:
                parsed = conditions.parse(row["condition"], TOPICS[row["topic"]].restrictions)
            except Invalid as no:
                # The catalogue has moved on since the rule was saved. Sending what the shop wanted kept back would be
                # worse than sending nothing; the rule's page says the same.
                _log.error("rule_unreadable", workspace_id=str(workspace.id), rule_id=str(row["id"]), why=no.message)
                continue
            test = conditions.compiled(parsed, zone)
        readers.append(_Reader(Addressee(row["integration_id"], row["id"], row["prefix"], row["topic"]), test))
    return readers
