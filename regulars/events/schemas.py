"""JSON Schemas of event bodies, made from the catalogue."""

from collections.abc import Container
from typing import Any

import msgspec

from regulars.events.catalogue import TOPICS, Body


def properties(type_: type[Body]) -> dict[str, dict[str, Any]]:
    """The JSON Schema of each property, in the order on the wire."""
    generated = msgspec.json.schema(type_)["$defs"][type_.__name__]["properties"]
    return {name: _plain(schema) for name, schema in generated.items()}


def optional_properties(type_: type[Body]) -> frozenset[str]:
    """Properties that are left out, and not '', where they do not apply."""
    return frozenset(field.name for field in msgspec.structs.fields(type_) if field.default is msgspec.UNSET)


def json_schema(topic: str) -> dict[str, Any]:
    """The body of an event. Properties that it does not name may follow in later versions."""
    it = TOPICS[topic]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": topic,
        "description": f"{it.label}. {it.description}",
        **object_schema(it.type),
    }


def object_schema(type_: type[Body], leave_out: Container[str] = ()) -> dict[str, Any]:
    named = {name: schema for name, schema in properties(type_).items() if name not in leave_out}
    optional = optional_properties(type_)
    return {"type": "object", "properties": named, "required": [name for name in named if name not in optional]}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """`'' or an integer or a number` said shorter, as an integer is a number; a default is of no use to a receiver."""
    plain = {name: value for name, value in schema.items() if name != "default"}
    kinds = [kind for kind in plain.pop("anyOf", []) if kind != {"type": "integer"}]
    empty = [{"const": ""} for kind in kinds if kind == {"enum": [""]}]
    others = [kind for kind in kinds if kind != {"enum": [""]}]
    if empty:
        return {**plain, "anyOf": others + empty}
    return {**plain, **others[0]} if others else plain
