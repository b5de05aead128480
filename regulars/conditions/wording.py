"""A tree as a sentence that a shop's owner reads, and a payload's values in the same words."""

from calendar import month_name
from collections.abc import Iterator
from datetime import date, tzinfo
from fractions import Fraction
from typing import assert_never
from unicodedata import bidirectional

from regulars.conditions.model import (
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Done,
    Field,
    NoneOf,
    Number,
    Part,
    Property,
    Schema,
    Value,
    deeds_of,
    field_of,
)
from regulars.conditions.operators import operator_named
from regulars.conditions.reading import fold, read_date, read_list, read_number, read_text, read_yes_no

_SET_ITEMS_SHOWN_MAX = 6
_FOUND_CHARS_MAX = 200
_COUNTED = Field("", "", "number")
_NOT_READABLE = {"text": "not a text", "number": "not a number", "yes_no": "neither yes nor no", "date": "not a date",
                 "list": "not a list"}  # fmt: skip


def sentence(condition: Condition, schema: Schema) -> str:
    """`the amount is at least 100 and the operation is credited`: no capital, no full stop, to stand inside another."""
    return "".join(part.text for part in sentence_parts(condition, schema))


def sentence_parts(condition: Condition, schema: Schema) -> list[Part]:
    """The sentence in pieces, those to emphasise marked strong; neighbours are never of the same kind.

    A property that the schema does not know (any more) goes by its name. Groups inside groups stand in brackets.
    """
    joined: list[Part] = []
    for part in _parts(condition, schema):
        if joined and joined[-1].strong == part.strong:
            joined[-1] = Part(joined[-1].text + part.text, part.strong)
        else:
            joined.append(part)
    return joined


def found_in_words(raw: object, field: Field, time_zone: tzinfo) -> str:
    """A payload's value as people say it: `credited`, `1,200 coins`, `26 May 2023, 09:44`, `empty`."""
    if raw is None or (isinstance(raw, str) and not raw.strip()) or raw == []:
        return "empty"
    words = _readable(raw, field, time_zone)
    if words is None:
        text = raw if isinstance(raw, str) else type(raw).__name__
        words = f"{_quoted(text[:_FOUND_CHARS_MAX])}, {_NOT_READABLE[field.type]}"
    return words if len(words) <= _FOUND_CHARS_MAX + 30 else f"{words[:_FOUND_CHARS_MAX]}…"


def _readable(raw: object, field: Field, time_zone: tzinfo) -> str | None:
    if field.type == "number":
        number = read_number(raw)
        return None if number is None else _with_unit(_digits(number), field)
    if field.type == "yes_no":
        yes = read_yes_no(raw)
        return None if yes is None else _yes_or_no(yes)
    if field.type == "date":
        return _moment_words(raw, time_zone)
    if field.type == "list":
        if read_list(raw) is None:
            return None
        items = raw if isinstance(raw, list | tuple) else [raw]
        return ", ".join(_choice_words(_plain(item), field) for item in items if read_text(item) is not None)
    return None if read_text(raw) is None else _choice_words(_plain(raw), field)


def _moment_words(raw: object, time_zone: tzinfo) -> str | None:
    moment = read_date(raw, time_zone)
    if moment is None:
        return None
    words = f"{moment.day} {month_name[moment.month]}"
    if moment.year is not None:
        words += f" {moment.year}"
    if moment.at is not None:
        words += f", {moment.at.astimezone(time_zone):%H:%M}"
    return words


def _plain(raw: object) -> str:
    if isinstance(raw, str):
        return raw.strip()
    return read_text(raw) or ""


def _parts(condition: Condition, schema: Schema) -> Iterator[Part]:
    match condition:
        case Property():
            yield from _leaf_parts(condition, schema)
        case Done():
            yield from _done_parts(condition, schema)
        case AllOf(items=items):
            yield from _joined(items, " and ", schema)
        case AnyOf(items=items):
            if len(items) > 1:
                yield Part("either ")
            yield from _joined(items, " or ", schema)
        case NoneOf(items=items):
            yield Part("neither " if len(items) > 1 else "it is not true that ")
            yield from _joined(items, " nor ", schema, transparent=False)
        case _:
            assert_never(condition)


def _joined(items: tuple[Condition, ...], word: str, schema: Schema, *, transparent: bool = True) -> Iterator[Part]:
    """A transparent group says nothing of its own when it has one item, which then needs no brackets."""
    for index, item in enumerate(items):
        if index:
            yield Part(word)
        bare = (transparent and len(items) == 1) or _reads_alone(item)
        if not bare:
            yield Part("(")
        yield from _parts(item, schema)
        if not bare:
            yield Part(")")


def _reads_alone(condition: Condition) -> bool:
    """Whether it is a single clause, which needs no brackets between others."""
    while isinstance(condition, AllOf | AnyOf) and len(condition.items) == 1:
        condition = condition.items[0]
    return isinstance(condition, Property) or (isinstance(condition, Done) and condition.measure.where is None)


