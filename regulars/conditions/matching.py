"""The reading of a tree over a payload. The fan-out asks it for every event and every rule, so a tree is turned into
closures once, with folded texts and split dates inside, and only those run per event."""

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from fractions import Fraction
from typing import Any, TypeAlias, assert_never

from regulars.conditions.model import AllOf, AnyOf, Condition, Done, NoneOf, Number, Property
from regulars.conditions.reading import Moment, fold, read_date, read_list, read_number, read_text, read_yes_no

Payload: TypeAlias = Mapping[Any, object]
"""Properties by their names, and what measures came to by the measures."""
Test: TypeAlias = Callable[[Payload, datetime], bool]


def compiled(condition: Condition, time_zone: tzinfo) -> Test:
    """A function of (payload, now) that says whether the condition holds. It never raises, whatever the payload holds;
    `now` is an aware datetime. Keep it as long as the rule and the shop's time zone stand."""
    match condition:
        case Property():
            return _leaf(condition, time_zone)
        case Done():
            return _done(condition)
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
    unset = holds_unset(leaf)

    def test(payload: Payload, now: datetime) -> bool:
        have = read(payload.get(name))
        return unset if have is None else holds(have)

    return test


def holds_unset(leaf: Property | Done) -> bool:
    """What a leaf answers where there is nothing to compare."""
    return leaf.operator in _NEGATIVE or (isinstance(leaf, Property) and leaf.type == "yes_no" and leaf.value is False)


def exact(number: Number) -> Fraction:
    """As it is written: sums of money come to what people add up."""
    return Fraction(repr(number))


def _done(leaf: Done) -> Test:
    asked: Any = leaf.value
    # Whole numbers, as counts are, are compared as such: that is what most ask, of everybody.
    given = [
        n.numerator if n.denominator == 1 else n for n in map(exact, asked if isinstance(asked, tuple) else (asked,))
    ]
    holds = _NUMBERS[leaf.operator](tuple(given) if isinstance(asked, tuple) else given[0])
    unset = holds_unset(leaf)

    def test(payload: Payload, now: datetime) -> bool:
        have = leaf.of(payload)
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


_Tests: TypeAlias = dict[str, Callable[[Any], Callable[[Any], bool]]]


def _text(make: Callable[[str], Callable[[Any], bool]]) -> Callable[[str], Callable[[Any], bool]]:
    """What is asked for is folded, once."""
    return lambda asked: make(fold(asked))


def _texts(make: Callable[[frozenset[str]], Callable[[Any], bool]]) -> Callable[[Any], Callable[[Any], bool]]:
    return lambda asked: make(frozenset(map(fold, asked)))


_TEXTS: _Tests = {
    "is": _text(lambda text: lambda have: have == text),
    "is_not": _text(lambda text: lambda have: have != text),
    "one_of": _texts(lambda texts: lambda have: have in texts),
    "not_one_of": _texts(lambda texts: lambda have: have not in texts),
    "contains": _text(lambda part: lambda have: part in have),
    "does_not_contain": _text(lambda part: lambda have: part not in have),
    "starts_with": _text(lambda part: lambda have: have.startswith(part)),
    "ends_with": _text(lambda part: lambda have: have.endswith(part)),
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
_LISTS: _Tests = {
    "any_of": _texts(lambda texts: lambda have: not texts.isdisjoint(have)),
    "all_of": _texts(lambda texts: lambda have: texts <= have),
    "none_of": _texts(lambda texts: lambda have: texts.isdisjoint(have)),
}
_NEGATIVE = frozenset({"is_not", "not_one_of", "does_not_contain", "none_of"})

_BY_TYPE: dict[str, tuple[Callable[[object], object], _Tests]] = {
    "text": (read_text, _TEXTS),
    "number": (read_number, _NUMBERS),
    "yes_no": (read_yes_no, _YES_NO),
    "list": (read_list, _LISTS),
}

_DateTest: TypeAlias = Callable[[Moment, datetime], bool]


def _days(make: Callable[[list[int]], Callable[[int], bool]]) -> Callable[[Any], _DateTest]:
    """Days are compared by their ordinals; what has no year is on none of them."""

    def made(value: str | tuple[str, str]) -> _DateTest:
        asked = [date.fromisoformat(day).toordinal() for day in ([value] if isinstance(value, str) else value)]
        holds = make(asked)
        return lambda have, local_now: have.ordinal is not None and holds(have.ordinal)

    return made


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


def _anniversary(have: Moment, local_now: datetime) -> bool:
    return (have.year is None or have.year < local_now.year) and (have.month, have.day) in born_on(local_now.date())


def born_on(today: date) -> list[tuple[int, int]]:
    """The months and days whose anniversary is today. Who was born on 29 February has their birthday on the 28th in a
    year without one."""
    days = [(today.month, today.day)]
    return [*days, (2, 29)] if days == [(2, 28)] and not isleap(today.year) else days


def _day_of_year(value: str) -> _DateTest:
    wanted = (int(value[:2]), int(value[3:]))
    return lambda have, local_now: (have.month, have.day) == wanted


_DATES: dict[str, Callable[[Any], _DateTest]] = {
    "on": _days(lambda days: lambda have: have == days[0]),
    "before": _days(lambda days: lambda have: have < days[0]),
    "after": _days(lambda days: lambda have: have > days[0]),
    "between": _days(lambda days: lambda have: days[0] <= have <= days[1]),
    "in_last_days": _in_last_days,
    "in_next_days": _in_next_days,
    "anniversary": lambda _: _anniversary,
    "day_of_year": _day_of_year,
}
