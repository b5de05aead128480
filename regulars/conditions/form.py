"""Conditions in an HTML form that needs no JavaScript: a group of rows, and among them groups of rows, one level deep.

The form's fields, for a form field called `condition` (rows count from 0, gaps are fine):

    condition.match          all | any | none
    condition.0.property     amount
    condition.0.operator     at_least
    condition.0.value        100
    condition.1.match        any                                a group in the place of a row
    condition.1.0.property   type
    condition.1.0.operator   one_of
    condition.1.0.value      reward                             sets: repeated (checkboxes, a multiple select), and
    condition.1.0.value      redeem                             each may hold several lines (a textarea)
    condition.2.property     created_at
    condition.2.operator     between
    condition.2.value        2026-01-01                         ranges: from `value` to `value_to`
    condition.2.value_to     2026-01-31
    condition.2.shown        created_at                         the property whose operators the row was drawn with

yes/no values are `yes` and `no`; dates `2026-03-14`; days of a year `03-14`. Nothing that was begun is passed over: a
row without a property, an operator or a value, and a group without rows, are refused by name until they are completed
or removed. So is what does not fit the schema, after another event was chosen, say; the page goes on showing it.

Buttons, each an `<button name=... value=...>` that sends the form; `draft` obeys them, the page is drawn again:

    condition.add_row    = condition | condition.1     a row at the end of that group
    condition.add_group  = condition                   a group at the end
    condition.remove     = condition.0 | condition.1.0 that row or group goes
    condition.redraw     = (anything)                  after another property was chosen, to get its operators

After a button, or a refusal by `from_form`, whose `fields` are the form's own names, the page is drawn again with
`draft`; what is stored with `draft(to_form(stored))`, when `fits_form(stored)`. What came deeper by the API is shown as
its sentence. In the template, for each item of `draft.items`: a `DraftGroup` (its `items` are rows) or a `DraftRow`;
the fields' names are `{{ item.name }}.property` and so on; the operators are `operators_for(schema[...])`. Where
`row.operator` is not among them, the first is meant if the property was just chosen (`row.fresh`); else it is kept, and
shown as not fitting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from regulars import limits
from regulars.conditions.model import GROUPS, Condition, Group, Property, Schema
from regulars.conditions.operators import ValueKind, operators_for
from regulars.conditions.parsing import parse_leaf
from regulars.conditions.reading import read_number
from regulars.kit import Faults, Invalid, invalid

_BUTTONS = ("add_row", "add_group", "remove", "redraw")
_PART = re.compile(r"(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?\.(match|property|operator|value|value_to|shown)")
_ITEM_OF_VALUE = re.compile(r"\.value\[([0-9]+)\]$")


class DraftRow(Struct, frozen=True):
    """A row as it was typed, right or wrong. `name` begins the names of its fields: `condition.0`."""

    name: str
    property_name: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    value_to: str = ""
    shown: str = ""

    @property
    def fresh(self) -> bool:
        """Whether another property was chosen than the operator and the values were meant for."""
        return self.property_name != self.shown

    @property
    def value(self) -> str:
        """What a single field shows."""
        return self.values[0] if self.values else ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The items of a set."""
        return tuple(line.strip() for value in self.values for line in value.split("\n") if line.strip())


class DraftGroup(Struct, frozen=True):
    name: str
    match: str = "all"
    items: tuple[DraftRow | DraftGroup, ...] = ()


