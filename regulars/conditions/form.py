"""Conditions in an HTML form that needs no JavaScript: a group of rows, and among them groups, and what was done.

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

What somebody has done (`condition.3.done` is its topic) has `word` (count, sum, average), `of` (what is added up),
`operator`, `value`, `value_to`, `when` (empty, last_days, between), `days`, `first` and `last`, and a group of its own
below `condition.3.where`.

yes/no values are `yes` and `no`; dates `2026-03-14`; days of a year `03-14`. Nothing that was begun is passed over: a
row without a property, an operator or a value, and a group without rows, are refused by name until they are completed
or removed. So is what does not fit the schema, after another event was chosen, say; the page goes on showing it.

Buttons, each an `<button name=... value=...>` that sends the form; `draft` obeys them, the page is drawn again:

    condition.add_row    = condition | condition.1     a row at the end of that group
    condition.add_group  = condition | condition.1     a group at the end
    condition.add_done   = condition | condition.1     something done at the end
    condition.remove     = condition.0 | condition.1.0 that row or group goes
    condition.redraw     = (anything)                  after another property was chosen, to get its operators

After a button, or a refusal by `from_form`, whose `fields` are the form's own names, the page is drawn again with
`draft`; what is stored with `draft(to_form(stored))`. In the template, for each item of `draft.items`: a `DraftGroup`
(its `items` are rows) or a `DraftRow`; the fields' names are `{{ item.name }}.property` and so on; the operators are
`operators_for(schema[...])`. Where `row.operator` is not among them, the first is meant if the property was just chosen
(`row.fresh`); else it is kept, and shown as not fitting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct, structs

from regulars import limits
from regulars.conditions.model import GROUPS, Condition, Done, Group, Property, Schema, deeds_of
from regulars.conditions.operators import ValueKind, operators_for
from regulars.conditions.parsing import DONE_OPERATORS, parse_done, parse_leaf
from regulars.conditions.reading import read_number
from regulars.kit import Faults, Invalid, invalid

_BUTTONS = ("add_row", "add_group", "add_done", "remove", "redraw")
_DONE = ("done", "word", "of", "operator", "value_to", "when", "days", "first", "last")
_PARTS = ("match", "property", "operator", "value", "value_to", "shown", *_DONE)
# A path is no longer than a tree may be deep, twice: what was done has a group of its own.
_PART = re.compile(rf"((?:\.(?:[0-9]{{1,4}}|where)){{0,{2 * limits.CONDITION_DEPTH_MAX}}})\.({'|'.join(_PARTS)})")
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
    items: tuple[DraftItem, ...] = ()


class DraftDone(Struct, frozen=True):
    """What somebody has done, as it was typed: `word` is count, sum or average, `of` what is added up, `when` is '',
    last_days or between, with `days`, or `first` and `last`."""

    name: str
    done: str = ""
    word: str = ""
    of: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    value_to: str = ""
    when: str = ""
    days: str = ""
    first: str = ""
    last: str = ""
    where: DraftGroup = DraftGroup("")

    @property
    def value(self) -> str:
        return self.values[-1] if self.values else ""


DraftItem: TypeAlias = DraftRow | DraftGroup | DraftDone


class _Node(Struct):
    """The form's fields of one place, and what is inside of it."""

    fields: dict[str, list[str]] = {}
    inside: dict[int, _Node] = {}
    where: _Node | None = None

    def last(self, part: str) -> str:
        return self.fields.get(part, [""])[-1].strip()


def draft(pairs: Iterable[tuple[str, object]], *, name: str = "condition") -> DraftGroup:
    """What the form holds, to be drawn again, after the button that was pressed. Never refuses; unknown fields are
    passed over."""
    root, pressed = _collect(pairs, name)
    return _drafted_group(name, root, pressed, "all")


def _drafted_group(name: str, node: _Node, pressed: dict[str, str], match: str) -> DraftGroup:
    made = (_drafted(f"{name}.{index}", node.inside[index], pressed) for index in sorted(node.inside))
    items = [item for item in made if item is not None]
    after = f"{name}.{_next_index(items)}"
    if pressed.get("add_row") == name:
        items.append(DraftRow(after))
    if pressed.get("add_group") == name:
        items.append(DraftGroup(after, "any", (DraftRow(f"{after}.0"),)))
    if pressed.get("add_done") == name:
        items.append(DraftDone(after, where=DraftGroup(f"{after}.where")))
    return DraftGroup(name, node.last("match") or match, tuple(items))


def _drafted(name: str, node: _Node, pressed: dict[str, str]) -> DraftItem | None:
    if pressed.get("remove") == name:
        return None
    if "done" in node.fields:
        said = {part: node.last(part) for part in _DONE}
        values = tuple(node.fields.get("value", ()))
        where = _drafted_group(f"{name}.where", node.where or _Node(), pressed, "all")
        return DraftDone(name, **said, values=values, where=where)
    if node.inside or "match" in node.fields:
        return _drafted_group(name, node, pressed, "any")
    shown = node.last("shown") if "shown" in node.fields else node.last("property")
    values = tuple(node.fields.get("value", ()))
    return DraftRow(name, node.last("property"), node.last("operator"), values, node.last("value_to"), shown)


def button_pressed(pairs: Iterable[tuple[str, object]], *, name: str = "condition") -> bool:
    """Whether the form was sent by one of the builder's own buttons, and not to be saved."""
    buttons = {f"{name}.{button}" for button in _BUTTONS}
    return any(key in buttons for key, _ in pairs)


