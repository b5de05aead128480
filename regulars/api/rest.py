"""What can be read of a body that can't be read as a whole, so that what would be refused of the rest is said too:
whoever sends it is told all of it at once."""

from functools import cache
from typing import Any, get_args, get_origin

import msgspec
from msgspec import UNSET

from regulars.api.examples import example
from regulars.api.reading import Unread, options_of
from regulars.kit import Faults, Invalid


class Rest(Faults):
    """The faults of what can't be read; those of `value`, the rest of it, are noted beside them. What is wrong is left
    out of it, and stood in for by its example where it is required; it is UNSET when nothing of the type comes of it.

        rest = Rest(unread)
        if rest.value is not UNSET:
            with rest:
                check(rest.value)
        raise rest.refusal()
    """

    __slots__ = ("unread", "value")

    def __init__(self, unread: Unread) -> None:
        super().__init__()
        self.note(unread)
        self.unread = dict(unread.fields)
        self.value = _value(unread.type, _rest(unread.type, unread.given, unread.strict), unread.strict)

    def refusal(self) -> Invalid:
        """What is said of a field that was stood in for is not said of what was sent."""
        wrong = {field.rpartition(".")[2] for field in self.unread}
        for field in self.fields.keys() - self.unread.keys():
            if field.rpartition(".")[2] in wrong:
                del self.fields[field]
        return super().refusal()


def _rest(type_: Any, given: Any, strict: bool) -> Any:
    if given is UNSET or _value(type_, given, strict) is not UNSET:
        return given
    if not isinstance(given, dict):
        return UNSET
    if mapped := [get_args(one) for one in options_of(type_) if get_origin(one) is dict]:
        return {key: value for key, value in given.items() if _value(mapped[0][1], value, strict) is not UNSET}
    structs = [one for one in options_of(type_) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    if len(structs) != 1:
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
