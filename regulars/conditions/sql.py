"""The readings of a tree in SQL: who of all people it holds for, and what the measures of some people came to. The only
composed SQL of the house: what a user gave is a bound parameter, names are those of the schema and of the code.

Texts are compared by what was folded when they were stored, never by what a server's version folds. Days are the
shop's: their bounds are worked out here, so that a server knows of time zones only where a month and a day are asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from fractions import Fraction
from typing import Any, assert_never
from uuid import UUID

from msgspec import Struct

from regulars import limits
from regulars.conditions.matching import born_on, holds_unset
from regulars.conditions.model import AllOf, AnyOf, Condition, Done, Measure, Measured, NoneOf, Property, leaves
from regulars.conditions.reading import YES_NO, fold
from regulars.kit.clock import midnight

_NONE = Fraction(0)
_FIRST, _LAST = date(2, 1, 1), date(9998, 12, 31)
# What `str.strip` takes from a text that is ASCII; of others what was folded is stored.
_SPACE = "E' \\t\\n\\x0b\\f\\r\\x1c\\x1d\\x1e\\x1f'"
_NUMBER = r"'^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$'"


class Column(Struct, frozen=True):
    """What stands for a property: a text that is folded, a number as float8, a yes_no as boolean, a list of folded
    texts, a day, or `at` a time; NULL where it is unset. `$1` in it is the workspace, `c` the person's row."""

    sql: str
    at: bool = False


class People(Struct, frozen=True):
    """Whose conditions are asked: `rows` follows FROM, calls them `c` and keeps to the workspace `$1` and those that
    count; `deeds` is the table of what they did, with their `customer_id`, topic, occurred_at, body and folded."""

    rows: str
    where: str
    columns: Callable[[Property], Column]
    deeds: str


class Asked(Struct, frozen=True):
    statement: str
    arguments: list[Any]


def start_of(day: date, zone: tzinfo) -> datetime:
    """When the day begins in the shop."""
    return midnight(min(max(day, _FIRST), _LAST), zone)


def shifted(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, _FIRST.toordinal()), _LAST.toordinal()))


class _Statement:
    """A statement in the making: its parameters, each once."""

    def __init__(self, workspace_id: UUID, now: datetime, zone: tzinfo) -> None:
        self.arguments: list[Any] = [workspace_id]
        self.now, self.zone, self.today = now, zone, now.astimezone(zone).date()
        self._places: dict[tuple[str, object], str] = {}
        self.taken: dict[str, str] = {}
        self.read: dict[str, str] = {}

    def bind(self, value: Any, type_: str) -> str:
        key = (type_, tuple(value) if isinstance(value, list) else value)
        if key not in self._places:
            self.arguments.append(value)
            self._places[key] = f"${len(self.arguments)}::{type_}"
        return self._places[key]

    def span(self, measure: Measure) -> tuple[datetime | None, datetime | None]:
        """From when, and before when."""
        if measure.last_days:
            return start_of(shifted(self.today, -measure.last_days), self.zone), None
        if not measure.first:
            return None, None
        first, last = date.fromisoformat(measure.first), date.fromisoformat(measure.last)
        return start_of(first, self.zone), start_of(shifted(last, 1), self.zone)

    def within(self, measure: Measure, at: str) -> Iterator[str]:
        since, until = self.span(measure)
        if since:
            yield f"{at} >= {self.bind(since, 'timestamptz')}"
        if until:
            yield f"{at} < {self.bind(until, 'timestamptz')}"


_Columns = Callable[[Property], Column]
_Parts = Mapping[Measure, tuple[str, int]]
"""Where what a measure came to stands: the part of the statement, and its place in it."""


def members(
    condition: Condition | None, people: People, workspace_id: UUID, *, now: datetime, zone: tzinfo, edges: bool = False
) -> Asked:
    """The ids of all for whom it holds, None for everybody; with `edges` also who else is to be looked at again: `id`,
    `holds` and `looks_again_at`."""
    made = _Statement(workspace_id, now, zone)
    done = list(dict.fromkeys(leaf.measure for leaf in leaves(condition) if isinstance(leaf, Done)))
    parts: dict[Measure, tuple[str, int]] = {}
    ctes, joins = list[str](), ""
    for topic in dict.fromkeys(one.topic for one in done):
        some, name = [one for one in done if one.topic == topic], f"m{len(ctes)}"
        columns = [_named(made, one, n) for n, one in enumerate(some)]
        ctes.append(f"{name} AS (\n  {_of_topic(made, topic, some, ', '.join(columns), people)})")
        joins += f"\n  LEFT JOIN {name} ON {name}.customer_id = c.id"
        parts |= {one: (name, n) for n, one in enumerate(some)}
    tree = "true" if condition is None else _tree(made, condition, people.columns, parts)
    answers, where = "c.id", f"({tree})"
    if edges:
        edge = _edge(made, condition, people, parts)
        answers, where = f"c.id, ({tree}) AS holds, {edge} AS looks_again_at", f"(({tree}) OR {edge} IS NOT NULL)"
    begin = f"WITH {', '.join(ctes)}\n" if ctes else ""
    statement = f"{begin}SELECT {answers} FROM {people.rows}{joins}\n WHERE {people.where} AND {where}"
    return Asked(statement, made.arguments)