def from_form(pairs: Iterable[tuple[str, object]], schema: Schema, *, name: str = "condition") -> Condition | None:
    """The condition that the form describes, None when it has no rows. Raises Invalid whose `fields` are the form's own
    names: `{"condition.0.value": "expected a number"}`."""
    whole = draft(pairs, name=name)
    if _size(whole) > limits.CONDITION_NODES_MAX:
        raise invalid(name, f"at most {limits.CONDITION_NODES_MAX} conditions")
    faults = Faults()
    condition = _group_of(whole, schema, faults)
    faults.check()
    return condition


def _size(item: DraftItem) -> int:
    inside = item.items if isinstance(item, DraftGroup) else (item.where,) if isinstance(item, DraftDone) else ()
    return 1 + sum(map(_size, inside))


def to_form(stored: Mapping[str, Any] | None, *, name: str = "condition") -> list[tuple[str, str]]:
    """The pairs from which `from_form` gives the same condition back (a single property as a group of one), from its
    JSON form, which may ask for what the schema no longer knows."""
    if stored is None:
        return []
    if "property" in stored or "done" in stored:
        stored = {"all": [stored]}
    pairs = [(f"{name}.match", next(iter(stored)))]
    for index, item in enumerate(_items(stored)):
        inner = f"{name}.{index}"
        pairs += _row_pairs(item, inner) if "property" in item else _pairs_of(item, inner)
    return pairs


def _pairs_of(item: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Of a group, or of what was done."""
    if "done" not in item:
        return to_form(item, name=name)
    word = next((word for word in ("sum", "average") if word in item), "count")
    asked = item.get(word) or {"operator": "at_least", "value": 1}
    values = asked["value"] if isinstance(asked["value"], list) else [asked["value"]]
    pairs = {"done": item["done"], "word": word, "of": asked.get("property", ""), "operator": asked["operator"]}
    pairs |= {"value": _typed(values[0]), "value_to": _typed(values[1]) if len(values) > 1 else ""}
    when = item.get("when") or {}
    if "last_days" in when:
        pairs |= {"when": "last_days", "days": str(when["last_days"])}
    elif when:
        pairs |= {"when": "between", "first": when["between"][0], "last": when["between"][1]}
    return [
        *((f"{name}.{part}", text) for part, text in pairs.items()),
        *to_form(item.get("where"), name=f"{name}.where"),
    ]


def _items(stored: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [] if "property" in stored else next(iter(stored.values()))


def _collect(pairs: Iterable[tuple[str, object]], name: str) -> tuple[_Node, dict[str, str]]:
    """The form's fields by their places, and the buttons pressed."""
    root, pressed = _Node(), dict[str, str]()
    for key, text in pairs:
        if not key.startswith(f"{name}.") or not isinstance(text, str):
            continue
        rest = key.removeprefix(name)
        if rest[1:] in _BUTTONS:
            pressed[rest[1:]] = text
        elif found := _PART.fullmatch(rest):
            node = root
            for step in found[1].split(".")[1:]:
                if step == "where":
                    node.where = node.where or _Node()
                    node = node.where
                else:
                    node = node.inside.setdefault(int(step), _Node())
            node.fields.setdefault(found[2], []).append(text)
    return root, pressed


def _next_index(items: Iterable[DraftItem]) -> int:
    return max((int(item.name.rpartition(".")[2]) for item in items), default=-1) + 1


def _group_of(group: DraftGroup, schema: Schema, faults: Faults) -> Group | None:
    parsed: list[Condition] = []
    for item in group.items:
        made = _made_of(item, schema, faults)
        if made is not None:
            parsed.append(made)
        elif isinstance(item, DraftGroup) and not item.items:
            faults.add(f"{item.name}.match", "a condition in this group; remove the group if it is not needed")
    make = next((make for word, make in GROUPS.items() if word == group.match), None)
    if make is None:
        faults.add(f"{group.name}.match", f"one of: {', '.join(GROUPS)}")
        return None
    return make(tuple(parsed)) if parsed else None


def _made_of(item: DraftItem, schema: Schema, faults: Faults) -> Condition | None:
    if isinstance(item, DraftGroup):
        return _group_of(item, schema, faults)
    return _leaf_of(item, schema, faults) if isinstance(item, DraftRow) else _done_of(item, schema, faults)


def _done_of(row: DraftDone, schema: Schema, faults: Faults) -> Done | None:
    deed = deeds_of(schema).get(row.done)
    if deed is None:
        faults.add(f"{row.name}.done", "something from the list; remove the row if it is not needed")
        return None
    where = _group_of(row.where, deed.schema, faults)
    two = next((one.value == "two_numbers" for one in DONE_OPERATORS if one.name == row.operator), False)
    value = [_number_of(row.value), _number_of(row.value_to)] if two else _number_of(row.value)
    asked = {"property": row.of} if row.word in ("sum", "average") else {}
    when = {"last_days": {"last_days": _number_of(row.days)}, "between": {"between": [row.first, row.last]}}.get(
        row.when
    )
    word = row.word or "count"
    try:
        leaf = parse_done(
            {"done": row.done, word: {**asked, "operator": row.operator, "value": value}, "when": when}, schema, ""
        )
    except Invalid as no:
        for at, words in no.fields.items():
            part = _DONE_FIELDS.get(at.removeprefix(f".{word}").removeprefix(".when"), ".value")
            faults.add(row.name + part, words)
        return None
    return structs.replace(leaf, measure=structs.replace(leaf.measure, where=where))


_DONE_FIELDS = {
    ".property": ".of",
    ".operator": ".operator",
    ".value[1]": ".value_to",
    ".last_days": ".days",
    ".between[0]": ".first",
    ".between[1]": ".last",
    ".between": ".last",
    "": ".word",
}


def _number_of(text: str) -> object:
    number = read_number(text)
    return text if number is None else int(number) if isinstance(number, float) and number.is_integer() else number


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