def _leaf_parts(leaf: Property, schema: Schema) -> Iterator[Part]:
    field = field_of(leaf, schema)
    operator = operator_named(leaf.type, leaf.operator)
    assert operator is not None, f"{leaf.operator} is no operator of {leaf.type}"
    noun = _noun(field.label)
    yield Part(noun if leaf.type == "yes_no" else f"the {noun}")
    yield Part(f" {operator.verb} ")
    yield Part(operator.words.replace("{}", _value_words(leaf, operator.value, field)), strong=True)


def done_in_words(leaf: Done, have: Fraction | int | None, schema: Schema) -> str:
    """What was found, as people say it: `3 times`, `849.5`."""
    if have is None:
        return "none"
    digits = _digits(int(have) if have.denominator == 1 else round(float(have), 2))
    return _times(digits, have) if leaf.word == "count" else digits


def _times(words: str, count: object) -> str:
    return f"{words} time" if count == 1 else f"{words} times"


def _done_parts(leaf: Done, schema: Schema) -> Iterator[Part]:
    measure = leaf.measure
    deed = deeds_of(schema).get(measure.topic) or Deed(f"{measure.topic} happens", {})
    operator = operator_named("number", leaf.operator)
    assert operator is not None
    words = operator.words.replace("{}", _value_words(Property("", "number", leaf.operator, leaf.value), "", _COUNTED))
    if leaf.word == "count":
        yield Part(f"{deed.happening} ")
        never = leaf.value == 0 and leaf.operator in ("is", "at_most")
        words = f"exactly {words}" if leaf.operator == "is" else words
        yield Part("never" if never else _times(words, leaf.value), strong=True)
    else:
        label = _noun((deed.schema.get(measure.of) or Field(measure.of, measure.of, "number")).label)
        name = "sum" if leaf.word == "sum" else "average"
        yield Part(f"the {name} of the {label}, of every time that {deed.happening}, is ")
        yield Part(words, strong=True)
    if measure.last_days:
        yield Part(" in the last ")
        yield Part(_one_value_words(measure.last_days, "days", _COUNTED), strong=True)
    elif measure.first:
        yield Part(" from ")
        days = (_one_value_words(day, "date", _COUNTED) for day in (measure.first, measure.last))
        yield Part(" to ".join(days), strong=True)
    if measure.where is not None:
        yield Part(", counting those where ")
        yield from _parts(measure.where, deed.schema)


def _noun(label: str) -> str:
    """The label inside a sentence: `Order total` as `order total`, `UTM source` as it stands."""
    if label[1:2].isupper():
        return label
    return label[:1].lower() + label[1:]


def _value_words(leaf: Property, kind: str, field: Field) -> str:
    value = leaf.value
    if isinstance(value, bool):
        return _yes_or_no(value)
    if isinstance(value, tuple):
        if kind == "texts":
            last = "and" if leaf.operator == "all_of" else "or"
            return _listed([_choice_words(str(each), field) for each in value], last)
        if kind in ("two_numbers", ""):
            return _with_unit(" and ".join(_digits(each) for each in value if not isinstance(each, str)), field)
        return " and ".join(_one_value_words(each, kind, field) for each in value)
    return _one_value_words(value, kind, field)


def _one_value_words(value: Value, kind: str, field: Field) -> str:
    if kind == "days":
        return "day" if value == 1 else f"{value:,} days"
    if isinstance(value, int | float):
        return _with_unit(_digits(value), field)
    if kind in ("date", "two_dates"):
        day = date.fromisoformat(str(value))
        return f"{day.day} {month_name[day.month]} {day.year}"
    if kind == "day_of_year":
        return f"{int(str(value)[3:])} {month_name[int(str(value)[:2])]}"
    return _choice_words(str(value), field) if value is not None else ""


def _choice_words(text: str, field: Field) -> str:
    folded = fold(text)
    for choice in field.choices or ():
        if fold(choice.value) == folded:
            return choice.label
    return _quoted(text)


def _quoted(text: str) -> str:
    """In quotation marks; text from the right to the left is isolated, so that it does not turn the sentence around."""
    if any(bidirectional(char) in ("R", "AL", "AN", "RLE", "RLO", "RLI") for char in text):
        return f"“\u2068{text}\u2069”"
    return f"“{text}”"


def _listed(words: list[str], last: str) -> str:
    hidden = len(words) - _SET_ITEMS_SHOWN_MAX
    if hidden > 1:
        words = [*words[:_SET_ITEMS_SHOWN_MAX], f"{hidden} more"]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _digits(number: Number) -> str:
    return f"{number:,}"


def _with_unit(digits: str, field: Field) -> str:
    return f"{digits} {field.unit}" if field.unit else digits


def _yes_or_no(yes: bool) -> str:
    return "yes" if yes else "no"
