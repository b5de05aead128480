"""Whether what a definition names is there, and fits."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from regulars import channels, customers, integrations, tenancy, triggers
from regulars.channels import Sender
from regulars.conditions import Language
from regulars.engagement import messages, segments
from regulars.engagement.automations import model
from regulars.engagement.automations.model import Finding, Part
from regulars.engagement.automations.reading import checked
from regulars.engagement.messages.liquid import check_texts, names
from regulars.engagement.messages.model import Template
from regulars.kit import Faults, Invalid, Reading
from regulars.tenancy import Workspace
from regulars.triggers import Trigger


class Known(msgspec.Struct, frozen=True):
    """What a shop has that a step may name."""

    segments: set[UUID]
    templates: dict[UUID, Template]
    senders: dict[UUID, Sender]
    triggers: dict[UUID, Trigger]
    tools: set[UUID]
    shop: Workspace
    language: Language

    @classmethod
    async def of(cls, tx: Reading, workspace_id: UUID) -> "Known":
        shop = await tenancy.get_workspace(tx, workspace_id)
        return cls(
            {one.id for one in await segments.list_segments(tx, workspace_id)},
            {one.id: one for one in await messages.list_templates(tx, workspace_id)},
            {one.id: one for one in await channels.list_senders(tx, workspace_id)},
            {one.id: one for one in await triggers.list_triggers(tx, workspace_id)},
            {one.id for one in await integrations.list_integrations(tx, workspace_id)},
            shop,
            segments.language(shop),
        )


async def findings(tx: Reading, workspace_id: UUID, definitions: Sequence[object]) -> list[list[Finding]]:
    """Of each what keeps it from being published."""
    known = await Known.of(tx, workspace_id) if definitions else None
    return [
        [
            Finding(step, field, words)
            for place, words in faults_in(one, known).fields.items()
            for step, _, field in [place.partition(".")]
        ]
        for one in definitions
        if known is not None
    ]


def faults_in(definition: object, known: Known) -> Faults:
    """Each by the step and the field, also of what it names that there is not (any more), or that does not fit."""
    faults = Faults()
    try:
        flow = checked(definition)
    except Invalid as no:
        faults.note(no)
        return faults
    with faults:
        checked(definition, known.language)
    trigger, strange = flow.trigger, "segments of this shop, and not {}"
    if isinstance(trigger, model.OnSegment | model.OnSchedule) and trigger.segment_id not in known.segments:
        faults.add("trigger.segment_id", "the id of a segment of this shop")
    trees = {"filter": flow.filter, "exit_when": flow.exit_when}
    trees |= {f"{id}.condition": tree for id, tree in flow.conditions.items()}
    for at, tree in trees.items():
        if strangers := segments.uses(tree) - known.segments:
            faults.add(at, strange.format(min(map(str, strangers))))
    for id, step in flow.steps.items():
        if wrong := _no(step, trigger.topic, known):
            faults.add(f"{id}.{wrong[0]}", wrong[1])
    return faults


def _no(step: Part, topic: str, known: Known) -> tuple[str, str] | None:
    """The field that names what is not there, and what it should name."""
    match step:
        case model.SendMessage(template_id=template_id, sender_id=sender_id):
            template, sender = known.templates.get(template_id), known.senders.get(sender_id) if sender_id else None
            if template is None:
                return "template_id", "the id of a template of this shop"
            if template.topic not in ("", topic):
                return "template_id", "a template that is written for the event that starts it, or for none"
            if names(template.content, "gift"):
                return "template_id", "a template that names no gift, which goes with campaigns alone"
            if sender_id and (sender is None or sender.channel != template.channel):
                return "sender_id", f"a sender for {template.channel}, or null"
        case model.Reward(trigger_id=trigger_id):
            if trigger_id not in known.triggers or known.triggers[trigger_id].source != "api":
                return "trigger_id", "a trigger of this shop that is fired by a call"
        case model.SendEvent(integration_id=integration_id):
            if integration_id not in known.tools:
                return "integration_id", "the id of an integration of this shop"
        case model.SetProperty():
            return _no_value(step, topic, known.shop)
    return None


def _no_value(step: model.SetProperty, topic: str, shop: Workspace) -> tuple[str, str] | None:
    known = ("add_tag", "remove_tag", *model.SETTABLE, *(f"properties.{name}" for name in customers.declared(shop)))
    if step.property not in known:
        return "property", f"one of {', '.join(known)}"
    faults, text = Faults(), str(step.value or "").strip()
    with faults:
        if "{%" in text:
            faults.add("value", "a text with variables, and no blocks such as {% if %}")
        elif "{" in text:
            check_texts({"value": text}, topic, customers.declared(shop), faults)
        elif step.property in ("add_tag", "remove_tag") and not text:
            faults.add("value", "a tag")
        else:
            customers.check_changes(customers.settled(shop, None, step.changes(step.value)))
    return next((("value", words.removeprefix("expected ")) for words in faults.fields.values()), None)
