"""What led to an event, and all that it led to: automations that it set off, messages and events because of it, and who
was told of them. All of it is about one customer, and the younger the further it is from the event."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from regulars import delivery, dispatch, events, limits
from regulars.delivery import Delivery
from regulars.dispatch import RuleOutcome
from regulars.engagement import automations, messages
from regulars.events import Event
from regulars.kit import Reading
from regulars.tenancy import Workspace
from regulars.why.model import Step


async def causes(tx: Reading, workspace: Workspace, event: Event) -> list[Step]:
    """The event that led to it, then the one behind that, and so on."""
    return [said(one) for one in await events.behind(tx, workspace.id, event)]


async def effects(
    tx: Reading, workspace: Workspace, event: Event, sent: Sequence[Delivery], made: Sequence[RuleOutcome]
) -> list[Step]:
    """Each with its own below it, up to limits.WHY_EVENTS_MAX of a kind. What was `sent` because of the event
    itself, and what rules `made` of it, are known already."""
    linked = {event.id: event}
    for one in await events.caused(tx, workspace.id, event, limit=limits.WHY_EVENTS_MAX):
        if one.cause_id in linked:
            linked[one.id] = one
    about = (tx, workspace.id, event.customer_id, list(linked))
    runs = await automations.started_by(*about, limit=limits.WHY_EVENTS_MAX)
    letters = await messages.caused_by(*about, limit=limits.WHY_EVENTS_MAX)
    named = await messages.templates_by_id(tx, workspace.id, [one.template_id for one in letters if one.template_id])
    _, *others = linked.values()
    of = await delivery.deliveries_of_events(tx, workspace.id, [one.id for one in others]) if others else {}
    rules = {event.id: made} | (await dispatch.outcomes(tx, workspace, others, of) if others else {})
    below: dict[UUID, list[Step]] = {id: [] for id in linked}
    of_runs: dict[tuple[UUID | None, UUID | None], list[Step]] = {}
    called = {one.id: one.name for one in await automations.list_automations(tx, workspace.id)} if runs else {}
    for run in runs:
        passed = of_runs[run.cause_id, run.automation_id] = list[Step]()
        name, when = called.get(run.automation_id, "A removed automation"), (run.entered_at, run.wakes_at)
        step = Step("automation", run.id, name, run.state, run.reason, "", *when)
        below[run.cause_id or event.id].append(replace(step, automation_id=run.automation_id, steps=passed))
    for letter in letters:
        template = named.get(letter.template_id) if letter.template_id else None
        title, at = template.name if template else "A message", letter.sent_at or letter.created_at
        step = Step("message", letter.id, title, letter.state, letter.reason_code, letter.reason, at)
        of_runs.get((letter.cause_id, letter.source_id), below.get(letter.cause_id or event.id, [])).append(step)
    for id, one in reversed(linked.items()):
        below[id] = _told(sent if id == event.id else of.get(id, ()), rules[id]) + below[id]
        if id != event.id and one.cause_id:
            below[one.cause_id].insert(0, said(one, rules[id], below[id]))
    return below[event.id]


def said(event: Event, rules: Sequence[RuleOutcome] = (), steps: Sequence[Step] = ()) -> Step:
    words = events.sentence(event.topic, event.body)
    return Step("event", event.id, words, "", event.topic, "", event.recorded_at, rules=list(rules), steps=list(steps))


def _told(sent: Sequence[Delivery], rules: Sequence[RuleOutcome]) -> list[Step]:
    """What was sent because of it, and not by a rule."""
    by_rule = {rule.delivery_id for rule in rules}
    return [
        Step("delivery", one.id, "What the customer has" if one.source == "profile" else one.event_name, one.state, "",
             one.reason, one.finished_at or one.created_at)
        for one in sent if not one.test and one.id not in by_rule
    ]  # fmt: skip


async def around(
    tx: Reading, workspace: Workspace, event: Event, way: Step, sent: Sequence[Delivery], made: Sequence[RuleOutcome]
) -> Step:
    """The way to the event and what it led to, below its causes; of a fact, which is one's subject, from that on."""
    way = _grown(way, event.id, await effects(tx, workspace, event, sent, made))
    if way.id is None or way.kind in ("event", "transaction"):
        for cause in await causes(tx, workspace, event):
            way = replace(cause, steps=[way])
    return way


def _grown(step: Step, id: UUID, more: Sequence[Step]) -> Step:
    steps = [*step.steps, *more] if step.id == id else [_grown(one, id, more) for one in step.steps]
    return replace(step, steps=steps)
