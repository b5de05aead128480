"""What each rule made of an event, and why: told by what was delivered, and by how rules and switch stood at the time.

A delivery is a fact, and so is that an event waits for a rule. Where there is neither, the versions of the rule and the
turns of the switch say why; the event was read some milliseconds after it was logged, or later, so a change that came
in between may have been the reason. Which segments a customer was in is not kept: they are asked as they are now.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

import msgspec

from regulars import conditions, events, integrations, limits
from regulars.conditions import Failed
from regulars.delivery import Delivery, GaveUp, Parcel, delivery_ids
from regulars.dispatch.fanout import BODY_UNREADABLE, read_body, segments_of
from regulars.dispatch.mapping import applied
from regulars.dispatch.model import Rule
from regulars.dispatch.terms import Terms, sampled
from regulars.dispatch.wording import rule_sentence
from regulars.events import TOPICS, Event
from regulars.events.switching import Switched, switched
from regulars.kit import Invalid, Queries, Reading, SecretBox, counted, kept_since, made_at
from regulars.tenancy import Workspace

_sql = Queries(__file__)
Said = Mapping[str, object] | None  # None: it can't be read

What = Literal[
    "queued",
    "delivered",
    "failed",
    "waiting",
    "would_send",
    "held_up",
    "restricted",
    "sampled_out",
    "outside_schedule",
    "rule_off",
    "rule_unreadable",
    "rule_deleted",
    "made_later",
    "events_off",
    "too_deep",
    "not_kept",
    "unfit",
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
    sample_percent: int
    schedule: dict[str, Any] | None

    def of(self, rule: Rule) -> Rule:
        """The rule as it was then."""
        then = msgspec.structs.asdict(self)
        del then["since"]
        return msgspec.structs.replace(rule, **then)


class _No(NamedTuple):
    """Why a rule keeps an event back."""

    what: What
    words: str
    restrictions: Sequence[Failed] = ()


class WouldSend(msgspec.Struct, frozen=True):
    """`body` is what the tool would be sent."""

    event_id: UUID
    logged_at: datetime
    body: str


class KeptBack(msgspec.Struct, frozen=True):
    """So many events, for a reason; `words` are of the newest."""

    what: What
    words: str
    events: int


class DryRun(msgspec.Struct, frozen=True):
    """Of so many events that it `looked_through` so many would be `sent`, the newest of them in `first`."""

    looked_through: int
    sent: int
    kept_back: list[KeptBack]
    first: list[WouldSend]


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
    rows = await tx.fetch(_sql.aside_of, workspace.id, [rule.id for rule in rules], ids) if rules else []
    aside = {(row["rule_id"], row["event_id"]): row["reason"] for row in rows}
    inside = await segments_of(tx, workspace.id, {event.customer_id for event in logged}) if rules else {}
    found: dict[UUID, list[RuleOutcome]] = {}
    for event in logged:
        told = {delivery.rule_id: delivery for delivery in sent.get(event.id, ()) if not delivery.test}
        turned, waits = switch[event.recorded_at], event.id in pending
        said = said_of(event.body, event.customer_id, inside)
        found[event.id] = [
            _delivered(rule, told[rule.id])
            if rule.id in told
            else _outcome(rule, "held_up", f"It waits for the rule: {aside[rule.id, event.id]}")
            if (rule.id, event.id) in aside
            else _untold(workspace, rule, versions.get(rule.id, []), event, said, turned, waits)
            for rule in rules
            if rule.topic == event.topic
            and (rule.id in told or rule.deleted_at is None or rule.deleted_at > event.recorded_at)
        ]
    return found


def judged(workspace: Workspace, rule: Rule, said: Said, now: datetime) -> RuleOutcome:
    """What the rule, as it stands, would make of an event that says this."""
    if not rule.active:
        return _outcome(rule, "rule_off", "The rule is off, so by itself it sends nothing.")
    passed = _outcome(rule, "would_send", "The rule lets such an event through.")
    return _asked(workspace, rule, said, now) or passed


async def dry_run(tx: Reading, workspace: Workspace, rule: Rule, days: int, now: datetime, box: SecretBox) -> DryRun:
    """The rule, as if it and events were on, over the newest limits.DRY_RUN_EVENTS_MAX of its events in the last so
    many days. Segments are asked as they are now. Raises as `Rule.terms` and `integrations.carrier_of`."""
    terms, first, looked_through, sent = rule.terms(), list[WouldSend](), 0, 0
    kept_back = _keeping_back(workspace, rule.topic, terms)
    words, many = dict[tuple[What, str], str](), Counter[tuple[What, str]]()
    carrier = await integrations.carrier_of(tx, workspace.id, rule.integration_id, box)
    about: dict[str, Any] = {"topic": rule.topic, "since": now - timedelta(days=days), "limit": limits.DRY_RUN_PAGE}
    while page := await events.recent(tx, workspace.id, **about) if looked_through < limits.DRY_RUN_EVENTS_MAX else []:
        looked_through, about["before_id"] = looked_through + len(page), page[-1].id
        inside = await segments_of(tx, workspace.id, {event.customer_id for event in page})
        for event in page:
            await asyncio.sleep(0)  # What hundreds of conditions say of a thousand events takes its time: others go on.
            said = said_of(event.body, event.customer_id, inside)
            no = _too_deep(event) or kept_back(said, event.recorded_at)
            if no is None:
                mapped = applied(terms.mapping, event.body) if terms.mapping else None
                (id,) = delivery_ids([event.id], rule.id)
                of = (id, event.id, rule.event_name, rule.topic, event.occurred_at, event.body, False, 1, now)
                request = carrier.render(Parcel(*of, mapped=mapped))
                if isinstance(request, GaveUp):
                    no = _No("unfit", request.reason)
                elif (sent := sent + 1) <= limits.DRY_RUN_SHOWN_MAX:
                    body = (request.then or request).body.decode()
                    first.append(WouldSend(event.id, event.recorded_at, body))
            if no is not None:
                failed = "; ".join(f"asked that {one.asked}" for one in no.restrictions)
                many[no.what, failed] += 1
                words.setdefault((no.what, failed), failed or no.words)
    back = [KeptBack(why[0], words[why], events) for why, events in many.most_common()]
    return DryRun(looked_through, sent, back, first)


def said_of(body: str, customer_id: UUID, inside: Mapping[str, list[str]]) -> Said:
    """With the segments that the customer is in now."""
    said = read_body(body)
    return None if said is None else {**said, "segments": inside.get(str(customer_id), [])}


def _delivered(rule: Rule, delivery: Delivery) -> RuleOutcome:
    words = delivery.reason or {"queued": "It waits to be sent.", "delivered": "It arrived."}.get(delivery.state, "")
    next_at = delivery.due_at if delivery.state == "queued" else None
    sent: dict[str, Any] = {"delivery_id": delivery.id, "attempts": delivery.attempts_made, "next_at": next_at}
    return _outcome(rule, cast(What, delivery.state), words, **sent)


def _untold(
    workspace: Workspace,
    rule: Rule,
    versions: list[_Version],
    event: Event,
    said: Said,
    switch: Switched,
    pending: bool,
) -> RuleOutcome:
    then = [version for version in versions if version.since <= event.recorded_at]
    if not then or rule.created_at > event.recorded_at:
        return _outcome(rule, "made_later", "The rule was made after the event.")
    standing = then[-1].of(rule)
    if too_deep := _too_deep(event):
        return _outcome(standing, *too_deep)
    if not switch.on:
        return _outcome(standing, "events_off", "Events were off.")
    if not standing.active:
        return _outcome(standing, "rule_off", "The rule was off.")
    refused = _asked(workspace, standing, said, event.recorded_at)
    if refused is not None:
        return refused
    if pending:
        return _outcome(standing, "waiting", "It is about to be looked at.")
    return _changed_meanwhile(workspace, standing, versions, event, said, switch)


def _too_deep(event: Event) -> _No | None:
    most = limits.EVENT_DEPTH_MAX
    words = f"More than {most} events led to this one, so it was told to nobody."
    return _No("too_deep", words) if event.depth > most else None


def _changed_meanwhile(
    workspace: Workspace, rule: Rule, versions: Iterable[_Version], event: Event, said: Said, switch: Switched
) -> RuleOutcome:
    """It would have been sent as things stood when it was logged: the first change after that was the reason."""
    found: list[tuple[datetime, RuleOutcome]] = []
    for version in versions:
        changed = version.of(rule)
        if version.since > event.recorded_at and not version.active:
            words = "The rule was switched off before the event was looked at."
            found.append((version.since, _outcome(changed, "rule_off", words)))
        elif version.since > event.recorded_at:
            refused = _asked(workspace, changed, said, event.recorded_at)
            found += [(version.since, refused)] if refused else []
    if switch.off_at is not None:
        words = "Events were switched off before this one was looked at."
        found.append((switch.off_at, _outcome(rule, "events_off", words)))
    if rule.deleted_at is not None:
        words = "The rule was deleted before the event was looked at."
        found.append((rule.deleted_at, _outcome(rule, "rule_deleted", words)))
    months = workspace.retention.deliveries_months
    if not found and made_at(event.id) <= kept_since(months):
        words = f"What was sent is kept for {counted(months, 'months')}, and this is older."
        return _outcome(rule, "not_kept", words)
    if not found:
        return _outcome(rule, "made_later", "The rule was made while the event was being looked at.")
    return min(found, key=lambda change: change[0])[1]


def _asked(workspace: Workspace, rule: Rule, said: Said, at: datetime) -> RuleOutcome | None:
    """Why the rule keeps back what was logged at that time, None when it does not."""
    try:
        terms = rule.terms()
    except Invalid as refusal:
        words = f"The rule's restriction can't be read any more: {refusal.message}"
        return _outcome(rule, "rule_unreadable", words)
    no = _keeping_back(workspace, rule.topic, terms)(said, at)
    return _outcome(rule, *no) if no else None


def _keeping_back(workspace: Workspace, topic: str, terms: Terms) -> Callable[[Said, datetime], _No | None]:
    """Asked of what an event says and when it was logged. To explain takes a hundred times as long as to test."""
    test, zone, within = terms.test(workspace.zone), workspace.zone, terms.schedule
    explained = terms.condition and conditions.explaining(terms.condition, TOPICS[topic].restrictions, zone)

    def why(said: Said, at: datetime) -> _No | None:
        if said is not None and (test is None or test(said, at)):
            return None
        if within and not within.open(zone)(at):
            local = f"{at.astimezone(zone):%A, %Y-%m-%d %H:%M}"
            return _No("outside_schedule", f"The rule sends only {within.in_words()}, and it was {local}.")
        if said is None:
            return _No("held_up", BODY_UNREADABLE) if test or terms.mapping else None
        if not sampled(said.get("lead_id"), terms.sample_percent):
            words = f"The rule is for {terms.sample_percent}% of the customers, and this one is not among them."
            return _No("sampled_out", words)
        failed = conditions.failed(explained(said, at)) if explained else []
        words = "; ".join(f"asked that {one.asked}, found: {one.found}" for one in failed)
        return _No("restricted", f"{words[:1].upper()}{words[1:]}.", failed)

    return why


def _outcome(rule: Rule, what: What, words: str, failed: Sequence[Failed] = (), **more: Any) -> RuleOutcome:
    of = (rule.id, rule.integration_id, rule.integration_name, rule_sentence(rule))
    return RuleOutcome(*of, what, words, list(failed), **more)
