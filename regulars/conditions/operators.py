"""Which comparisons each type offers: one table for parsing, for the builder's selects and for sentences."""

from typing import Literal

from msgspec import Struct

from regulars.conditions.model import Field, FieldType

ValueKind = Literal[
    "nothing",  # no value at all
    "text",  # one text
    "texts",  # a set of texts
    "number",
    "two_numbers",  # lowest and highest, both included
    "yes_no",
    "date",  # 2026-03-14
    "two_dates",  # first and last day, both included
    "days",  # a whole number of days
    "day_of_year",  # 03-14, month first, as in ISO 8601
]


class Operator(Struct, frozen=True):
    """`label` stands in a select. In a sentence `verb` is plain and `words` strong, the value in the place of `{}`."""

    name: str
    label: str
    value: ValueKind
    verb: str
    words: str


_SET = (
    Operator("is_set", "is filled in", "nothing", "is", "filled in"),
    Operator("is_not_set", "is empty", "nothing", "is", "empty"),
)

_CHOICE = (
    Operator("is", "is", "text", "is", "{}"),
    Operator("is_not", "is not", "text", "is", "not {}"),
    Operator("one_of", "is one of", "texts", "is", "{}"),
    Operator("not_one_of", "is none of", "texts", "is", "not {}"),
)

OPERATORS: dict[FieldType, tuple[Operator, ...]] = {
    "text": (
        *_CHOICE,
        Operator("contains", "contains", "text", "contains", "{}"),
        Operator("does_not_contain", "does not contain", "text", "does", "not contain {}"),
        Operator("starts_with", "starts with", "text", "starts with", "{}"),
        Operator("ends_with", "ends with", "text", "ends with", "{}"),
        *_SET,
    ),
    "number": (
        Operator("at_least", "is at least", "number", "is", "at least {}"),
        Operator("at_most", "is at most", "number", "is", "at most {}"),
        Operator("more_than", "is more than", "number", "is", "more than {}"),
        Operator("less_than", "is less than", "number", "is", "less than {}"),
        Operator("is", "is", "number", "is", "{}"),
        Operator("is_not", "is not", "number", "is", "not {}"),
        Operator("between", "is between", "two_numbers", "is", "between {}"),
        *_SET,
    ),
    "yes_no": (Operator("is", "is", "yes_no", "is", "{}"), *_SET),
    "date": (
        Operator("on", "is on", "date", "is", "on {}"),
        Operator("before", "is before", "date", "is", "before {}"),
        Operator("after", "is after", "date", "is", "after {}"),
        Operator("between", "is between", "two_dates", "is", "between {}"),
        Operator("in_last_days", "is in the last … days", "days", "is", "in the last {}"),
        Operator("in_next_days", "is in the next … days", "days", "is", "in the next {}"),
        Operator("anniversary", "has its anniversary today", "nothing", "has its", "anniversary today"),
        Operator("day_of_year", "falls, in any year, on", "day_of_year", "falls on", "{} of any year"),
        *_SET,
    ),
    "list": (
        Operator("any_of", "include any of", "texts", "include", "{}"),
        Operator("all_of", "include all of", "texts", "include", "{}"),
        Operator("none_of", "include none of", "texts", "do", "not include {}"),
        Operator("is_set", "are filled in", "nothing", "are", "filled in"),
        Operator("is_not_set", "are empty", "nothing", "are", "empty"),
    ),
}


def operators_for(field: Field) -> tuple[Operator, ...]:
    """What may be asked about a field, the usual ones first; not for parts of a text where there are choices."""
    if field.type == "text" and field.choices is not None:
        return (*_CHOICE, *_SET)
    return OPERATORS[field.type]


def operator_named(type_: FieldType, name: str) -> Operator | None:
    return next((operator for operator in OPERATORS[type_] if operator.name == name), None)
