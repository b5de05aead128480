"""The schema that these tests ask about, and strategies for trees over it and for payloads to meet them."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from regulars.conditions import Choice, Field, operators_for, schema

SCHEMA = schema(
    [
        Field("name", "Name", "text"),
        Field("operation", "Operation", "text", choices=(Choice("cr", "credited"), Choice("dr", "debited"))),
        Field("amount", "Amount", "number", unit="coins"),
        Field("is_verified", "Verified", "yes_no"),
        Field("created_at", "Created", "date"),
        Field("tags", "Tags", "list"),
    ]
)
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)

# Few values, so that trees and payloads often speak of the same ones.
TEXTS = st.sampled_from(
    ["a", "A", "ab", "b a", "ß", "SS", "é", "e\u0301", "עדי", "نورا", "İ", "2", "2.0", "true", "cr", "100%", "x" * 50]
)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 2.5, 1e-7, 849.54, 10**15, -(10**15)]))
DAYS = st.dates(date(2026, 3, 10), date(2026, 3, 18)).map(date.isoformat) | st.sampled_from(
    ["2024-02-29", "0001-01-01"]
)
DAYS_OF_YEAR = st.sampled_from(["03-14", "02-28", "02-29", "12-31"])
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "text": TEXTS,
    "texts": st.lists(TEXTS, min_size=1, max_size=4),
    "number": NUMBERS,
    "two_numbers": st.tuples(NUMBERS, NUMBERS).map(sorted),
    "yes_no": st.booleans(),
    "date": DAYS,
    "two_dates": st.tuples(DAYS, DAYS).map(sorted),
    "days": st.integers(1, 4),
    "day_of_year": DAYS_OF_YEAR,
}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, object]:
    field = draw(st.sampled_from(list(SCHEMA.values())))
    operator = draw(st.sampled_from(operators_for(field)))
    leaf: dict[str, object] = {"property": field.name, "operator": operator.name}
    if operator.value != "nothing":
        choices = st.sampled_from(["cr", "dr", "CR"])
        values = _VALUES[operator.value]
        if field.choices is not None:
            values = choices if operator.value == "text" else st.lists(choices, min_size=1, max_size=3)
        leaf["value"] = draw(values)
    return leaf


def groups(items: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.builds(
        lambda word, inside: {word: inside},
        st.sampled_from(["all", "any", "none"]),
        st.lists(items, min_size=1, max_size=4),
    )


TREES: st.SearchStrategy[dict[str, object]] = st.recursive(leaves(), groups, max_leaves=12)
FORM_TREES = groups(leaves() | groups(leaves()))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=10,
)
DATES = st.sampled_from(
    ["2026-03-14T09:26:53.000Z", "2026-03-14T09:26:54Z", "2026-03-13T23:30:00+00:00", "2026-03-14T00:10", "2026-03-14",
     "14-03", "14-03-1990", "29-02", "29-02-2000", "31-02", "2026-02-30", "9999-12-31T23:59:59-11:00",
     "0001-01-01T00:00+14:00"]
)  # fmt: skip
ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, "", " ", "\u00a0", "nan", "inf", "1_0", "١", "1,000", float("nan"), float("inf"), 10**400, [], {}]
)
RAW = st.one_of(
    ODD, TEXTS, NUMBERS, NUMBERS.map(str), st.booleans(), DATES, DAYS, st.lists(TEXTS | NUMBERS, max_size=3), JSON
)
PAYLOADS = st.fixed_dictionaries({}, optional=dict.fromkeys(SCHEMA, RAW))
