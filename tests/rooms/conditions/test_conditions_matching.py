"""Every operator of every type, in tables: the condition, what the payload holds, and whether it holds."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars import conditions
from regulars.conditions import OPERATORS
from tests.rooms.conditions.trees import NOW, SCHEMA

MISSING = object()
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def holds(
    name: str, operator: str, value: object, raw: object, now: datetime = NOW, zone: ZoneInfo | None = None
) -> bool:
    leaf = {"property": name, "operator": operator, **({} if value is None else {"value": value})}
    payload = {} if raw is MISSING else {name: raw}
    return conditions.matches(conditions.parse(leaf, SCHEMA), payload, now=now, time_zone=zone or UTC)


TEXT = [
    ("is", "Ayush", "ayush", True),
    ("is", "Ayush", "  AYUSH ", True),
    ("is", "Ayush", "Ayush S", False),
    ("is", "straße", "STRASSE", True),
    ("is", "é", "e\u0301", True),
    ("is", "5", 5, True),
    ("is", "5", 5.0, True),
    ("is", "5.5", 5.5, True),
    ("is", "true", True, True),
    ("is", "True", "true", True),
    ("is", "none", None, False),
    ("is", "[]", [], False),
    ("is_not", "Ayush", "Bala", True),
    ("is_not", "Ayush", "ayush", False),
    ("is_not", "Ayush", "", True),
    ("is_not", "Ayush", MISSING, True),
    ("one_of", ["a", "B"], "b", True),
    ("one_of", ["a", "B"], "c", False),
    ("one_of", ["a"], "", False),
    ("not_one_of", ["a", "B"], "b", False),
    ("not_one_of", ["a", "B"], "c", True),
    ("not_one_of", ["a", "B"], None, True),
    ("contains", "HUK", "Ayush Shukla", True),
    ("contains", "x", "Ayush Shukla", False),
    ("contains", "e", "e\u0301", False),
    ("contains", "%", "100 percent", False),
    ("does_not_contain", "huk", "Shukla", False),
    ("does_not_contain", "huk", "", True),
    ("starts_with", "ayu", "Ayush", True),
    ("starts_with", "shu", "Ayush", False),
    ("ends_with", "SH", "Ayush", True),
    ("ends_with", "ay", "Ayush", False),
    ("starts_with", "a", "", False),
    ("is", "עדי לוי", "עדי לוי", True),
    ("starts_with", "עדי", "עדי לוי", True),
    ("contains", "نورا", "السيدة نورا", True),
    ("ends_with", "עדי", "עדי לוי", False),
    ("is_set", None, "x", True),
    ("is_set", None, 0, True),
    ("is_set", None, "", False),
    ("is_set", None, " \u00a0\t", False),
    ("is_set", None, None, False),
    ("is_set", None, MISSING, False),
    ("is_not_set", None, "", True),
    ("is_not_set", None, "x", False),
]
NUMBER = [
    ("at_least", 100, 100, True),
    ("at_least", 100, 99.99, False),
    ("at_least", 100, "100.00", True),
    ("at_least", 100, " 200.00 ", True),
    ("at_least", 100, "99.99", False),
    ("at_least", 0, "", False),
    ("at_least", 0, None, False),
    ("at_least", 0, MISSING, False),
    ("at_least", 0, True, False),
    ("at_least", 0, [5], False),
    ("at_least", 0, "1,000", False),
    ("at_least", 0, "1_000", False),
    ("at_least", 0, "₹5", False),
    ("at_least", 0, "٥", False),
    ("at_least", 0, "nan", False),
    ("at_least", 0, "1e999", False),
    ("at_least", 0, "9" * 5000, False),
    ("at_least", 0, float("inf"), False),
    ("at_least", 0, 10**400, True),
    ("at_least", 0, "1e3", True),
    ("at_most", 10, 10, True),
    ("at_most", 10, 10.01, False),
    ("at_most", 10, "", False),
    ("at_most", -1, "-1.5", True),
    ("more_than", 10, 10, False),
    ("more_than", 10, 11, True),
    ("less_than", 10, 10, False),
    ("less_than", 10, "9.99", True),
    ("less_than", 10, "", False),
    ("is", 849.54, 849.54, True),
    ("is", 849.54, "849.54", True),
    ("is", 849.54, "849.5400", True),
    ("is", 0, 0, True),
    ("is", 0, -0.0, True),
    ("is", 0, False, False),
    ("is", 0, "", False),
    ("is_not", 0, 1, True),
    ("is_not", 0, "0.0", False),
    ("is_not", 0, "", True),
    ("is_not", 0, "abc", True),
    ("between", [10, 20], 10, True),
    ("between", [10, 20], "20.0", True),
    ("between", [10, 20], 20.01, False),
    ("between", [10, 20], "", False),
    ("is_set", None, 0, True),
    ("is_set", None, "0", True),
    ("is_set", None, "abc", False),
    ("is_not_set", None, "", True),
    ("is_not_set", None, 0, False),
]
YES_NO = [
    ("is", True, True, True),
    ("is", True, "true", True),
    ("is", True, "Yes", True),
    ("is", True, 1, True),
    ("is", True, "", False),
    ("is", True, "maybe", False),
    ("is", True, 2, False),
    ("is", True, 1.0, False),
    ("is", False, False, True),
    ("is", False, "no", True),
    ("is", False, 0, True),
    ("is", False, "", True),
    ("is", False, MISSING, True),
    ("is", False, True, False),
    ("is_set", None, False, True),
    ("is_set", None, "", False),
    ("is_not_set", None, "", True),
    ("is_not_set", None, True, False),
]
LIST = [
    ("any_of", ["Gold", "vip"], ["gold", "new"], True),
    ("any_of", ["gold"], ["new"], False),
    ("any_of", ["gold"], "Gold", True),
    ("any_of", ["5"], [5], True),
    ("any_of", ["gold"], [], False),
    ("any_of", ["gold"], [None, {"gold": 1}, ["gold"]], False),
    ("all_of", ["a", "b"], ["b", "c", "A"], True),
    ("all_of", ["a", "b"], ["a"], False),
    ("all_of", ["a"], "", False),
    ("none_of", ["a"], ["b"], True),
    ("none_of", ["a"], ["b", "A"], False),
    ("none_of", ["a"], [], True),
    ("none_of", ["a"], MISSING, True),
    ("is_set", None, ["a"], True),
    ("is_set", None, [""], False),
    ("is_set", None, [], False),
    ("is_not_set", None, [], True),
    ("is_not_set", None, ["a"], False),
]
# NOW is 2026-03-14T09:26:53Z.
DATE = [
    ("on", "2026-03-14", "2026-03-14T23:59:59.999Z", True),
    ("on", "2026-03-14", "2026-03-15T00:00:00.000Z", False),
    ("on", "2026-03-14", "2026-03-15T01:00:00+02:00", True),
    ("on", "2026-03-14", "2026-03-14", True),
    ("on", "2026-03-14", "14-03-2026", True),
    ("on", "2026-03-14", "14-03", False),
    ("on", "2026-03-14", date(2026, 3, 14), True),
    ("on", "2026-03-14", datetime(2026, 3, 14, 1, tzinfo=UTC), True),
    ("on", "2026-03-14", "", False),
    ("on", "2026-03-14", 1773480413, False),
    ("on", "2026-03-14", "June 2nd 2023, 6:40:33 am", False),
    ("before", "2026-03-14", "2026-03-13T23:59:59Z", True),
    ("before", "2026-03-14", "2026-03-14T00:00:00Z", False),
    ("before", "2026-03-14", "", False),
    ("before", "2026-03-14", "2026-02-30", False),
    ("after", "2026-03-14", "2026-03-15", True),
    ("after", "2026-03-14", "2026-03-14T23:00:00Z", False),
    ("after", "2026-03-14", None, False),
    ("after", "2026-03-14", "9999-12-31T23:59:59-11:00", False),
    ("between", ["2026-03-01", "2026-03-31"], "2026-03-31T23:59:59Z", True),
    ("between", ["2026-03-01", "2026-03-31"], "2026-03-01", True),
    ("between", ["2026-03-01", "2026-03-31"], "2026-04-01T00:00:00Z", False),
    ("between", ["2026-03-01", "2026-03-31"], "", False),
    ("in_last_days", 1, "2026-03-13T00:00:00Z", True),
    ("in_last_days", 1, "2026-03-12T23:59:59Z", False),
    ("in_last_days", 1, "2026-03-14T09:26:53Z", True),
    ("in_last_days", 1, "2026-03-14T09:26:54Z", False),
    ("in_last_days", 1, "2026-03-14", True),
    ("in_last_days", 1, "2026-03-15", False),
    ("in_last_days", 1, "", False),
    ("in_last_days", 1, "14-03", False),
    ("in_next_days", 1, "2026-03-15T23:59:59Z", True),
    ("in_next_days", 1, "2026-03-16T00:00:00Z", False),
    ("in_next_days", 1, "2026-03-14T09:26:52Z", False),
    ("in_next_days", 1, "2026-03-14", True),
    ("in_next_days", 1, "2026-03-13", False),
    ("in_next_days", 1, "", False),
    ("anniversary", None, "14-03", True),
    ("anniversary", None, "14-03-1990", True),
    ("anniversary", None, "1990-03-14T12:00:00Z", True),
    ("anniversary", None, "15-03", False),
    ("anniversary", None, "2026-03-14T01:00:00Z", False),
    ("anniversary", None, "2027-03-14", False),
    ("anniversary", None, "31-02", False),
    ("anniversary", None, "", False),
    ("day_of_year", "12-25", "25-12", True),
    ("day_of_year", "12-25", "2020-12-25T10:00:00Z", True),
    ("day_of_year", "12-25", "2020-12-24", False),
    ("day_of_year", "02-29", "29-02", True),
    ("day_of_year", "12-25", "", False),
    ("is_set", None, "14-03", True),
    ("is_set", None, "2026-03-14T09:26:53.589Z", True),
    ("is_set", None, "soon", False),
    ("is_not_set", None, "", True),
    ("is_not_set", None, "2026-03-14", False),
]
TABLES: dict[str, list[tuple[str, Any, Any, bool]]] = {
    "name": TEXT,
    "amount": NUMBER,
    "is_verified": YES_NO,
    "tags": LIST,
    "created_at": DATE,
}
ROWS = [(name, *row) for name, table in TABLES.items() for row in table]


@pytest.mark.parametrize(("name", "operator", "value", "raw", "expected"), ROWS)
def test_operator(name: str, operator: str, value: object, raw: object, expected: bool) -> None:
    assert holds(name, operator, value, raw) is expected


def test_the_tables_leave_no_operator_out() -> None:
    tried = {(SCHEMA[row[0]].type, row[1]) for row in ROWS}
    assert tried == {(type_, operator.name) for type_, operators in OPERATORS.items() for operator in operators}


@pytest.mark.parametrize(
    ("operator", "value", "raw", "zone", "expected"),
    [
        # In Berlin the clocks go forward at 01:00Z on 29 March 2026: midnight is at 23:00Z before, at 22:00Z after.
        ("on", "2026-03-29", "2026-03-28T22:59:59Z", BERLIN, False),
        ("on", "2026-03-29", "2026-03-28T23:00:00Z", BERLIN, True),
        ("on", "2026-03-29", "2026-03-29T21:59:59Z", BERLIN, True),
        ("on", "2026-03-29", "2026-03-29T22:00:00Z", BERLIN, False),
        # 02:30 does not exist on that day, and still is on it.
        ("on", "2026-03-29", "2026-03-29T02:30:00", BERLIN, True),
        # Without an offset it is the shop's clock that is meant.
        ("on", "2026-03-29", "2026-03-29T23:30:00", BERLIN, True),
        # In New York they go back at 06:00Z on 1 November: the day has 25 hours.
        ("on", "2026-11-01", "2026-11-01T04:00:00Z", NEW_YORK, True),
        ("on", "2026-11-01", "2026-11-02T04:59:59Z", NEW_YORK, True),
        ("on", "2026-11-01", "2026-11-02T05:00:00Z", NEW_YORK, False),
        # A day without a time is the same day everywhere.
        ("on", "2026-03-29", "2026-03-29", NEW_YORK, True),
        ("before", "2026-03-29", "2026-03-29T03:00:00Z", NEW_YORK, True),
        ("after", "2026-03-29", "2026-03-29T23:00:00Z", BERLIN, True),
    ],
)
def test_days_are_the_shops(operator: str, value: object, raw: str, zone: ZoneInfo, expected: bool) -> None:
    assert holds("created_at", operator, value, raw, zone=zone) is expected


@pytest.mark.parametrize(
    ("now", "raw", "expected"),
    [
        ("2026-02-28", "29-02", True),
        ("2026-02-28", "29-02-2000", True),
        ("2026-03-01", "29-02", False),
        ("2028-02-28", "29-02", False),
        ("2028-02-29", "29-02", True),
        ("2028-02-29", "2024-02-29T10:00:00Z", True),
        ("2028-02-29", "28-02", False),
        ("2026-02-28", "28-02", True),
    ],
)
def test_a_leap_days_anniversary(now: str, raw: str, expected: bool) -> None:
    at = datetime.fromisoformat(f"{now}T12:00:00+00:00")
    assert holds("created_at", "anniversary", None, raw, now=at) is expected


def test_today_turns_at_the_shops_midnight() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    just_before, just_after = datetime(2026, 3, 13, 18, 29, tzinfo=UTC), datetime(2026, 3, 13, 18, 30, tzinfo=UTC)
    assert not holds("created_at", "anniversary", None, "14-03", now=just_before, zone=kolkata)
    assert holds("created_at", "anniversary", None, "14-03", now=just_after, zone=kolkata)
    assert holds("created_at", "in_last_days", 1, "2026-03-12", now=just_before, zone=kolkata)
    assert not holds("created_at", "in_last_days", 1, "2026-03-12", now=just_after, zone=kolkata)


CREDIT = {"property": "operation", "operator": "is", "value": "cr"}
LARGE = {"property": "amount", "operator": "at_least", "value": 100}
VERIFIED = {"property": "is_verified", "operator": "is", "value": True}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"all": [CREDIT, LARGE]}, True),
        ({"all": [CREDIT, VERIFIED]}, False),
        ({"any": [VERIFIED, LARGE]}, True),
        ({"any": [VERIFIED]}, False),
        ({"none": [VERIFIED]}, True),
        ({"none": [VERIFIED, LARGE]}, False),
        ({"all": [CREDIT, {"any": [VERIFIED, {"none": [VERIFIED]}]}]}, True),
        ({"none": [{"all": [CREDIT, {"none": [LARGE]}]}]}, True),
        ({"none": [{"none": [{"none": [LARGE]}]}]}, False),
    ],
)
def test_groups(tree: object, expected: bool) -> None:
    payload = {"operation": "CR", "amount": "200.00", "is_verified": ""}
    condition = conditions.parse(tree, SCHEMA)
    assert conditions.matches(condition, payload, now=NOW, time_zone=UTC) is expected


def test_the_explanation_shows_what_was_found() -> None:
    tree = {
        "all": [
            CREDIT,
            {"any": [LARGE, VERIFIED]},
            {"property": "created_at", "operator": "after", "value": "2026-01-01"},
        ]
    }
    payload = {"operation": "dr", "amount": 1200, "is_verified": "", "created_at": "2026-03-14T09:26:53.589Z"}
    kolkata = ZoneInfo("Asia/Kolkata")
    why = conditions.explain(conditions.parse(tree, SCHEMA), payload, SCHEMA, now=NOW, time_zone=kolkata)
    leaves = [why.items[0], *why.items[1].items, why.items[2]]
    assert [(leaf.holds, leaf.found_words) for leaf in leaves] == [
        (False, "debited"),
        (True, "1,200 coins"),
        (False, "empty"),
        (True, "14 March 2026, 14:56"),
    ]
    assert (why.kind, why.holds, why.items[1].kind, why.items[1].holds) == ("all", False, "any", True)
    assert leaves[0].found == "dr"


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("amount", "abc", "“abc”, not a number"),
        ("amount", [1], "“list”, not a number"),
        ("created_at", "soon", "“soon”, not a date"),
        ("created_at", "26-05", "26 May"),
        ("created_at", "26-05-1990", "26 May 1990"),
        ("is_verified", True, "yes"),
        ("name", "עדי", "“\u2068עדי\u2069”"),
        ("name", 5.0, "“5”"),
        ("tags", ["a", 5, None], "“a”, “5”"),
        ("tags", [], "empty"),
        ("tags", None, "empty"),
        ("name", "x" * 999, "“" + "x" * 199 + "…"),
    ],
)
def test_found_in_words(name: str, raw: object, words: str) -> None:
    condition = conditions.parse({"property": name, "operator": "is_set"}, SCHEMA)
    why = conditions.explain(condition, {name: raw}, SCHEMA, now=NOW, time_zone=UTC)
    assert why.found_words == words