def measures(
    wanted: Sequence[Measure], people: People, workspace_id: UUID, ids: Sequence[UUID], *, now: datetime, zone: tzinfo
) -> Iterator[tuple[Sequence[Measure], Asked]]:
    """What measures came to for some people: statements that answer for each of them with `id`, `counts`, `totals` and
    `oldest`, in the order of the measures named beside. So many together are a statement that a driver keeps. They are
    to be run with `enable_sort` off: then deeds are found by whose they are, however little is known of the shop."""
    for topic in sorted({one.topic for one in wanted}):
        of_topic = [one for one in dict.fromkeys(wanted) if one.topic == topic]
        for start in range(0, len(of_topic), limits.MEASURES_TOGETHER_MAX):
            some = of_topic[start : start + limits.MEASURES_TOGETHER_MAX]
            made = _Statement(workspace_id, now, zone)
            made.arguments.append(list(ids))
            three = zip(*(_columns(made, one) for one in some), strict=True)
            types = ("counts", ""), ("totals", "::numeric[]"), ("oldest", "::timestamptz[]")
            asked = (
                f"ARRAY[{', '.join(one)}]{type_} AS {name}" for one, (name, type_) in zip(three, types, strict=True)
            )
            found = _of_topic(made, topic, some, ", ".join(asked), people, of_one=True)
            rows = "SELECT n.id, t.counts, t.totals, t.oldest FROM unnest($2::uuid[]) AS n (id)"
            yield some, Asked(f"{rows} CROSS JOIN LATERAL ({found}) AS t", made.arguments)


def measured(wanted: Sequence[Measure], row: Any) -> dict[Measure, Measured]:
    """What such a row says, as payloads hold it."""
    columns = zip(wanted, row["counts"], row["totals"], row["oldest"], strict=True)
    return {
        one: Measured(n, Fraction(total) if total else _NONE, at and at.timestamp()) for one, n, total, at in columns
    }


def _columns(made: _Statement, measure: Measure) -> tuple[str, str, str]:
    """How many of them there are, their sum, and when the first of them was."""
    tests = list(made.within(measure, "d.occurred_at"))
    if measure.where is not None:
        tests.append(_tree(made, measure.where, lambda leaf: _body_column(made, leaf), {}))
    only = f" FILTER (WHERE {' AND '.join(tests)})" if tests else ""
    oldest = f"min(d.occurred_at){only}" if measure.last_days else "NULL"
    if not measure.of:
        return f"count(*){only}", "NULL", oldest
    number = _number(made, measure.of, "numeric")
    return f"count({number}){only}", f"sum({number}){only}", oldest


def _named(made: _Statement, measure: Measure, place: int) -> str:
    columns = zip("nto", _columns(made, measure), strict=True)
    return ", ".join(f"{sql} AS {letter}{place}" for letter, sql in columns if sql != "NULL")


def _of_topic(
    made: _Statement, topic: str, some: Sequence[Measure], columns: str, people: People, *, of_one: bool = False
) -> str:
    """One look at all deeds of a topic for all its measures, of everybody or of one, `n`; what `columns` asks of a body
    is taken out of it once, and read once as the number that it is."""
    keys = {made.bind(name, "text"): alias for name, alias in made.taken.items()}
    numbers, made.taken, made.read = made.read, {}, {}
    taken = "".join(
        f", COALESCE(e.folded -> {key}, (e.body::json -> {key})::jsonb) AS {alias}" for key, alias in keys.items()
    )
    since = [made.span(one)[0] for one in some]
    first = min((at for at in since if at), default=None) if all(since) else None
    recent = f" AND e.occurred_at >= {made.bind(first, 'timestamptz')}" if first else ""
    # Only the index of one customer's deeds has them in this order: where nothing may be sorted, it is the one.
    whose, order = (" AND e.customer_id = n.id", " ORDER BY e.occurred_at") if of_one else ("", "")
    deeds = f"""(SELECT e.customer_id, e.occurred_at{taken} FROM {people.deeds} AS e
           WHERE e.workspace_id = $1 AND e.topic = {made.bind(topic, "text")}{whose}{recent}{order} OFFSET 0) AS d"""
    if numbers:
        deeds = (
            f"(SELECT d.*{''.join(f', {sql} AS {alias}' for sql, alias in numbers.items())} FROM {deeds} OFFSET 0) AS d"
        )
    return f"SELECT d.customer_id, {columns}\n    FROM {deeds}\n   GROUP BY d.customer_id"


