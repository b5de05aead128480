"""The reading of a tree over a payload. The fan-out asks it for every event and every rule, so a tree is turned into
closures once, with folded texts and split dates inside, and only those run per event."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from typing import Any, TypeAlias, assert_never

from regulars.conditions.model import AllOf, AnyOf, Condition, NoneOf, Property
from regulars.conditions.reading import Moment, fold, read_date, read_list, read_number, read_text, read_yes_no

Payload: TypeAlias = Mapping[str, object]
Test: TypeAlias = Callable[[Payload, datetime], bool]


def compiled(condition: Condition, time_zone: tzinfo) -> Test:
    """A function of (payload, now) that says whether the condition holds. It never raises, whatever the payload holds;
    `now` is an aware datetime. Keep it as long as the rule and the shop's time zone stand."""
    match condition:
        case Property():
            return _leaf(condition, time_zone)
        case AllOf(items=items):
            return _all(tuple(compiled(item, time_zone) for item in items))
        case AnyOf(items=items):
            return _any(tuple(compiled(item, time_zone) for item in items), found=True)
        case NoneOf(items=items):
            return _any(tuple(compiled(item, time_zone) for item in items), found=False)
        case _:
            assert_never(condition)


def matches(condition: Condition, payload: Payload, *, now: datetime, time_zone: tzinfo) -> bool:
    """Whether the condition holds, asked once; to ask often, keep what `compiled` gives."""
    return compiled(condition, time_zone)(payload, now)


def _all(tests: tuple[Test, ...]) -> Test:
    def test(payload: Payload, now: datetime) -> bool:
        for each in tests:  # noqa: SIM110 - a generator inside all() doubles the time of the hot loop
            if not each(payload, now):
                return False
        return True

    return test


def _any(tests: tuple[Test, ...], *, found: bool) -> Test:
    def test(payload: Payload, now: datetime) -> bool:
        for each in tests:
            if each(payload, now):
                return found
        return not found

    return test


def _leaf(leaf: Property, time_zone: tzinfo) -> Test:
    if leaf.type == "date":
        return _date_leaf(leaf, time_zone)
    read, tests = _BY_TYPE[leaf.type]
    name = leaf.name
    if leaf.operator in ("is_set", "is_not_set"):
        wanted = leaf.operator == "is_set"
        return lambda payload, now: (read(payload.get(name)) is not None) is wanted
    holds = tests[leaf.operator](leaf.value)
    # A negative operator is the exact opposite of its positive one, so it holds for what is unset.
    unset = leaf.operator in _NEGATIVE or (leaf.type == "yes_no" and leaf.value is False)

    def test(payload: Payload, now: datetime) -> bool:
        have = read(payload.get(name))
        return unset if have is None else holds(have)

    return test


def _date_leaf(leaf: Property, time_zone: tzinfo) -> Test:
    name = leaf.name
    if leaf.operator in ("is_set", "is_not_set"):
        wanted = leaf.operator == "is_set"
        return lambda payload, now: (read_date(payload.get(name), time_zone) is not None) is wanted
    holds = _DATES[leaf.operator](leaf.value)

    def test(payload: Payload, now: datetime) -> bool:
        have = read_date(payload.get(name), time_zone)
        return have is not None and holds(have, now.astimezone(time_zone))

    return test


def _contains(part: str) -> Callable[[str], bool]:
    folded = fold(part)
    return lambda have: folded in have


