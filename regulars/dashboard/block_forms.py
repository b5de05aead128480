"""What an automation's blocks say: their settings as a form, and back; what they are said with, by
`components/blocks.html`; and what differs between two versions. A form's fields are called as the definition calls
them. A draft may be unfinished: what is wrong with it is found later, and shown at its block."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from regulars import channels, conditions, customers, integrations, limits, triggers
from regulars.channels import Sender
from regulars.conditions import Language, Schema
from regulars.dashboard.blocks import HOWS, INSIDE, OURS, Block, Definition, find, how_of, lists
from regulars.dashboard.sheets import MAYBE, Field, Fields, Given
from regulars.dashboard.words import plural
from regulars.engagement import messages, segments
from regulars.engagement.messages.model import Template
from regulars.events import TOPICS
from regulars.kit import Reading, Refusal
from regulars.tenancy import Workspace

_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_SPAN = re.compile(rf"(?i:(\d{{1,6}}) *({'|'.join(_UNITS)})s?)", re.ASCII)
_LASTS = Field(pattern=_SPAN.pattern, expected="how long, such as 3 days, 2 hours or 1 week")
_FIELDS = {
    "for_s": _LASTS,
    "longest_s": _LASTS,
    "offset_days": Field(pattern=r"-?\d{1,4}", expected="whole days, such as 7, or -7 for before it"),
    "weekdays": Field("texts"),
    "weekday": Field("whole", least=1, most=7, optional=True, blank=1),
    "day": Field("whole", least=1, most=28, optional=True, blank=1),
    "again_days": Field("whole", least=1, most=limits.AUTOMATION_DAYS_MAX, when=("again", "after")),
}
_AGAIN = ("again", "again_days")


class Chosen(NamedTuple):
    """What of a definition is looked at: a block, or what these ids name: `start`, `leave`, `goal`, and an event that
    ends it, `exits.0`. `how` is which of several it is made of, `asks` whether a condition is part of it, `tree`."""

    id: str
    kind: str
    block: Block
    how: str = ""
    asks: str = ""
    tree: Any = None


def chosen(definition: Definition, id: str) -> Chosen:
    """Raises Lost."""
    if id == "start":
        start = definition["trigger"] | {name: definition[name] for name in _AGAIN}
        return Chosen(id, id, start, start["kind"], "filter", definition["filter"])
    if id == "leave":
        return Chosen(id, id, {}, "", "exit_when", definition["exit_when"])
    events = {"goal": definition["goal"] or {}} | {f"exits.{n}": one for n, one in enumerate(definition["exits"])}
    if id in events:
        return Chosen(id, "goal" if id == "goal" else "exit_on", events[id], "", "where", events[id].get("where"))
    block = find(definition, id).block
    asks = {"branch": "condition", "wait_event": "where"}.get(block["kind"], "")
    return Chosen(id, block["kind"], block, how_of(block) if block["kind"] == "wait" else "", asks, block.get(asks))


def fields_for(of: Chosen, how: str) -> Fields:
    """Of what is to be made of something else only that is read: its own fields were not there yet."""
    if of.kind == "split":
        return {f"share.{n}": Field("whole", least=1, most=99) for n, _ in enumerate(of.block["ways"])}
    names = OURS["fields"].get(f"{of.kind} {of.how}".strip(), ()) if how in (of.how, "") else ("how",)
    return {name: _FIELDS.get(name, MAYBE) for name in names}


def values_of(of: Chosen) -> dict[str, Any]:
    values = of.block | {"how": of.how, "weekdays": list(map(str, of.block.get("weekdays") or ()))}
    values |= {name: lasts(values[name]) for name in ("for_s", "longest_s") if values.get(name)}
    return values | {f"share.{n}": way["share"] for n, way in enumerate(values.get("ways", ()))}


def lasts(seconds: int) -> str:
    """`3 days`: in the largest unit of which it is so many."""
    unit = next((name for name, size in reversed(_UNITS.items()) if not seconds % size), "minute")
    return plural(seconds // _UNITS[unit], unit)


def write(definition: Definition, of: Chosen, given: Given, tree: Any) -> None:
    """Into the definition what was given of what is looked at. Raises KeyError for what it can't be made of."""
    how = given.pop("how", of.how)
    values = {name: _stored(name, one) for name, one in given.items()} if how == of.how else dict(HOWS[of.kind][how])
    match of.kind:
        case "start":
            definition |= {name: values.pop(name) for name in _AGAIN if name in values}
            definition |= {"trigger": {"kind": how, **values}, "filter": tree}
        case "leave":
            definition["exit_when"] = tree
        case "goal":
            definition["goal"] = values | {"where": tree} if values["topic"] else None
        case "exit_on":
            definition["exits"][int(of.id[6:])] = values | {"where": tree}
        case "split":
            for n, way in enumerate(find(definition, of.id).block["ways"]):
                way["share"] = values[f"share.{n}"]
        case _:
            at, asked = find(definition, of.id), {of.asks: tree} if of.asks else {}
            inside = {name: one for name, one in at.block.items() if name in INSIDE}
            at.blocks[at.n] = {"id": of.id, "kind": of.kind, **values, **asked, **inside}