def _tree(made: _Statement, condition: Condition, columns: _Columns, parts: _Parts) -> str:
    """True or false, never NULL."""
    match condition:
        case Property():
            return f"COALESCE({_leaf(made, condition, columns(condition))}, {_yes(holds_unset(condition))})"
        case Done():
            return f"COALESCE({_done(made, condition, parts[condition.measure])}, {_yes(holds_unset(condition))})"
        case AllOf(items=items):
            return f"({' AND '.join(_tree(made, item, columns, parts) for item in items)})"
        case AnyOf(items=items):
            return f"({' OR '.join(_tree(made, item, columns, parts) for item in items)})"
        case NoneOf(items=items):
            return f"(NOT ({' OR '.join(_tree(made, item, columns, parts) for item in items)}))"
        case _:
            assert_never(condition)


def _yes(yes: bool) -> str:
    return "true" if yes else "false"


_COMPARISONS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<", "is": "=", "is_not": "<>"}


def _done(made: _Statement, leaf: Done, part: tuple[str, int]) -> str:
    """No number is divided: an average is compared by its sum."""
    count, total = (f"{part[0]}.{letter}{part[1]}" for letter in "nt")
    bounds = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    asked = [made.bind(repr(bound), "text") + "::numeric" for bound in bounds]
    have = f"COALESCE({count if leaf.word == 'count' else total}, 0)"
    if leaf.word == "average":
        have, asked = total, [f"{one} * {count}" for one in asked]
    if leaf.operator == "between":
        return f"{have} BETWEEN {asked[0]} AND {asked[1]}"
    return f"{have} {_COMPARISONS[leaf.operator]} {asked[0]}"


def _leaf(made: _Statement, leaf: Property, column: Column) -> str:
    if leaf.operator in ("is_set", "is_not_set"):
        return f"{column.sql} IS {'NOT ' if leaf.operator == 'is_set' else ''}NULL"
    value: Any = leaf.value
    match leaf.type:
        case "text":
            return _text_leaf(made, leaf.operator, value, column.sql)
        case "number":
            if leaf.operator == "between":
                low, high = (made.bind(float(one), "float8") for one in value)
                return f"{column.sql} BETWEEN {low} AND {high}"
            return f"{column.sql} {_COMPARISONS[leaf.operator]} {made.bind(float(value), 'float8')}"
        case "yes_no":
            return f"{column.sql} = {_yes(value)}"
        case "list":
            asked = made.bind([fold(one) for one in value], "text[]")
            if leaf.operator == "all_of":
                return f"{column.sql} @> {asked}"
            return f"{'NOT ' if leaf.operator == 'none_of' else ''}({column.sql} && {asked})"
        case "date":
            return _date_leaf(made, leaf.operator, value, column)


def _text_leaf(made: _Statement, operator: str, value: Any, text: str) -> str:
    if operator in ("one_of", "not_one_of"):
        asked = made.bind([fold(one) for one in value], "text[]")
        return f"{text} = ANY ({asked})" if operator == "one_of" else f"{text} <> ALL ({asked})"
    asked = made.bind(fold(value), "text")
    return {
        "is": f"{text} = {asked}",
        "is_not": f"{text} <> {asked}",
        "contains": f"strpos({text}, {asked}) > 0",
        "does_not_contain": f"strpos({text}, {asked}) = 0",
        "starts_with": f"starts_with({text}, {asked})",
        "ends_with": f"right({text}, length({asked})) = {asked}",
    }[operator]


def _date_leaf(made: _Statement, operator: str, value: Any, column: Column) -> str:
    at, today = column.sql, made.today

    def from_to(first: date | None, last: date | None) -> str:
        """On these days, both included."""
        tests = [(">=", first), ("<", last and shifted(last, 1))]
        return " AND ".join(f"{at} {sign} {_bound(made, day, column)}" for sign, day in tests if day)

    def now(sign: str) -> str:
        return f" AND {at} {sign} {made.bind(made.now, 'timestamptz')}" if column.at else ""

    match operator:
        case "on":
            return from_to(date.fromisoformat(value), date.fromisoformat(value))
        case "before":
            return from_to(None, shifted(date.fromisoformat(value), -1))
        case "after":
            return from_to(shifted(date.fromisoformat(value), 1), None)
        case "between":
            return from_to(*map(date.fromisoformat, value))
        case "in_last_days":
            return from_to(shifted(today, -value), today) + now("<=")
        case "in_next_days":
            return from_to(today, shifted(today, value)) + now(">=")
    local = f"({at} AT TIME ZONE {made.bind(str(made.zone), 'text')})" if column.at else at
    if operator == "anniversary":
        days = made.bind([f"{month:02d}-{day:02d}" for month, day in born_on(today)], "text[]")
        earlier = from_to(None, date(today.year - 1, 12, 31))
        return f"to_char({local}, 'MM-DD') = ANY ({days}) AND {earlier}"
    return f"to_char({local}, 'MM-DD') = {made.bind(value, 'text')}"


