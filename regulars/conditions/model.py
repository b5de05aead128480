"""The tree, and the schema that says which properties there are to ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

FieldType = Literal["text", "number", "yes_no", "date", "list"]

Number: TypeAlias = int | float
Value: TypeAlias = str | int | float | bool | tuple[str, ...] | tuple[Number, Number] | None


class Choice(Struct, frozen=True):
    """One value a property can have: as it stands on the wire, and as people say it (used as it is: `credited`)."""

    value: str
    label: str


def choices_of(values: Iterable[str]) -> tuple[Choice, ...]:
    """They are said as they stand on the wire."""
    return tuple(Choice(value, value.replace("_", " ")) for value in values)


class Field(Struct, frozen=True):
    """A property that conditions may ask about.

    `label` is a short noun phrase without an article: `Order total`, `E-mail`, `UTM source`, in the plural for a list:
    `Changed properties`; sentences write its first letter small. A yes_no is said without `the`: `verified is yes`.
    `choices` closes the set: other values are refused when a condition is parsed, so give them only where the set
    belongs to the contract, not where a shop may change it. `unit` follows numbers: `coins`, `days`.
    """

    name: str
    label: str
    type: FieldType
    choices: tuple[Choice, ...] | None = None
    unit: str = ""
    help: str = ""


Schema: TypeAlias = Mapping[str, Field]


def schema(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by their name, in the order in which a form offers them."""
    return {field.name: field for field in fields}


class Property(Struct, frozen=True):
    """A leaf: a property compared with a value.

    The type is the schema's at the time of parsing, kept here so that matching needs no schema. The value's shape is
    named by the operator (see `operators.ValueKind`): dates are ISO texts, sets and ranges tuples, None is no value.
    """

    name: str
    type: FieldType
    operator: str
    value: Value = None


class AllOf(Struct, frozen=True):
    """Holds when every item holds."""

    items: tuple[Condition, ...]


class AnyOf(Struct, frozen=True):
    """Holds when at least one item holds."""

    items: tuple[Condition, ...]


class NoneOf(Struct, frozen=True):
    """Holds when no item holds: exactly the opposite of AnyOf."""

    items: tuple[Condition, ...]


Group: TypeAlias = AllOf | AnyOf | NoneOf
Condition: TypeAlias = AllOf | AnyOf | NoneOf | Property

GroupWord = Literal["all", "any", "none"]
GROUPS: dict[GroupWord, type[AllOf] | type[AnyOf] | type[NoneOf]] = {"all": AllOf, "any": AnyOf, "none": NoneOf}


def word_of(group: Group) -> GroupWord:
    match group:
        case AllOf():
            return "all"
        case AnyOf():
            return "any"
        case NoneOf():
            return "none"


def names(condition: Condition) -> set[str]:
    """The properties that it asks about."""
    if isinstance(condition, Property):
        return {condition.name}
    return {name for item in condition.items for name in names(item)}


class Part(Struct, frozen=True):
    """A piece of a sentence; strong pieces are the ones a reader looks for."""

    text: str
    strong: bool = False


class Why(Struct, frozen=True):
    """Why a condition held or did not: the same tree, with what was found beside each leaf.

    `kind` is all, any, none or property. A leaf has `parts` (its sentence), `found` (the payload's value as it stood,
    None when absent) and `found_words` (the same for people, in the shop's time zone); a group has `items`.
    """

    kind: Literal["all", "any", "none", "property"]
    holds: bool
    parts: tuple[Part, ...] = ()
    found: object = None
    found_words: str = ""
    items: tuple[Why, ...] = ()