def _stored(name: str, value: Any) -> Any:
    if name in ("for_s", "longest_s"):
        number, unit = match.groups() if (match := _SPAN.fullmatch(value)) else (1, "minute")
        return int(number) * _UNITS[unit.lower()]
    if name == "weekdays":
        return [int(n) for n in value if n in tuple("1234567")] or None
    return int(value) if name == "offset_days" else value or None if name.endswith("_id") else value


class Known(msgspec.Struct):
    """What the blocks of a draft may name, by ids, as it is called. It `begins` with this event, if with one: `further`
    asks of what that said, too."""

    begins: str
    templates: list[Template]
    senders: list[Sender]
    names: Mapping[str, Mapping[str, str]]
    language: Language
    further: Language
    properties: Mapping[str, str]
    ours, lasts = OURS, staticmethod(lasts)

    @classmethod
    async def of(cls, tx: Reading, workspace: Workspace, draft: Definition, topic: str | None = None) -> "Known":
        """Of a draft that begins as it says, or with this event."""
        named: dict[str, list[Any]] = {
            "template": await messages.list_templates(tx, workspace.id),
            "sender": await channels.list_senders(tx, workspace.id),
            "trigger": [one for one in await triggers.list_triggers(tx, workspace.id) if one.source == "api"],
            "integration": await integrations.list_integrations(tx, workspace.id),
            "segment": await segments.list_segments(tx, workspace.id),
        }
        names = {kind: {str(one.id): one.name for one in found} for kind, found in named.items()}
        start, language = draft["trigger"], await segments.language_of(tx, workspace)
        begins = topic or (f"segment_{start['edge']}" if start["kind"] == "segment" else start.get("topic", ""))
        own = _own(begins) or {}
        further = Language([*own.values(), *(one for name, one in language.items() if name not in own)], language.deeds)
        kept = {f"properties.{name}": name.replace("_", " ").capitalize() for name in customers.declared(workspace)}
        properties = OURS["properties"] | kept
        return cls(begins, named["template"], named["sender"], names, language, further, properties)

    def schema(self, asks: str, topic: str) -> Schema | None:
        """What a block's condition may ask; None where there is nothing to ask about yet."""
        return _own(topic) if asks == "where" else self.language if asks == "exit_when" else self.further

    def asked(self, tree: Any, schema: Schema) -> str:
        """A condition as a sentence; it may ask for what there is no more."""
        try:
            return conditions.sentence(conditions.parse(tree, schema), schema) if tree is not None else ""
        except Refusal:
            return "something that can’t be asked here"

    def happens(self, event: Mapping[str, Any]) -> str:
        topic = event["topic"]
        where = self.asked(event.get("where"), _own(topic) or {})
        return f"{TOPICS[topic].happening if topic in TOPICS else '…'}{' and ' + where if where else ''}"


def _own(topic: str) -> Schema | None:
    return TOPICS[topic].restrictions if topic in TOPICS else None


def _parts(definition: Definition) -> dict[str, Block]:
    """All that it consists of, and where that stands."""
    found = {name: {"kind": name, "is": definition[name]} for name in ("exit_when", "exits", "goal")}
    start = {name: definition[name] for name in ("trigger", "filter", *_AGAIN)}
    for place, blocks in lists(definition["steps"]):
        for before, block in zip([{"id": ""}, *blocks], blocks, strict=False):
            own = {name: one for name, one in block.items() if name not in (*INSIDE, "ways")}
            own |= {"ways": [{"share": way["share"]} for way in block.get("ways", ())], "at": (place, before["id"])}
            found[block["id"]] = own
    return {"start": {"kind": "start", "is": start}} | found


def compared(was: Definition, now: Definition) -> list[tuple[Block | None, Block | None]]:
    """Of each part that is another in the one than in the other: what it was and is."""
    before, after = _parts(was), _parts(now)
    return [(before.get(id), after.get(id)) for id in before | after if before.get(id) != after.get(id)]
