"""What a Send Events rule may ask about an event before it is sent, as `restrictions.md` says."""

import re

from regulars.conditions import Choice, Field, Schema, choices_of, schema
from regulars.events.catalogue import properties
from regulars.kit import countries, currency

_CHOICE = re.compile(r"(\w+) \((.+)\)")
_SETS = {
    "COUNTRIES": tuple(Choice(*one) for one in countries.LISTED),
    "CURRENCIES": tuple(Choice(*one) for one in currency.LISTED),
    "OPERATIONS": tuple(Choice(*one) for one in properties.OPERATIONS.items()),
}


def _schemas() -> dict[str, Schema]:
    fields: dict[str, list[Field]] = {}
    for name, base, text in properties.sections("restrictions.md"):
        fields[name] = [_field(*row) for row in properties.rows(text)] + fields.get(base, [])
    return {name: schema(own + fields["Common"]) for name, own in fields.items()}


def _field(name: str, label: str, type: str, choices: str, unit: str, help: str) -> Field:
    return Field(name, label, type, _choices(choices) if choices else None, unit, help)  # type: ignore[arg-type]


def _choices(said: str) -> tuple[Choice, ...]:
    if said.isupper():
        return _SETS.get(said) or choices_of(getattr(properties, said))
    named = (_CHOICE.fullmatch(one) or one for one in said.split(", "))
    return tuple(Choice(one[1], one[2]) if isinstance(one, re.Match) else choices_of([one])[0] for one in named)


SCHEMAS = _schemas()
