"""Whether values fit how the fields of a struct are declared, for what was not read by its types: a form, a file, a
program's own. Words for people, where the library's are for programmers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from regulars.kit.errors import Faults

S = TypeVar("S", bound=msgspec.Struct)


def note_unfit(faults: Faults, type_: type[msgspec.Struct], given: Mapping[str, Any], at: str = "") -> None:
    """What is given of the struct's fields and does not fit, by name behind `at`: `content.link`. What is wrong inside
    of one is said of it as a whole."""
    types = {field.name: field.type for field in msgspec.structs.fields(type_)}
    for name, value in given.items():
        if name not in types:
            faults.add(f"{at}{name}", f"one of {', '.join(types)}")
        elif not _fits(types[name], value):
            faults.add(f"{at}{name}", expected(inspect.type_info(types[name])))


def _fits(type_: Any, value: Any) -> bool:
    try:
        msgspec.convert(msgspec.to_builtins(value), type_)
    except msgspec.ValidationError:
        return False
    return not (isinstance(value, str) and "\x00" in value)


def checked_times(of: S, faults: Faults, at: str = "") -> S:
    """With its beginning and end to the minute."""
    kept: dict[str, str] = {}
    for field in ("starts_at", "ends_at"):
        try:
            given = getattr(of, field).strip()
            when = datetime.fromisoformat(given) if given else None
            if when is not None and when.tzinfo is not None:
                raise ValueError
            kept[field] = "" if when is None else when.isoformat(timespec="minutes")
        except ValueError:
            kept[field] = ""
            faults.add(f"{at}{field}", "a day or a time by the shop's clock, such as 2026-11-27 or 2026-11-27T09:30")
    if kept["starts_at"] and kept["ends_at"] and kept["ends_at"] <= kept["starts_at"]:
        faults.add(f"{at}ends_at", "a time after starts_at")
    return msgspec.structs.replace(of, **kept)


def expected(of: inspect.Type) -> str:
    """What ends the sentence "expected ..."."""
    match of:
        case inspect.Metadata():
            return expected(of.type)
        case inspect.UnionType():
            return " or ".join(expected(one) for one in of.types if not isinstance(one, inspect.NoneType))
        case inspect.LiteralType():
            *values, last = (str(value) for value in of.values)
            return f"{', '.join(values)} or {last}" if values else last
        case inspect.IntType() | inspect.FloatType():
            return ("a whole number" if isinstance(of, inspect.IntType) else "a number") + _within(of.ge, of.le)
        case inspect.StrType():
            return "text" if of.max_length is None else f"{_count(of.min_length, of.max_length)} characters"
        case inspect.CollectionType() | inspect.DictType():
            return "a list" if of.max_length is None else _count(of.min_length, of.max_length)
        case inspect.BoolType():
            return "true or false"
    return "another value"


def _within(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    return f" of at least {least:,}" if least is not None else f" up to {most:,}" if most is not None else ""


def _count(least: int | None, most: int) -> str:
    return f"{least:,} to {most:,}" if least else f"at most {most:,}"