def draft(pairs: Iterable[tuple[str, object]], *, name: str = "condition") -> DraftGroup:
    """What the form holds, to be drawn again, after the button that was pressed. Never refuses; unknown fields are
    passed over."""
    rows, groups, pressed = _collect(pairs, name)
    removed = pressed.get("remove")
    group_indexes = {path[0] for path in groups if path} | {path[0] for path in rows if len(path) == 2}
    items: list[DraftRow | DraftGroup] = []
    for index in sorted(group_indexes | {path[0] for path in rows}):
        item_name = f"{name}.{index}"
        if item_name == removed:
            continue
        if index in group_indexes:
            paths = [path for path in sorted(rows) if len(path) == 2 and path[0] == index]
            inner = [_row(f"{item_name}.{path[1]}", rows[path]) for path in paths]
            kept = tuple(row for row in inner if row.name != removed)
            if pressed.get("add_row") == item_name:
                kept = (*kept, DraftRow(f"{item_name}.{_next_index(kept)}"))
            items.append(DraftGroup(item_name, groups.get((index,), "any"), kept))
        else:
            items.append(_row(item_name, rows[(index,)]))
    if pressed.get("add_row") == name:
        items.append(DraftRow(f"{name}.{_next_index(items)}"))
    if pressed.get("add_group") == name:
        group_name = f"{name}.{_next_index(items)}"
        items.append(DraftGroup(group_name, "any", (DraftRow(f"{group_name}.0"),)))
    return DraftGroup(name, groups.get((), "all"), tuple(items))


def button_pressed(pairs: Iterable[tuple[str, object]], *, name: str = "condition") -> bool:
    """Whether the form was sent by one of the builder's own buttons, and not to be saved."""
    buttons = {f"{name}.{button}" for button in _BUTTONS}
    return any(key in buttons for key, _ in pairs)


def from_form(pairs: Iterable[tuple[str, object]], schema: Schema, *, name: str = "condition") -> Condition | None:
    """The condition that the form describes, None when it has no rows. Raises Invalid whose `fields` are the form's own
    names: `{"condition.0.value": "expected a number"}`."""
    whole = draft(pairs, name=name)
    count = 1 + sum(1 + len(item.items) if isinstance(item, DraftGroup) else 1 for item in whole.items)
    if count > limits.CONDITION_NODES_MAX:
        raise invalid(name, f"at most {limits.CONDITION_NODES_MAX} conditions")
    faults = Faults()
    condition = _group_of(whole, schema, faults)
    faults.check()
    return condition


def fits_form(stored: Mapping[str, Any]) -> bool:
    """Whether the form can show this JSON form of a condition: nothing deeper than groups of rows within a group."""
    inner = [item for item in _items(stored) if "property" not in item]
    return all("property" in leaf for group in inner for leaf in _items(group))


def to_form(stored: Mapping[str, Any] | None, *, name: str = "condition") -> list[tuple[str, str]]:
    """The pairs from which `from_form` gives the same condition back (a single property as a group of one), from its
    JSON form, which may ask for what the schema no longer knows. Ask `fits_form` first."""
    if stored is None:
        return []
    if "property" in stored:
        return [(f"{name}.match", "all"), *_row_pairs(stored, f"{name}.0")]
    pairs = [(f"{name}.match", next(iter(stored)))]
    for index, item in enumerate(_items(stored)):
        inner = f"{name}.{index}"
        pairs += _row_pairs(item, inner) if "property" in item else to_form(item, name=inner)
    return pairs


