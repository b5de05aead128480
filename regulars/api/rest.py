"""What can be read of a body that can't be read as a whole, so that its act can say what it would refuse of the rest:
whoever sends it is told all of it at once."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET

from regulars.api.examples import example
from regulars.api.reading import Unread, options_of


def rest_of(unread: Unread) -> Any:
    """As the type that was asked for: what is wrong is left out, and stood in for by its example where it is required.
    UNSET when nothing of that type comes of it."""
    return _value(unread.type, _rest(unread.type, unread.given, unread.strict), unread.strict)


def _rest(type_: Any, given: Any, strict: bool) -> Any:
    if given is UNSET or _value(type_, given, strict) is not UNSET:
        return given
    structs = [one for one in options_of(type_) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    if len(structs) != 1 or not isinstance(given, dict):
        return UNSET
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(structs[0]):
        value = _rest(field.type, given.get(field.encode_name, UNSET), strict)
        if value is UNSET and field.required:
            value = _example(field.type)
        if value is not UNSET:
            kept[field.encode_name] = value
    return kept


def _value(type_: Any, given: Any, strict: bool) -> Any:
    try:
        return msgspec.convert(given, type_, strict=strict)
    except msgspec.ValidationError:
        return UNSET


@cache
def _example(type_: Any) -> Any:
    (schema,), schemas = msgspec.json.schema_components([type_])
    return example(schema, schemas)