def _folds(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(fold(text) for text in texts)


def _is_text(text: str) -> Callable[[str], bool]:
    folded = fold(text)
    return lambda have: have == folded


def _one_of(texts: tuple[str, ...]) -> Callable[[str], bool]:
    folds = _folds(texts)
    return lambda have: have in folds


def _any_item(texts: tuple[str, ...]) -> Callable[[frozenset[str]], bool]:
    folds = _folds(texts)
    return lambda have: not folds.isdisjoint(have)


def _every_item(texts: tuple[str, ...]) -> Callable[[frozenset[str]], bool]:
    folds = _folds(texts)
    return lambda have: folds <= have


def _starts(part: str) -> Callable[[str], bool]:
    folded = fold(part)
    return lambda have: have.startswith(folded)


def _ends(part: str) -> Callable[[str], bool]:
    folded = fold(part)
    return lambda have: have.endswith(folded)


def _opposite(make: Callable[[Any], Callable[[Any], bool]]) -> Callable[[Any], Callable[[Any], bool]]:
    def opposite(value: Any) -> Callable[[Any], bool]:
        holds = make(value)
        return lambda have: not holds(have)

    return opposite


_Tests: TypeAlias = dict[str, Callable[[Any], Callable[[Any], bool]]]

_TEXTS: _Tests = {
    "is": _is_text,
    "is_not": _opposite(_is_text),
    "one_of": _one_of,
    "not_one_of": _opposite(_one_of),
    "contains": _contains,
    "does_not_contain": _opposite(_contains),
    "starts_with": _starts,
    "ends_with": _ends,
}
_NUMBERS: _Tests = {
    "at_least": lambda bound: lambda have: have >= bound,
    "at_most": lambda bound: lambda have: have <= bound,
    "more_than": lambda bound: lambda have: have > bound,
    "less_than": lambda bound: lambda have: have < bound,
    "is": lambda bound: lambda have: have == bound,
    "is_not": lambda bound: lambda have: have != bound,
    "between": lambda bounds: lambda have: bounds[0] <= have <= bounds[1],
}
_YES_NO: _Tests = {"is": lambda wanted: lambda have: have is wanted}
_LISTS: _Tests = {"any_of": _any_item, "all_of": _every_item, "none_of": _opposite(_any_item)}
_NEGATIVE = frozenset({"is_not", "not_one_of", "does_not_contain", "none_of"})

_BY_TYPE: dict[str, tuple[Callable[[object], object], _Tests]] = {
    "text": (read_text, _TEXTS),
    "number": (read_number, _NUMBERS),
    "yes_no": (read_yes_no, _YES_NO),
    "list": (read_list, _LISTS),
}

_DateTest: TypeAlias = Callable[[Moment, datetime], bool]


def _on(value: str) -> _DateTest:
    wanted = date.fromisoformat(value).toordinal()
    return lambda have, local_now: have.ordinal == wanted


def _before(value: str) -> _DateTest:
    wanted = date.fromisoformat(value).toordinal()
    return lambda have, local_now: have.ordinal is not None and have.ordinal < wanted


def _after(value: str) -> _DateTest:
    wanted = date.fromisoformat(value).toordinal()
    return lambda have, local_now: have.ordinal is not None and have.ordinal > wanted


def _between(value: tuple[str, str]) -> _DateTest:
    first, last = (date.fromisoformat(each).toordinal() for each in value)
    return lambda have, local_now: have.ordinal is not None and first <= have.ordinal <= last


def _in_last_days(days: int) -> _DateTest:
    def holds(have: Moment, local_now: datetime) -> bool:
        if have.ordinal is None or (have.at is not None and have.at > local_now):
            return False
        today = local_now.toordinal()
        return today - days <= have.ordinal <= today

    return holds


def _in_next_days(days: int) -> _DateTest:
    def holds(have: Moment, local_now: datetime) -> bool:
        if have.ordinal is None or (have.at is not None and have.at < local_now):
            return False
        today = local_now.toordinal()
        return today <= have.ordinal <= today + days

    return holds


def _anniversary(value: None) -> _DateTest:
    def holds(have: Moment, local_now: datetime) -> bool:
        if have.year is not None and have.year >= local_now.year:
            return False
        if (have.month, have.day) == (local_now.month, local_now.day):
            return True
        # Who was born on 29 February has their birthday on the 28th in a year without one.
        is_28_february = (local_now.month, local_now.day) == (2, 28)
        return (have.month, have.day) == (2, 29) and is_28_february and not isleap(local_now.year)

    return holds


def _day_of_year(value: str) -> _DateTest:
    wanted = (int(value[:2]), int(value[3:]))
    return lambda have, local_now: (have.month, have.day) == wanted


_DATES: dict[str, Callable[[Any], _DateTest]] = {
    "on": _on,
    "before": _before,
    "after": _after,
    "between": _between,
    "in_last_days": _in_last_days,
    "in_next_days": _in_next_days,
    "anniversary": _anniversary,
    "day_of_year": _day_of_year,
}
