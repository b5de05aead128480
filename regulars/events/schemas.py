"""JSON Schemas of event bodies, made from the catalogue; and bodies that look like the real ones: for documents, and
for testing a rule with a customer of whom the log holds nothing yet."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.events.catalogue import TOPICS, Body
from regulars.events.rendering import Business, body, eid, mid
from regulars.kit import wire_time


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


def sample(topic: str, of: Business, common: Mapping[str, Any], lead_id: UUID, now: datetime) -> str:
    """The body of an event that might have happened to a customer just now. `common` is what `common()` gave for them;
    what only a real fact would know is taken from the examples of the catalogue."""
    type_ = TOPICS[topic].type
    values = {**examples(type_)[0], **common}
    at = wire_time(now)
    known = {"entity_id": of.entity_id, "lead_id": str(lead_id), "meta__lead_name": common["user_name"]}
    known |= {"created_at": at, "updated_at": at}
    if topic.startswith("lead_"):
        # The event's own properties are about the customer too, so they say what the common ones say.
        known |= {name.removeprefix("user_"): value for name, value in common.items()}
        known |= {"available": common["user_available_balance"]}
        known |= {"eid": eid(common["user_email"]), "mid": mid(common["user_mobile"])}
    values |= {name: value for name, value in known.items() if name in values}
    return body(topic, values)


def examples(type_: type[Body]) -> list[dict[str, Any]]:
    """Whole bodies made of each property's first example: one, or one for each way in which a body may be complete."""
    first = {name: schema["examples"][0] for name, schema in properties(type_).items()}
    optional = optional_properties(type_)
    always = {name: value for name, value in first.items() if name not in optional}
    families = dict.fromkeys(name.partition("_")[0] for name in first if name in optional)
    return [
        {**always, **{name: first[name] for name in first if name in optional and name.startswith(f"{family}_")}}
        for family in families
    ] or [always]
