"""What a shop keeps of its customers beside what every shop does: tags, and properties that it names itself.

A property is declared, with its type, in the setting `customer_properties`; one that is not can't be set. Values of one
that was taken out stay as they were, and are there again when it is declared again. What conditions ask is kept beside
them as SQL compares it, so that no server has to read, or fold, what somebody typed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from typing import Annotated, Any, Literal

from msgspec import Meta

from regulars import limits
from regulars.conditions import Field, fold, read_date, read_number, read_text, read_yes_no
from regulars.customers.model import Customer, seen
from regulars.kit import Faults, invalid
from regulars.tenancy import Workspace

PropertyType = Literal["text", "number", "yes_no", "date"]
PropertyName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
PropertyValue = str | int | float | bool | None
Properties = Annotated[
    dict[PropertyName, PropertyValue],
    Meta(description='By names that the shop has declared: {"shirt_size": "M"}. null takes one away.'),
]
Tag = Annotated[str, Meta(max_length=limits.CUSTOMER_TAG_CHARS_MAX, examples=["VIP"])]
Tags = Annotated[list[Tag], Meta(max_length=limits.CUSTOMER_TAGS_MAX, description="Case apart, each is there once.")]

OWN = "customer_properties"
TAGS = Field("customer_tags", "Customer's tags", "list")
PROPERTY_TYPES: dict[PropertyType, str] = {
    "text": "a text",
    "number": "a number",
    "yes_no": "yes or no",
    "date": "a date",
}
"""Each, in words."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EXPECTED = {
    "text": f"a line of at most {limits.CUSTOMER_PROPERTY_CHARS_MAX} characters",
    "number": "a number such as 42 or 1.5",
    "yes_no": "yes or no",
    "date": "a date such as 1990-05-26",
}


def declared(shop: Workspace) -> dict[str, PropertyType]:
    """The setting `customer_properties`: types by names."""
    return dict(sorted((shop.settings.get(OWN) or {}).items()))


def check_declared(before: Workspace, after: Workspace) -> None:
    """Raises Invalid. A type stays as long as its property is declared: what is kept, and asked, is of that type."""
    was, faults, at = declared(before), Faults(), f"settings.{OWN}"
    for name, type_ in declared(after).items():
        if not _NAME.fullmatch(name) or type_ not in _EXPECTED:
            types = f"and a type: {', '.join(_EXPECTED)}"
            faults.add(at, f"names of at most 40 small letters, digits and _, {types}; not {name[:60]}: {type_[:20]}")
        elif was.get(name, type_) != type_:
            faults.add(at, f"{name} to stay a {was[name]}; another type needs another name")
    if len(declared(after)) > limits.CUSTOMER_PROPERTIES_MAX:
        faults.add(at, f"at most {limits.CUSTOMER_PROPERTIES_MAX}")
    faults.check()


def own_fields(shop: Workspace | None) -> list[Field]:
    """What conditions may ask of the shop's own properties; without a shop, of any's."""
    if shop is None:
        return [Field(OWN, "What you keep of a customer", "text", each=True)]
    return [Field(f"{OWN}.{n}", f"Customer's {n.replace('_', ' ')}", type_) for n, type_ in declared(shop).items()]


def own_payload(customer: Customer) -> dict[str, Any]:
    """What conditions see of them."""
    return {TAGS.name: customer.tags} | {f"{OWN}.{name}": value for name, value in customer.properties.items()}


def asked(customer: Customer) -> dict[str, Any]:
    """The same as SQL compares it: tags, folded, under '', and each property as it reads by each type."""
    return {"": [fold(tag) for tag in customer.tags]} | {n: _readings(raw) for n, raw in customer.properties.items()}


def _readings(raw: Any) -> dict[str, Any]:
    number = read_number(raw)
    read = {"text": read_text(raw), "number": None if number is None else float(number), "yes_no": read_yes_no(raw)}
    return {type_: value for type_, value in (read | {"date": _day(raw)}).items() if value is not None}


def _day(raw: Any) -> str | None:
    moment = read_date(raw, UTC)
    return date.fromordinal(moment.ordinal).isoformat() if moment and moment.ordinal and not moment.at else None


def value_of(type_: PropertyType, raw: Any) -> PropertyValue:
    """The value as it is kept, also of what was typed; None where it can't be one of this type."""
    if type_ == "number":
        number = read_number(raw)
        return number if number is not None and abs(number) <= limits.CONDITION_NUMBER_MAX else None
    if type_ == "yes_no":
        return read_yes_no(raw)
    text = seen(str(raw), name=True)
    if type_ == "date":
        return _day(text)
    fits = len(text) <= limits.CUSTOMER_PROPERTY_CHARS_MAX and len(text.splitlines()) == 1 and "\0" not in text
    return text if fits else None


def typed(value: PropertyValue) -> str:
    """As somebody would type it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def check_tags(given: Iterable[str]) -> list[str]:
    """Each once, case apart, as it was written first. Raises Invalid naming `tags`."""
    tags = dict[str, str]()
    for tag in given:
        text = seen(tag, name=True)
        if not _fits(text):
            raise invalid("tags", f"each a line of at most {limits.CUSTOMER_TAG_CHARS_MAX} characters")
        if text:
            tags.setdefault(fold(text), text)
    if len(tags) > limits.CUSTOMER_TAGS_MAX:
        raise invalid("tags", f"at most {limits.CUSTOMER_TAGS_MAX}")
    return list(tags.values())


def tags_that_fit(had: Sequence[str], given: Iterable[str]) -> tuple[list[str], int]:
    """Of what a platform with other limits says, what can be added to the tags that somebody has; how many can't."""
    new = {fold(text): text for tag in given if (text := seen(tag, name=True))}
    for tag in had:
        new.pop(fold(tag), None)
    fit = [text for text in new.values() if _fits(text)][: max(0, limits.CUSTOMER_TAGS_MAX - len(had))]
    return fit, len(new) - len(fit)


def _fits(tag: str) -> bool:
    return len(tag) <= limits.CUSTOMER_TAG_CHARS_MAX and len(tag.splitlines()) < 2 and "\0" not in tag


def settled(shop: Workspace, customer: Customer | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes with whole tags and properties in the place of those that are added, taken away and set. Raises
    Invalid naming each."""
    kept = {name: value for name, value in changes.items() if name not in ("tags_added", "tags_removed")}
    faults = Faults()
    with faults:
        if kept.keys() < changes.keys() or "tags" in kept:
            gone = {fold(seen(tag, name=True)) for tag in changes.get("tags_removed", ())}
            tags = [*changes.get("tags", customer.tags if customer else ()), *changes.get("tags_added", ())]
            kept["tags"] = check_tags(tag for tag in tags if fold(seen(tag, name=True)) not in gone)
    if "properties" in kept:
        with faults:
            had = customer.properties if customer else {}
            kept["properties"] = checked_properties(declared(shop), had, changes["properties"])
    faults.check()
    return kept


def checked_properties(
    known: Mapping[str, PropertyType], had: Mapping[str, PropertyValue], given: Mapping[str, Any]
) -> dict[str, PropertyValue]:
    """What is had, with what is given in its place; null and '' take one away. Raises Invalid naming each."""
    faults, whole = Faults(), dict(had)
    for name, raw in given.items():
        if name not in known:
            faults.add(f"properties.{name[:40]}", f"one that is declared: {', '.join(known) or 'none is yet'}")
        elif raw is None or raw == "":
            whole.pop(name, None)
        elif (value := value_of(known[name], raw)) is None:
            faults.add(f"properties.{name}", _EXPECTED[known[name]])
        else:
            whole[name] = value
    faults.check()
    return whole
