"""What each rule made of an event, and why: told by what was delivered, and by how rules and switch stood at the time.

A delivery is a fact. Where there is none, the versions of the rule and the turns of the switch say why; the event was
read some milliseconds after it was logged, or later, so a change that came in between may have been the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec

from regulars import conditions, events, limits
from regulars.conditions import Failed
from regulars.delivery import Delivery
from regulars.dispatch.model import Rule
from regulars.dispatch.wording import rule_sentence
from regulars.events import TOPICS, Event
from regulars.events.switching import Switched, switched
from regulars.kit import Invalid, Queries, Reading
from regulars.tenancy import Workspace

_sql = Queries(__file__)
_decode = msgspec.json.Decoder(dict[str, object]).decode

What = Literal[
    "queued",
    "delivered",
    "failed",
    "waiting",
    "would_send",
    "restricted",
    "rule_off",
    "rule_unreadable",
    "rule_deleted",
    "made_later",
    "events_off",
    "too_deep",
]


class RuleOutcome(msgspec.Struct, frozen=True):
    """What a rule made of an event. `words` says it; `restrictions` are those of the rule's conditions that the event
    did not meet, with what it had instead. `sentence` is the rule as it was then. Of a delivery `attempts` were made so
    far, and `next_at` is when it is tried again."""

    rule_id: UUID
    integration_id: UUID
    integration_name: str
    sentence: str
    what: What
    words: str
    restrictions: list[Failed] = []
    delivery_id: UUID | None = None
    attempts: int = 0
    next_at: datetime | None = None


class _Version(msgspec.Struct, frozen=True):
    since: datetime
    condition: dict[str, Any] | None
    active: bool


async def outcomes(
    tx: Reading, workspace: Workspace, logged: Sequence[Event], sent: Mapping[UUID, Sequence[Delivery]]
) -> dict[UUID, list[RuleOutcome]]:
    """By event, of each rule of its topic, oldest first; a rule that was deleted before the event is left out.

    `sent` are the events' deliveries.
    """
    topics, ids = sorted({event.topic for event in logged}), [event.id for event in logged]
    versions: dict[UUID, list[_Version]] = {}
    for rule_id, *version in await tx.fetch(_sql.versions_of_topics, workspace.id, topics):
        versions.setdefault(rule_id, []).append(_Version(*version))
    switch = await switched(tx, workspace, {event.recorded_at for event in logged})
    pending = await events.still_pending(tx, workspace.id, "dispatch", ids)
    rules = await tx.all(Rule, _sql.rules_ever_of_topics, workspace.id, topics)
    found: dict[UUID, list[RuleOutcome]] = {}
    for event in logged:
        told = {delivery.rule_id: delivery for delivery in sent.get(event.id, ()) if not delivery.test}
        turned, waits = switch[event.recorded_at], event.id in pending
        found[event.id] = [
            _delivered(rule, told[rule.id])
            if rule.id in told
            else _untold(workspace, rule, versions.get(rule.id, []), event, turned, pending=waits)
            for rule in rules
            if rule.topic == event.topic
            and (rule.id in told or rule.deleted_at is None or rule.deleted_at > event.recorded_at)
        ]
    return found


def judged(workspace: Workspace, rule: Rule, body: str, now: datetime) -> RuleOutcome:
    """What the rule, as it stands, would make of an event with this body."""
    if not rule.active:
        return _outcome(rule, "rule_off", "The rule is off, so by itself it sends nothing.")
    return _asked(workspace, rule, body, now) or _outcome(rule, "would_send", "The rule lets such an event through.")


def _delivered(rule: Rule, delivery: Delivery) -> RuleOutcome:
    words = delivery.reason or {"queued": "It waits to be sent.", "delivered": "It arrived."}.get(delivery.state, "")
    next_at = delivery.due_at if delivery.state == "queued" else None
    sent = {"delivery_id": delivery.id, "attempts": delivery.attempts_made, "next_at": next_at}
    return _outcome(rule, cast(What, delivery.state), words, **sent)


def _untold(
    workspace: Workspace, rule: Rule, versions: list[_Version], event: Event, switch: Switched, *, pending: bool
) -> RuleOutcome:
    then = [version for version in versions if version.since <= event.recorded_at]
    if not then or rule.created_at > event.recorded_at:
        return _outcome(rule, "made_later", "The rule was made after the event.")
    standing = msgspec.structs.replace(rule, condition=then[-1].condition, active=then[-1].active)
    if event.depth > limits.EVENT_DEPTH_MAX:
        most = limits.EVENT_DEPTH_MAX
        return _outcome(standing, "too_deep", f"More than {most} events led to this one, so it was told to nobody.")
    if not switch.on:
        return _outcome(standing, "events_off", "Events were off.")
    if not standing.active:
        return _outcome(standing, "rule_off", "The rule was off.")
    refused = _asked(workspace, standing, event.body, event.recorded_at)
    if refused is not None:
        return refused
    if pending:
        return _outcome(standing, "waiting", "It is about to be looked at.")
    return _changed_meanwhile(workspace, standing, versions, event, switch)


def _changed_meanwhile(
    workspace: Workspace, rule: Rule, versions: Iterable[_Version], event: Event, switch: Switched
) -> RuleOutcome:
    """It would have been sent as things stood when it was logged: the first change after that was the reason."""
    found: list[tuple[datetime, RuleOutcome]] = []
    for version in versions:
        changed = msgspec.structs.replace(rule, condition=version.condition, active=version.active)
        if version.since > event.recorded_at and not version.active:
            words = "The rule was switched off before the event was looked at."
            found.append((version.since, _outcome(changed, "rule_off", words)))
        elif version.since > event.recorded_at:
            refused = _asked(workspace, changed, event.body, event.recorded_at)
            found += [(version.since, refused)] if refused else []
    if switch.off_at is not None:
        words = "Events were switched off before this one was looked at."
        found.append((switch.off_at, _outcome(rule, "events_off", words)))
    if rule.deleted_at is not None:
        words = "The rule was deleted before the event was looked at."
        found.append((rule.deleted_at, _outcome(rule, "rule_deleted", words)))
    if not found:
        return _outcome(rule, "made_later", "The rule was made while the event was being looked at.")
    return min(found, key=lambda change: change[0])[1]


def _asked(workspace: Workspace, rule: Rule, body: str, now: datetime) -> RuleOutcome | None:
    """Why the rule's restrictions keep the event back, None when they do not."""
    try:
        condition = rule.parsed_condition()
    except Invalid as refusal:
        words = f"The rule's restriction can't be read any more: {refusal.message}"
        return _outcome(rule, "rule_unreadable", words)
    if condition is None:
        return None
    why = conditions.explain(
        condition, _decode(body), TOPICS[rule.topic].restrictions, now=now, time_zone=workspace.zone
    )
    if why.holds:
        return None
    failed = conditions.failed(why)
    words = "; ".join(f"asked that {one.asked}, found: {one.found}" for one in failed)
    return _outcome(rule, "restricted", f"{words[:1].upper()}{words[1:]}.", restrictions=failed)


def _outcome(rule: Rule, what: What, words: str, **more: Any) -> RuleOutcome:
    return RuleOutcome(rule.id, rule.integration_id, rule.integration_name, rule_sentence(rule), what, words, **more)