def _items(stored: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [] if "property" in stored else next(iter(stored.values()))


_Path = tuple[int, ...]


def _collect(
    pairs: Iterable[tuple[str, object]], name: str
) -> tuple[dict[_Path, dict[str, list[str]]], dict[_Path, str], dict[str, str]]:
    """The form's fields by the path of their row, the match words by the path of their group, the buttons pressed."""
    rows: dict[_Path, dict[str, list[str]]] = {}
    groups: dict[_Path, str] = {}
    pressed: dict[str, str] = {}
    for key, text in pairs:
        if not key.startswith(f"{name}.") or not isinstance(text, str):
            continue
        rest = key.removeprefix(name)
        if rest[1:] in _BUTTONS:
            pressed[rest[1:]] = text
            continue
        found = _PART.fullmatch(rest)
        if found is None:
            continue
        path = tuple(int(index) for index in found.group(1, 2) if index is not None)
        if found[3] == "match":
            if len(path) < 2:
                groups[path] = text
        elif path:
            rows.setdefault(path, {}).setdefault(found[3], []).append(text)
    return rows, groups, pressed


def _row(name: str, fields: dict[str, list[str]]) -> DraftRow:
    def last(key: str) -> str:
        return fields.get(key, [""])[-1].strip()

    shown = last("shown") if "shown" in fields else last("property")
    return DraftRow(name, last("property"), last("operator"), tuple(fields.get("value", ())), last("value_to"), shown)


def _next_index(items: Iterable[DraftRow | DraftGroup]) -> int:
    return max((int(item.name.rpartition(".")[2]) for item in items), default=-1) + 1


def _group_of(group: DraftGroup, schema: Schema, faults: Faults) -> Group | None:
    parsed: list[Condition] = []
    for item in group.items:
        made = _group_of(item, schema, faults) if isinstance(item, DraftGroup) else _leaf_of(item, schema, faults)
        if made is not None:
            parsed.append(made)
        elif isinstance(item, DraftGroup) and not item.items:
            faults.add(f"{item.name}.match", "a condition in this group; remove the group if it is not needed")
    make = next((make for word, make in GROUPS.items() if word == group.match), None)
    if make is None:
        faults.add(f"{group.name}.match", f"one of: {', '.join(GROUPS)}")
        return None
    return make(tuple(parsed)) if parsed else None


def _leaf_of(row: DraftRow, schema: Schema, faults: Faults) -> Property | None:
    if not row.property_name:
        faults.add(f"{row.name}.property", "a property from the list; remove the row if it is not needed")
        return None
    field = schema.get(row.property_name)
    if field is None:
        faults.add(f"{row.name}.property", "a property that this event has; choose another, or remove the row")
        return None
    leaf: dict[str, object] = {"property": row.property_name, "operator": row.operator}
    operator = next((each for each in operators_for(field) if each.name == row.operator), None)
    if operator is None:
        faults.add(f"{row.name}.operator", f"a choice from the list: {row.operator or 'nothing'!r} does not fit here")
        return None
    if operator.value in ("text", "texts") and not row.lines:
        faults.add(f"{row.name}.value", "a value; remove the row if it is not needed")
        return None
    if operator.value != "nothing":
        leaf["value"] = _json_value(row, operator.value)
    try:
        return parse_leaf(leaf, schema, row.name)
    except Invalid as no:
        for path, words in no.fields.items():
            faults.fields.setdefault(_field_name(path, operator.value), words)
        return None


def _field_name(path: str, kind: ValueKind) -> str:
    """The form's field behind a path of the JSON form: `condition.0.value[1]` is a range's `condition.0.value_to`."""
    item = _ITEM_OF_VALUE.search(path)
    if item is None:
        return path
    second = kind in ("two_numbers", "two_dates") and item[1] == "1"
    return path[: item.start()] + (".value_to" if second else ".value")


def _json_value(row: DraftRow, kind: ValueKind) -> object:
    """What was typed as the JSON form has it; what cannot be read stays a text, for the parser to refuse."""
    match kind:
        case "texts":
            return list(row.lines)
        case "number" | "days":
            return _typed_number(row.value)
        case "two_numbers":
            return [_typed_number(row.value), _typed_number(row.value_to)]
        case "two_dates":
            return [row.value.strip(), row.value_to]
        case "yes_no":
            return {"yes": True, "no": False}.get(row.value.strip(), row.value)
        case _:
            return row.value.strip()


def _typed_number(text: str) -> object:
    number = read_number(text)
    return text if number is None else number


def _row_pairs(leaf: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    pairs = [(f"{name}.{part}", leaf[key]) for part, key in _NAMED]
    value = leaf.get("value")
    if isinstance(value, list) and leaf["operator"] == "between":
        return [*pairs, (f"{name}.value", _typed(value[0])), (f"{name}.value_to", _typed(value[1]))]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return pairs + [(f"{name}.value", _typed(each)) for each in values]


_NAMED = (("property", "property"), ("operator", "operator"), ("shown", "property"))


def _typed(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else repr(value)
