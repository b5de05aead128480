"""From JSON to a tree and back. What is stored and what an integrator sends are the same form."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from unicodedata import category

from regulars import limits
from regulars.conditions.model import (
    GROUPS,
    Condition,
    Deed,
    Done,
    DoneWord,
    Field,
    FieldType,
    Group,
    Measure,
    Number,
    Property,
    Schema,
    Value,
    deeds_of,
    word_of,
)
from regulars.conditions.operators import OPERATORS, ValueKind, operator_named, operators_for
from regulars.conditions.reading import fold
from regulars.kit import Faults, Invalid, invalid

_LEAF_KEYS = ("property", "operator", "value")
_WORDS: tuple[DoneWord, ...] = ("count", "sum", "average")
_COUNTED = Field("", "", "number")
DONE_OPERATORS = tuple(one for one in OPERATORS["number"] if one.value != "nothing")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_OF_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
_LEAP_YEAR = "2000"
_ONE_OF_EACH = re.compile(r"([a-z_]+)\.[a-z][a-z0-9_]{0,39}")


def parse(obj: object, schema: Schema, *, at: str = "condition") -> Condition:
    """Reads the JSON form strictly.

    Raises Invalid whose `fields` name every wrong place by its path from `at`, and what was expected there:
    `{"condition.all[1].value": "expected a number"}`. Values come out tidied: white space around texts gone, choices
    spelt as in the schema, `100.0` as `100`, a set without repetitions; so parsing what `dump` wrote changes nothing.
    """
    _check_size(obj, at)
    return _node(obj, schema, at)


def dump(condition: Condition) -> dict[str, object]:
    """The JSON form, ready for a jsonb column or an answer."""
    if isinstance(condition, Property):
        leaf: dict[str, object] = {"property": condition.name, "operator": condition.operator}
        if condition.value is not None:
            leaf["value"] = list(condition.value) if isinstance(condition.value, tuple) else condition.value
        return leaf
    if isinstance(condition, Done):
        return _dump_done(condition)
    return {word_of(condition): [dump(item) for item in condition.items]}


def parse_leaf(obj: Mapping[str, object], schema: Schema, at: str) -> Property:
    """One `{"property": ..., "operator": ..., "value": ...}`; raises Invalid as `parse` does."""
    _only_keys(obj, _LEAF_KEYS, at)
    name = obj.get("property")
    field = schema.get(name) if isinstance(name, str) else None
    if field is None and isinstance(name, str) and (found := _ONE_OF_EACH.fullmatch(name)):
        family = schema.get(found[1])
        if family is not None and family.each:
            return _as_asked(obj, name, at)
    if field is None or field.each:
        raise invalid(f"{at}.property", f"one of: {', '.join(schema)}")
    known = operators_for(field)
    operator = next((each for each in known if each.name == obj.get("operator")), None)
    if operator is None:
        raise invalid(f"{at}.operator", f"one of: {', '.join(each.name for each in known)}")
    if operator.value == "nothing":
        if "value" in obj:
            raise invalid(f"{at}.value", f"no value with {operator.name}")
        return Property(field.name, field.type, operator.name)
    value = _VALUES[operator.value](obj.get("value"), field, f"{at}.value")
    return Property(field.name, field.type, operator.name, value)


def _as_asked(obj: Mapping[str, object], name: str, at: str) -> Property:
    """Of the first type that it can be asked as so; if there is none, refused in the words of what it looks like."""
    types: list[FieldType] = ["text", "number", "yes_no", "date"]
    asked = [type_ for type_ in types if operator_named(type_, str(obj.get("operator")))]
    for type_ in asked:
        with suppress(Invalid):
            return parse_leaf(obj, {name: Field(name, name, type_)}, at)
    if not asked:
        known = dict.fromkeys(one.name for type_ in types for one in OPERATORS[type_])
        raise invalid(f"{at}.operator", f"one of: {', '.join(known)}")
    value = obj.get("value")
    one = value[0] if isinstance(value, list) and value else value
    like = "yes_no" if isinstance(one, bool) else "number" if isinstance(one, int | float) else "text"
    return parse_leaf(obj, {name: Field(name, name, like if like in asked else asked[0])}, at)


def _dump_done(leaf: Done) -> dict[str, object]:
    measure, value = leaf.measure, list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
    asked = {"property": measure.of} if measure.of else {}
    dumped: dict[str, object] = {"done": measure.topic, leaf.word: {**asked, "operator": leaf.operator, "value": value}}
    if measure.where is not None:
        dumped["where"] = dump(measure.where)
    if measure.last_days:
        dumped["when"] = {"last_days": measure.last_days}
    elif measure.first:
        dumped["when"] = {"between": [measure.first, measure.last]}
    return dumped


def parse_done(obj: Mapping[str, object], schema: Schema, at: str) -> Done:
    """One `{"done": ..., "count": ..., "where": ..., "when": ...}`; raises Invalid as `parse` does."""
    _only_keys(obj, ("done", "where", "when", *_WORDS), at)
    topic, deeds = obj.get("done"), deeds_of(schema)
    deed = deeds.get(topic) if isinstance(topic, str) else None
    if deed is None or not isinstance(topic, str):
        raise invalid(f"{at}.done", f"one of: {', '.join(deeds)}" if deeds else "nothing: only segments ask for it")
    asked = [word for word in _WORDS if word in obj]
    if len(asked) > 1:
        raise invalid(at, "only one of count, sum and average")
    word = asked[0] if asked else "count"
    faults, where, of = Faults(), None, ""
    with faults:
        operator, value, of = _compared(obj.get(word, {"operator": "at_least", "value": 1}), deed, word, f"{at}.{word}")
    with faults:
        if obj.get("where") is not None:
            where = _node(obj["where"], deed.schema, f"{at}.where")
    with faults:
        last_days, first, last = _when(obj.get("when"), f"{at}.when")
    faults.check()
    return Done(Measure(topic, of, where, last_days, first, last), word, operator, value)


def _compared(given: object, deed: Deed, word: DoneWord, at: str) -> tuple[str, Value, str]:
    """The operator, the value and the property that is added up."""
    if not isinstance(given, dict):
        raise invalid(at, 'an object: {"operator": "at_least", "value": 1}')
    _only_keys(given, _LEAF_KEYS[word == "count" :], at)
    numbers = [field.name for field in deed.schema.values() if field.type == "number"]
    of = "" if word == "count" else given.get("property")
    if (of and of not in numbers) or of is None:
        raise invalid(f"{at}.property", f"one of: {', '.join(numbers)}")
    operator = next((one for one in DONE_OPERATORS if one.name == given.get("operator")), None)
    if operator is None:
        raise invalid(f"{at}.operator", f"one of: {', '.join(one.name for one in DONE_OPERATORS)}")
    value = _VALUES[operator.value](given.get("value"), _COUNTED, f"{at}.value")
    bounds = value if isinstance(value, tuple) else (value,)
    if word == "count" and not all(isinstance(one, int) and one >= 0 for one in bounds):
        raise invalid(f"{at}.value", "a whole number of at least 0")
    return operator.name, value, str(of)


def _when(given: object, at: str) -> tuple[int, str, str]:
    if given is None:
        return 0, "", ""
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {"last_days", "between"}:
        raise invalid(at, 'null, {"last_days": 30} or {"between": ["2026-01-01", "2026-01-31"]}')
    if "last_days" in given:
        return _days(given["last_days"], _COUNTED, f"{at}.last_days"), "", ""
    return 0, *_two_dates(given["between"], _COUNTED, f"{at}.between")


def _check_size(obj: object, at: str) -> None:
    """Refuses what is too big before anything recurses into it."""
    seen = 0
    level = [obj]
    depth = 0
    while level:
        depth += 1
        seen += len(level)
        if depth > limits.CONDITION_DEPTH_MAX:
            raise invalid(at, f"at most {limits.CONDITION_DEPTH_MAX} levels of conditions")
        if seen > limits.CONDITION_NODES_MAX:
            raise invalid(at, f"at most {limits.CONDITION_NODES_MAX} conditions")
        lists = [node.get(word) for node in level if isinstance(node, dict) for word in GROUPS]
        lists += [[node["where"]] for node in level if isinstance(node, dict) and node.get("where")]
        level = [item for items in lists if isinstance(items, list) for item in items]


def _node(obj: object, schema: Schema, at: str) -> Condition:
    if not isinstance(obj, dict):
        raise invalid(at, 'an object: {"all": [...]}, {"any": [...]}, {"none": [...]} or {"property": ...}')
    word = next((word for word in GROUPS if word in obj), None)
    if word is None and "done" in obj:
        return parse_done(obj, schema, at)
    if word is None:
        return parse_leaf(obj, schema, at)
    return _group(obj, word, schema, at)


def _group(obj: dict[object, object], word: str, schema: Schema, at: str) -> Group:
    _only_keys(obj, (word,), at)
    items = obj[word]
    if not isinstance(items, list):
        raise invalid(f"{at}.{word}", "a list of conditions")
    if not items:
        raise invalid(f"{at}.{word}", "at least one condition; no restriction at all is null for the whole tree")
    parsed: list[Condition] = []
    faults = Faults()
    for index, item in enumerate(items):
        with faults:
            parsed.append(_node(item, schema, f"{at}.{word}[{index}]"))
    faults.check()
    return next(make for name, make in GROUPS.items() if name == word)(tuple(parsed))


def _only_keys(obj: Mapping[str, object] | dict[object, object], known: tuple[str, ...], at: str) -> None:
    for key in obj:
        if key not in known:
            raise invalid(at, f"only {', '.join(known)} here, and not {str(key)[:40]!r}")


def _text(value: object, field: Field, at: str) -> str:
    if not isinstance(value, str):
        raise invalid(at, "a text")
    if len(value) > limits.CONDITION_TEXT_CHARS_MAX:
        raise invalid(at, f"at most {limits.CONDITION_TEXT_CHARS_MAX:,} characters")
    text = value.strip()
    if not text:
        raise invalid(at, "a text that is not empty; to ask for an empty one use is_not_set")
    # PostgreSQL stores neither NUL nor half a surrogate pair, and the form keeps one text of a set on each line.
    if any(category(char) in ("Cc", "Cs") for char in text):
        raise invalid(at, "one line of text without control characters")
    if field.choices is None:
        return text
    folded = fold(text)
    # Germany is as good as deu; what was stored is found without folding all the others.
    choice = next((choice for choice in field.choices if choice.value == text), None) or next(
        (choice for choice in field.choices if folded in (fold(choice.value), fold(choice.label))), None
    )
    if choice is None:
        shown = ", ".join(choice.value for choice in field.choices[: limits.CHOICES_IN_WORDS_MAX])
        more = len(field.choices) - limits.CHOICES_IN_WORDS_MAX
        raise invalid(at, f"one of: {shown}" + (f" and {more} more" if more > 0 else ""))
    return choice.value


def _texts(value: object, field: Field, at: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise invalid(at, "a list of at least one text")
    if len(value) > limits.CONDITION_SET_ITEMS_MAX:
        raise invalid(at, f"at most {limits.CONDITION_SET_ITEMS_MAX} texts")
    by_fold: dict[str, str] = {}
    for index, item in enumerate(value):
        text = _text(item, field, f"{at}[{index}]")
        by_fold.setdefault(fold(text), text)
    return tuple(by_fold.values())


def _number(value: object, field: Field, at: str) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(at, "a number")
    if not abs(value) <= limits.CONDITION_NUMBER_MAX:  # true for NaN as well
        raise invalid(at, f"a number between -{limits.CONDITION_NUMBER_MAX:,} and {limits.CONDITION_NUMBER_MAX:,}")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _two_numbers(value: object, field: Field, at: str) -> tuple[Number, Number]:
    if not isinstance(value, list) or len(value) != 2:
        raise invalid(at, "a list of two numbers, the lowest and the highest")
    low, high = _number(value[0], field, f"{at}[0]"), _number(value[1], field, f"{at}[1]")
    if low > high:
        raise invalid(f"{at}[1]", f"a number of at least {low:,}")
    return low, high


def _yes_no(value: object, field: Field, at: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(at, "true or false")
    return value


def _date(value: object, field: Field, at: str) -> str:
    if not _is_day(value, _DATE, ""):
        raise invalid(at, "a date like 2026-03-14")
    return str(value)


def _two_dates(value: object, field: Field, at: str) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise invalid(at, "a list of two dates, the first and the last")
    first, last = _date(value[0], field, f"{at}[0]"), _date(value[1], field, f"{at}[1]")
    if first > last:
        raise invalid(f"{at}[1]", f"a date on or after {first}")
    return first, last


def _days(value: object, field: Field, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limits.CONDITION_DAYS_MAX:
        raise invalid(at, f"a whole number of days from 1 to {limits.CONDITION_DAYS_MAX:,}")
    return value


def _day_of_year(value: object, field: Field, at: str) -> str:
    if not _is_day(value, _DAY_OF_YEAR, f"{_LEAP_YEAR}-"):
        raise invalid(at, "a month and a day like 03-14")
    return str(value)


def _is_day(value: object, form: re.Pattern[str], year: str) -> bool:
    if not isinstance(value, str) or form.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(year + value)
    except ValueError:
        return False
    return True


_VALUES: dict[ValueKind, Callable[[object, Field, str], Value]] = {
    "text": _text,
    "texts": _texts,
    "number": _number,
    "two_numbers": _two_numbers,
    "yes_no": _yes_no,
    "date": _date,
    "two_dates": _two_dates,
    "days": _days,
    "day_of_year": _day_of_year,
}