def _bound(made: _Statement, day: date, column: Column) -> str:
    return made.bind(start_of(day, made.zone), "timestamptz") if column.at else made.bind(day, "date")


def _of_body(made: _Statement, name: str) -> str:
    """The value of a property of a deed, in its place what was folded of it."""
    return f"d.{made.taken.setdefault(name, f'p{len(made.taken)}')}"


def _body_column(made: _Statement, leaf: Property) -> Column:
    value = _of_body(made, leaf.name)
    match leaf.type:
        case "text":
            return Column(_text(value))
        case "number":
            return Column(_number(made, leaf.name))
        case "yes_no":
            words = [
                made.bind([word for word, yes in YES_NO.items() if yes is wanted], "text[]") for wanted in (True, False)
            ]
            text = _text(value)
            whole = f"(jsonb_typeof({value}) <> 'number' OR {value} #>> '{{}}' IN ('0', '1'))"
            return Column(
                f"CASE WHEN {whole} AND {text} = ANY ({words[0]}) THEN true"
                f" WHEN {whole} AND {text} = ANY ({words[1]}) THEN false END"
            )
        case "list":
            items = f"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} ELSE jsonb_build_array({value}) END"
            texts = f"SELECT {_text('i')} FROM jsonb_array_elements({items}) AS i WHERE {_text('i')} IS NOT NULL"
            return Column(f"NULLIF(ARRAY({texts}), '{{}}')")
        case "date":
            raise AssertionError(f"no deed has a date: {leaf.name}")


def _text(value: str) -> str:
    """Of a JSON value the text that `reading.read_text` reads, folded: what is not ASCII was folded before."""
    number = f"({value} #>> '{{}}')::numeric"
    most = limits.CONDITION_NUMBER_MAX
    return (
        f"CASE jsonb_typeof({value}) WHEN 'string' THEN"
        f" NULLIF(lower(btrim({value} #>> '{{}}', {_SPACE}) COLLATE \"C\"), '')"
        f" WHEN 'boolean' THEN {value} #>> '{{}}' WHEN 'number' THEN CASE WHEN {number} = trunc({number})"
        f" AND abs({number}) <= {most} THEN trunc({number})::text ELSE ({value} #>> '{{}}')::float8::text END END"
    )


def _number(made: _Statement, name: str, type_: str = "float8") -> str:
    """A property of a deed as a number."""
    value = _of_body(made, name)
    text = f"btrim({value} #>> '{{}}', {_SPACE})"
    sql = (
        f"CASE jsonb_typeof({value}) WHEN 'number' THEN ({value} #>> '{{}}')::{type_} WHEN 'string' THEN CASE WHEN"
        f" length({text}) <= {limits.CONDITION_NUMBER_CHARS_MAX} AND {text} ~ {_NUMBER}"
        f" THEN {text}::numeric::{type_} END END"
    )
    return f"d.{made.read.setdefault(sql, f'n{len(made.read)}')}"


def _edge(made: _Statement, condition: Condition | None, people: People, parts: _Parts) -> str:
    """When time alone may change the answer next, or before that; NULL for never. `edges.edge` says it exactly."""
    found = []
    for leaf in leaves(condition):
        if isinstance(leaf, Done) and leaf.measure.last_days:
            zone = made.bind(str(made.zone), "text")
            part, place = parts[leaf.measure]
            day = f"(({part}.o{place} AT TIME ZONE {zone})::date + {leaf.measure.last_days + 1})"
            found.append(f"({day}::timestamp AT TIME ZONE {zone})")
        elif isinstance(leaf, Property) and leaf.operator in ("in_last_days", "in_next_days", "anniversary"):
            next_day = made.bind(start_of(shifted(made.today, 1), made.zone), "timestamptz")
            found.append(f"CASE WHEN {people.columns(leaf).sql} IS NOT NULL THEN {next_day} END")
    return f"LEAST({', '.join(found)})" if found else "NULL::timestamptz"
