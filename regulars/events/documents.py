"""What integrators read about events, made from the catalogue: JSON Schemas, an AsyncAPI document and two pages."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from regulars.events.catalogue import TOPICS, Body, Common, Topic
from regulars.events.schemas import examples, json_schema, object_schema, optional_properties, properties

# Raised when a property is added; a property is never taken away.
_CATALOGUE_VERSION = "1.0.0"
_ABOUT = (
    "What happens in a shop's loyalty programme, told to the tools the shop has chosen. The body of an event is one"
    " flat object: the common properties, then the event's own. A property without a value is an empty text, a number"
    " may be 0. Times are ISO 8601 UTC with milliseconds; formatted ones are for people, in the shop's time zone."
    " More properties may follow."
)


def documents() -> dict[str, str]:
    """Text by path relative to `docs/generated/`: `events.md`, `events/asyncapi.json`, `events/<topic>.json`."""
    schemas = {f"events/{topic}.json": _json(json_schema(topic)) for topic in TOPICS}
    return {"events.md": _markdown(), "events/asyncapi.json": _json(asyncapi()), **schemas}


def asyncapi() -> dict[str, Any]:
    """An AsyncAPI 3 document: one channel that carries all events, to an address that each shop chooses."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Regulars events", "version": _CATALOGUE_VERSION, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": None,
                "title": "Events sent to a shop's tools",
                "description": "Each integration of a shop receives the events that its Send Events rules let through.",
                "messages": {topic: {"$ref": f"#/components/messages/{topic}"} for topic in TOPICS},
            }
        },
        "operations": {
            "sendEvent": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "An event is sent to a tool, again and again until it is taken or given up.",
                "messages": [{"$ref": f"#/channels/events/messages/{topic}"} for topic in TOPICS],
            }
        },
        "components": {
            "messages": {name: _message(topic) for name, topic in TOPICS.items()},
            "schemas": {
                "Common": object_schema(Common),
                **{topic.type.__name__: _extending_common(topic.type) for topic in TOPICS.values()},
            },
        },
    }


def asyncapi_page() -> str:
    """The same as an HTML page that needs nothing else: no script, no font, no style sheet beside it."""
    import jinja2  # by whoever draws the page, and not by each process that knows events

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("asyncapi_page.html").render(
        about=_ABOUT,
        version=_CATALOGUE_VERSION,
        common=_rows(Common, ()),
        groups=[(group, [(topic, _rows(topic.type)) for topic in topics]) for group, topics in _by_group()],
        example_of=lambda topic: json.dumps(examples(topic.type)[0], ensure_ascii=False, indent=2),
    )


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.topic,
        "title": topic.label,
        "summary": topic.description,
        "contentType": "application/json",
        "tags": [{"name": topic.group}],
        "payload": {"$ref": f"#/components/schemas/{topic.type.__name__}"},
        "examples": [{"payload": example} for example in examples(topic.type)],
    }


def _extending_common(type_: type[Body]) -> dict[str, Any]:
    own = object_schema(type_, leave_out=Common.__struct_fields__)
    return {"allOf": [{"$ref": "#/components/schemas/Common"}, own]}


def _by_group() -> list[tuple[str, list[Topic]]]:
    return [(group, list(topics)) for group, topics in groupby(TOPICS.values(), key=lambda topic: topic.group)]


def _rows(type_: type[Body], leave_out: tuple[str, ...] = Common.__struct_fields__) -> list[tuple[str, str, str, str]]:
    """Name, kind, meaning and example of each property."""
    optional = optional_properties(type_)
    return [
        (
            name,
            _kind(schema) + (", or left out" if name in optional else ""),
            schema["description"],
            json.dumps(schema["examples"][0], ensure_ascii=False),
        )
        for name, schema in properties(type_).items()
        if name not in leave_out
    ]


def _kind(schema: dict[str, Any]) -> str:
    words = {"string": "text", "number": "number", "boolean": "true or false", "array": "list of texts"}
    if "anyOf" in schema:
        return ", or ".join(words[kind["type"]] if "type" in kind else "''" for kind in schema["anyOf"])
    return words[schema["type"]]


def _markdown() -> str:
    lines = ["# Events", "", _ABOUT, ""]
    lines += [
        "Generated from `regulars/events/catalogue/`. Each event's JSON Schema is `events/<event>.json`, all of them"
    ]
    lines += ["as an AsyncAPI document `events/asyncapi.json`.", ""]
    lines += ["| event | what | when |", "|---|---|---|"]
    for topic in TOPICS.values():
        lines.append(f"| [`{topic.topic}`](#{topic.topic}) | {topic.label} | {topic.description}{_not_yet(topic)} |")
    lines += ["", "## Common properties", "", *_table(_rows(Common, ())), ""]
    for group, topics in _by_group():
        lines += [f"## {group}", ""]
        for topic in topics:
            lines += [f"### {topic.topic}", "", f"{topic.label}. {topic.description}{_not_yet(topic)}", ""]
            lines += ["The common properties, then:", "", *_table(_rows(topic.type)), ""]
            asked = ", ".join(f"{field.label} (`{field.name}`)" for field in topic.restrictions.values())
            lines += [f"Restrictions offered: {asked}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _not_yet(topic: Topic) -> str:
    return "" if topic.emitted else " Not sent by this version yet."


def _table(rows: list[tuple[str, str, str, str]]) -> list[str]:
    body = [f"| `{name}` | {kind} | {meaning} | `{example}` |" for name, kind, meaning, example in rows]
    return ["| property | holds | meaning | example |", "|---|---|---|---|", *body]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
