"""The tree, and the schema that says which properties there are to ask about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal, TypeAlias

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
    belongs to the contract, not where a shop may change it. `unit` follows numbers: `coins`, `days`. `each`: it stands
    for all that are called by its name, a dot and one of their own, and are of the type that they are asked as.
    """

    name: str
    label: str
    type: FieldType
    choices: tuple[Choice, ...] | None = None
    unit: str = ""
    help: str = ""
    each: bool = False


Schema: TypeAlias = Mapping[str, Field]


def schema(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by their name, in the order in which a form offers them."""
    return {field.name: field for field in fields}


class Property(Struct, frozen=True, cache_hash=True):
    """A leaf: a property compared with a value.

    The type is the schema's at the time of parsing, kept here so that matching needs no schema. The value's shape is
    named by the operator (see `operators.ValueKind`): dates are ISO texts, sets and ranges tuples, None is no value.
    """

    name: str
    type: FieldType
    operator: str
    value: Value = None


def field_of(leaf: Property, schema: Schema) -> Field:
    """Also of what the schema does not know (any more)."""
    label = leaf.name.rpartition(".")[2].replace("_", " ") if "." in leaf.name else leaf.name
    return schema.get(leaf.name) or Field(leaf.name, label, leaf.type)


class Deed(Struct, frozen=True):
    """Something that people do or that happens to them, which conditions may ask about: as it reads after "When" (`an
    order is created`), and what may be asked about each time that it happened."""

    happening: str
    schema: Schema


class Language(dict[str, Field]):
    """A schema with deeds beside the properties, by their topics: where it is given, `Done` may be asked for."""

    def __init__(self, fields: Iterable[Field], deeds: Mapping[str, Deed]) -> None:
        super().__init__((field.name, field) for field in fields)
        self.deeds = deeds


def deeds_of(schema: Schema) -> Mapping[str, Deed]:
    return schema.deeds if isinstance(schema, Language) else {}


class Measure(Struct, frozen=True, cache_hash=True):
    """Which of a person's deeds are looked at: those of a topic, `where` that holds for each of them, since the day
    `last_days` before today, or from the day `first` to `last`, else ever. `of` is the number that is added up, ''
    where they are counted. Payloads hold what it came to under the measure itself."""

    topic: str
    of: str = ""
    where: Condition | None = None
    last_days: int = 0
    first: str = ""
    last: str = ""


class Measured(Struct, frozen=True):
    """What a measure came to: how many there are, or how many of them have the number, and its sum. `oldest` is when
    the first of them happened, as a timestamp."""

    count: int = 0
    total: Fraction = Fraction(0)
    oldest: float | None = None


DoneWord = Literal["count", "sum", "average"]


class Done(Struct, frozen=True, cache_hash=True):
    """A leaf: what somebody has done, compared with a number. None of it is 0, of which there is no average."""

    measure: Measure
    word: DoneWord
    operator: str
    value: Value

    def of(self, payload: Mapping[Any, object]) -> Fraction | int | None:
        """What the payload says it came to."""
        found = payload.get(self.measure)
        known = found if isinstance(found, Measured) else Measured()
        if self.word == "count":
            return known.count
        if self.word == "sum":
            return known.total
        return known.total / known.count if known.count else None


class AllOf(Struct, frozen=True, cache_hash=True):
    """Holds when every item holds."""

    items: tuple[Condition, ...]


class AnyOf(Struct, frozen=True, cache_hash=True):
    """Holds when at least one item holds."""

    items: tuple[Condition, ...]


class NoneOf(Struct, frozen=True, cache_hash=True):
    """Holds when no item holds: exactly the opposite of AnyOf."""

    items: tuple[Condition, ...]


Group: TypeAlias = AllOf | AnyOf | NoneOf
Leaf: TypeAlias = Property | Done
Condition: TypeAlias = AllOf | AnyOf | NoneOf | Property | Done

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
    return {leaf.name for leaf in leaves(condition) if isinstance(leaf, Property)}


def leaves(condition: Condition | None) -> Iterator[Leaf]:
    """All of them, from the left to the right."""
    if isinstance(condition, Property | Done):
        yield condition
    elif condition is not None:
        for item in condition.items:
            yield from leaves(item)


class Part(Struct, frozen=True):
    """A piece of a sentence; strong pieces are the ones a reader looks for."""

    text: str
    strong: bool = False


class Why(Struct, frozen=True):
    """Why a condition held or did not: the same tree, with what was found beside each leaf.

    `kind` is all, any, none, property or done. A leaf has `parts` (its sentence), `found` (the payload's value as it
    stood, None when absent) and `found_words` (the same for people, in the shop's time zone); a group has `items`.
    """

    kind: Literal["all", "any", "none", "property", "done"]
    holds: bool
    parts: tuple[Part, ...] = ()
    found: Any = None
    found_words: str = ""
    items: tuple[Why, ...] = ()
