"""What a rule makes of an event's properties before the tool is told: one row for each property, no code.

A template is a text with a few tags in it, `{{ user_name }}` or `{{ user_name | default: 'there' }}`: as much of Liquid
as costs next to nothing whatever it says, for it is filled in for each event amid the fan-out of all shops.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.events import TOPICS
from regulars.events.schemas import properties
from regulars.kit import Faults, invalid

_TAG = re.compile(r"""\{\{\s*(\w+)\s*(?:\|\s*default:\s*(?:'([^'{}]*)'|"([^"{}]*)")\s*)?\}\}""")
_NAME = re.compile(rf"[^\x00-\x1f\x7f]{{1,{limits.MAPPED_NAME_CHARS_MAX}}}")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class PropertyMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`value` is the new name, the constant, or the template; a property that is dropped has none. A constant and a
    template may be of a property that the event does not have."""

    property: Annotated[str, Meta(min_length=1, max_length=limits.MAPPED_NAME_CHARS_MAX)]
    action: Literal["rename", "drop", "constant", "template"]
    value: Annotated[str, Meta(max_length=limits.MAPPED_CHARS_MAX)] | int | float | bool = ""


def applied(mapping: Sequence[PropertyMapping], body: str) -> str:
    """The body as the tool is told it. Templates say what the event says, also of properties that are dropped."""
    said = _decode(body)
    names = {row.property: str(row.value) for row in mapping if row.action == "rename"}
    dropped = {row.property for row in mapping if row.action == "drop"}
    told = {names.get(name, name): value for name, value in said.items() if name not in dropped}
    for row in mapping:
        if row.action == "constant":
            told[row.property] = row.value
        elif row.action == "template":
            told[row.property] = _filled(str(row.value), said)
    return _encode(told).decode()


def _filled(template: str, said: Mapping[str, Any]) -> str:
    most = limits.MAPPED_CHARS_MAX  # of each value too, so that what is cut off afterwards is little
    return _TAG.sub(lambda tag: _text(said.get(tag[1]))[:most] or tag[2] or tag[3] or "", template)[:most]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else "" if value is None else _encode(value).decode()


def checked_mapping(given: object, topic: str) -> list[dict[str, Any]]:
    """The rows as they are kept. Raises Invalid naming each field."""
    rows = msgspec.convert(msgspec.to_builtins(given), list[PropertyMapping])
    known, faults = list(properties(TOPICS[topic].type)) if rows else [], Faults()
    asked = {row.property for row in rows}
    told, named = Counter(name for name in known if name not in asked), set[str]()
    told.update(str(row.value) if row.action == "rename" else row.property for row in rows if row.action != "drop")
    for n, row in enumerate(rows):
        at = f"mapping[{n}]"
        if row.property in named:
            faults.add(f"{at}.property", "a property of which no other row says something")
        named.add(row.property)
        if row.action in ("rename", "drop") and row.property not in known:
            faults.add(f"{at}.property", "a property that the event has")
        elif not _NAME.fullmatch(row.property):
            faults.add(f"{at}.property", _A_NAME)
        if row.action == "rename":
            new = str(row.value)
            if not _NAME.fullmatch(new):
                faults.add(f"{at}.value", _A_NAME)
            elif told[new] > 1:
                faults.add(f"{at}.value", "a name that no other property has")
        elif "\0" in str(row.value):
            faults.add(f"{at}.value", "text without NUL characters")
        elif row.action == "template":
            with faults:
                _check_template(f"{at}.value", str(row.value), known)
    faults.check()
    return [msgspec.to_builtins(row) for row in rows]


_A_NAME = f"a name of 1 to {limits.MAPPED_NAME_CHARS_MAX} characters"


def _check_template(at: str, template: str, known: Sequence[str]) -> None:
    tags = list(_TAG.finditer(template))
    if len(tags) > limits.MAPPED_TAGS_MAX:
        raise invalid(at, f"at most {limits.MAPPED_TAGS_MAX} properties")
    for tag in tags:
        if tag[1] not in known:
            raise invalid(at, f"properties that the event has, and {tag[1]} is none")
    if re.search(r"\{\{|\{%|\}\}", _TAG.sub("", template)):
        raise invalid(at, "properties as {{ user_name }} or {{ user_name | default: 'there' }}")
