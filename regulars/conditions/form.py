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

yes/no values are `yes` and `no`; dates `2026-03-14`; days of a year `03-14`. A row whose property and values are blank
is passed over, so a form may always end in an empty row.

Buttons, each an `<button name=... value=...>` that sends the form; `draft` obeys them, the page is drawn again:

    condition.add_row    = condition | condition.1     a row at the end of that group
    condition.add_group  = condition                   a group at the end
    condition.remove     = condition.0 | condition.1.0 that row or group goes
    condition.redraw     = (anything)                  after another property was chosen, to get its operators

A page does this:

    pairs = form.multi_items()
    if conditions.button_pressed(pairs):
        return page(draft=conditions.draft(pairs))
    try:
        condition = conditions.from_form(pairs, schema)          # None: no restriction
    except Invalid as no:
        return page(draft=conditions.draft(pairs), errors=no.fields)   # {"condition.0.value": "expected a number"}

and to draw what is stored: `conditions.draft(conditions.to_form(condition))`, when `conditions.fits_form(condition)`;
what came deeper by the API is shown as its sentence. In the template, for each item of `draft.items`: a `DraftGroup`
(its `items` are rows) or a `DraftRow`; the fields' names are `{{ item.name }}.property` and so on; the operators are
`operators_for(schema[row.property_name])`, and where `row.operator` is not among them, the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from regulars import limits
from regulars.conditions.model import GROUPS, Condition, Group, Property, Schema, word_of
from regulars.conditions.operators import OPERATORS, ValueKind, operator_named
from regulars.conditions.parsing import gather, parse_leaf
from regulars.conditions.reading import read_number
from regulars.kit.errors import Invalid, invalid

_BUTTONS = ("add_row", "add_group", "remove", "redraw")
_PART = re.compile(r"(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?\.(match|property|operator|value|value_to)")
_ITEM_OF_VALUE = re.compile(r"\.value\[([0-9]+)\]$")


class DraftRow(Struct, frozen=True):
    """A row as it was typed, right or wrong. `name` begins the names of its fields: `condition.0`."""

    name: str
    property_name: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    value_to: str = ""

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
    problems: dict[str, str] = {}
    count = 1 + sum(1 + len(item.items) if isinstance(item, DraftGroup) else 1 for item in whole.items)
    if count > limits.CONDITION_NODES_MAX:
        raise invalid(name, f"at most {limits.CONDITION_NODES_MAX} conditions")
    condition = _group_of(whole, schema, problems)
    if problems:
        raise gather(problems)
    return condition


def fits_form(condition: Condition) -> bool:
    """Whether the form can show it: nothing deeper than groups of rows within a group."""
    if isinstance(condition, Property):
        return True
    inner = [item for item in condition.items if not isinstance(item, Property)]
    return all(isinstance(leaf, Property) for group in inner for leaf in group.items)


def to_form(condition: Condition | None, *, name: str = "condition") -> list[tuple[str, str]]:
    """The pairs from which `from_form` gives the same condition back (a single property as a group of one). Ask
    `fits_form` first."""
    if condition is None:
        return []
    if isinstance(condition, Property):
        return [(f"{name}.match", "all"), *_row_pairs(condition, f"{name}.0")]
    pairs = [(f"{name}.match", str(word_of(condition)))]
    for index, item in enumerate(condition.items):
        inner = f"{name}.{index}"
        pairs += _row_pairs(item, inner) if isinstance(item, Property) else to_form(item, name=inner)
    return pairs


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

    return DraftRow(name, last("property"), last("operator"), tuple(fields.get("value", ())), last("value_to"))


def _next_index(items: Iterable[DraftRow | DraftGroup]) -> int:
    return max((int(item.name.rpartition(".")[2]) for item in items), default=-1) + 1


def _group_of(group: DraftGroup, schema: Schema, problems: dict[str, str]) -> Group | None:
    parsed: list[Condition] = []
    for item in group.items:
        made = _group_of(item, schema, problems) if isinstance(item, DraftGroup) else _leaf_of(item, schema, problems)
        if made is not None:
            parsed.append(made)
    make = next((make for word, make in GROUPS.items() if word == group.match), None)
    if make is None:
        problems[f"{group.name}.match"] = f"expected one of: {', '.join(GROUPS)}"
        return None
    return make(tuple(parsed)) if parsed else None


def _leaf_of(row: DraftRow, schema: Schema, problems: dict[str, str]) -> Property | None:
    if not row.property_name:
        if row.lines or row.value_to:
            problems[f"{row.name}.property"] = "expected a property, chosen from the list"
        return None
    leaf: dict[str, object] = {"property": row.property_name, "operator": row.operator}
    field = schema.get(row.property_name)
    operator = operator_named(field.type, row.operator) if field is not None else None
    if operator is not None and operator.value != "nothing":
        leaf["value"] = _json_value(row, operator.value)
    try:
        return parse_leaf(leaf, schema, row.name)
    except Invalid as no:
        for path, expected in no.fields.items():
            problems.setdefault(_field_name(path, operator.value if operator is not None else "nothing"), expected)
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


def _row_pairs(leaf: Property, name: str) -> list[tuple[str, str]]:
    pairs = [(f"{name}.property", leaf.name), (f"{name}.operator", leaf.operator)]
    value = leaf.value
    kinds = {operator.name: operator.value for operator in OPERATORS[leaf.type]}
    if isinstance(value, tuple):
        texts = [_typed(each) for each in value]
        if kinds[leaf.operator] == "texts":
            return pairs + [(f"{name}.value", text) for text in texts]
        return [*pairs, (f"{name}.value", texts[0]), (f"{name}.value_to", texts[1])]
    if value is not None:
        pairs.append((f"{name}.value", _typed(value)))
    return pairs


def _typed(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else repr(value)
