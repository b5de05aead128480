"""What a client means, where it is written otherwise than the types say.

A body is looked at only when the types refuse it, so whoever writes as documented does not wait for this: `12.0` is the
whole number 12, an explicit null is a key that was left out, a date-time is its day in UTC, an id may be a number. In
a form all is text: an object or a list may be JSON, and an empty field of anything but text was not filled in.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from regulars import limits
from regulars.kit import invalid

_PART = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)")
_NUMBERED = {"reference_product_id", "reference_order_id", "order_id"}
_WHOLE = re.compile(r"(-?[0-9]{1,18})\.0+")


def put_right(value: Any, type_: Any, *, text: bool = False) -> Any:
    """The value, with what is meant in place of what was written. `text`: it comes from a form or a query."""
    return _put_right(value, _options(type_), text)


def has_unknown(value: Any, type_: Any) -> bool:
    """Whether a key is given that the type does not know."""
    return _has_unknown(value, _options(type_))


def nested(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """`metadetail[email]=a` as `{"metadetail": {"email": "a"}}`. Raises Invalid naming the field."""
    whole: dict[str, Any] = {}
    for name, value in fields:
        found = _PART.fullmatch(name)
        steps = [found[1], *found[2][1:-1].split("][")] if found and found[2] else [name]
        if not found or len(steps) > limits.FORM_DEPTH_MAX:
            raise invalid(name, f"a name such as metadetail[email], at most {limits.FORM_DEPTH_MAX} deep")
        *path, last = steps
        node = whole
        for step in path:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise invalid(name, "one value, not several")
        if last in node:
            raise invalid(name, "one value, not several")
        node[last] = value
    return whole


Options = tuple[inspect.Type, ...]


@cache
def _options(type_: Any) -> Options:
    return tuple(_unwrapped(inspect.type_info(type_)))


def _unwrapped(of: inspect.Type) -> Iterator[inspect.Type]:
    """The types it may be, without what is said about them."""
    if isinstance(of, inspect.Metadata):
        yield from _unwrapped(of.type)
    elif isinstance(of, inspect.UnionType):
        for option in of.types:
            yield from _unwrapped(option)
    else:
        yield of


def _one(options: Options, kind: type[Any]) -> Any:
    return next((option for option in options if isinstance(option, kind)), None)


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, Options]:
    (of,) = _options(struct)
    assert isinstance(of, inspect.StructType)
    return {field.encode_name: tuple(_unwrapped(field.type)) for field in of.fields}


def _put_right(value: Any, options: Options, text: bool) -> Any:
    struct, listed = _one(options, inspect.StructType), _one(options, inspect.ListType)
    if text and isinstance(value, str):
        value = _read(value, options, struct or listed or _one(options, inspect.DictType))
    if isinstance(value, dict) and struct:
        fields = _fields(struct.cls)
        return {
            name: _put_right(_id_of(name, inner, fields[name]), fields[name], text) if name in fields else inner
            for name, inner in value.items()
            if name not in fields or not _left_out(inner, fields[name], text)
        }
    if isinstance(value, list) and listed:
        item = tuple(_unwrapped(listed.item_type))
        return [_put_right(inner, item, text) for inner in value]
    if isinstance(value, float) and value.is_integer() and _one(options, inspect.IntType):
        return value if _one(options, inspect.FloatType) else int(value)
    if isinstance(value, str) and _one(options, inspect.DateType):
        return _day(value)
    return value


def _id_of(name: str, value: Any, options: Options) -> Any:
    """What platforms number, and clients hand on as they were given it."""
    is_number = type(value) is int or (type(value) is float and value.is_integer())
    return str(int(value)) if is_number and name in _NUMBERED and _one(options, inspect.StrType) else value


def _left_out(value: Any, options: Options, text: bool) -> bool:
    if value is None:
        return not (_one(options, inspect.NoneType) or _one(options, inspect.AnyType))
    literal = _one(options, inspect.LiteralType)
    is_text = _one(options, inspect.StrType) or (literal and "" in literal.values)
    return text and value == "" and not is_text


def _read(value: str, options: Options, holder: Any) -> Any:
    """What a form's text stands for."""
    if holder and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    whole = _WHOLE.fullmatch(value) if _one(options, inspect.IntType) else None
    return whole[1] if whole else value


def _day(value: str) -> str:
    """The day of a date-time in UTC; of one that names no offset, the day it names."""
    try:
        at = datetime.fromisoformat(value)
        return (at.astimezone(UTC) if at.tzinfo else at).date().isoformat()
    except (ValueError, OverflowError):
        return value


def _has_unknown(value: Any, options: Options) -> bool:
    struct = _one(options, inspect.StructType)
    if not (isinstance(value, dict) and struct):
        return False
    fields = _fields(struct.cls)
    return any(name not in fields or _has_unknown(inner, fields[name]) for name, inner in value.items())
