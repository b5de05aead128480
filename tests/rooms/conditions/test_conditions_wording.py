"""Sentences as a shop's owner reads them; strong parts between asterisks."""

import pytest

from regulars import conditions
from regulars.conditions import Choice, Field, Property, schema
from tests.rooms.conditions.trees import SCHEMA

AMOUNT = {"property": "amount", "operator": "at_least", "value": 1000}
CREDIT = {"property": "operation", "operator": "is", "value": "cr"}
NAME = {"property": "name", "operator": "contains", "value": "Shukla"}


def leaf(property: str, operator: str, value: object = None) -> dict[str, object]:
    return {"property": property, "operator": operator, **({} if value is None else {"value": value})}


def starred(tree: object) -> str:
    parts = conditions.sentence_parts(conditions.parse(tree, SCHEMA), SCHEMA)
    return "".join(f"*{part.text}*" if part.strong else part.text for part in parts)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (AMOUNT, "the amount is *at least 1,000 coins*"),
        ({"all": [AMOUNT, CREDIT]}, "the amount is *at least 1,000 coins* and the operation is *credited*"),
        ({"any": [AMOUNT, CREDIT]}, "either the amount is *at least 1,000 coins* or the operation is *credited*"),
        ({"none": [CREDIT]}, "it is not true that the operation is *credited*"),
        ({"none": [CREDIT, NAME]}, "neither the operation is *credited* nor the name contains *“Shukla”*"),
        (
            {"all": [AMOUNT, {"any": [CREDIT, NAME]}]},
            "the amount is *at least 1,000 coins* and "
            "(either the operation is *credited* or the name contains *“Shukla”*)",
        ),
        ({"all": [{"any": [{"all": [CREDIT]}]}, NAME]}, "the operation is *credited* and the name contains *“Shukla”*"),
        (
            {"none": [{"all": [CREDIT, NAME]}]},
            "it is not true that (the operation is *credited* and the name contains *“Shukla”*)",
        ),
        (leaf("operation", "is_not", "dr"), "the operation is *not debited*"),
        (leaf("operation", "one_of", ["cr", "dr"]), "the operation is *credited or debited*"),
        (leaf("name", "not_one_of", ["a", "b", "c"]), "the name is *not “a”, “b” or “c”*"),
        (
            leaf("name", "one_of", [str(each) for each in range(20)]),
            "the name is *“0”, “1”, “2”, “3”, “4”, “5” or 14 more*",
        ),
        (leaf("name", "does_not_contain", "x"), "the name does *not contain “x”*"),
        (leaf("name", "starts_with", "עדי"), "the name starts with *“\u2068עדי\u2069”*"),
        (leaf("name", "is", "{}"), "the name is *“{}”*"),
        (leaf("name", "is_set"), "the name is *filled in*"),
        (leaf("name", "is_not_set"), "the name is *empty*"),
        (leaf("amount", "between", [1.5, 2000]), "the amount is *between 1.5 and 2,000 coins*"),
        (leaf("is_verified", "is", False), "verified is *no*"),
        (leaf("created_at", "before", "2026-03-01"), "the created is *before 1 March 2026*"),
        (
            leaf("created_at", "between", ["2026-03-01", "2026-04-02"]),
            "the created is *between 1 March 2026 and 2 April 2026*",
        ),
        (leaf("created_at", "in_last_days", 30), "the created is *in the last 30 days*"),
        (leaf("created_at", "in_next_days", 1), "the created is *in the next day*"),
        (leaf("created_at", "anniversary"), "the created has its *anniversary today*"),
        (leaf("created_at", "day_of_year", "02-14"), "the created falls on *14 February of any year*"),
        (leaf("tags", "any_of", ["vip", "new"]), "the tags include *“vip” or “new”*"),
        (leaf("tags", "is_not_set"), "the tags are *empty*"),
        (leaf("tags", "all_of", ["vip", "new"]), "the tags include *“vip” and “new”*"),
        (leaf("tags", "none_of", ["vip"]), "the tags do *not include “vip”*"),
    ],
)
def test_sentence(tree: object, expected: str) -> None:
    assert starred(tree) == expected


def test_labels_keep_their_capitals_where_these_mean_something() -> None:
    fields = schema(
        [
            Field("utm_source", "UTM source", "text"),
            Field("user_country", "Country", "text", choices=(Choice("IN", "India"),)),
        ]
    )
    tree = {"all": [leaf("utm_source", "is_set"), leaf("user_country", "is", "in")]}
    said = conditions.sentence(conditions.parse(tree, fields), fields)
    assert said == "the UTM source is filled in and the country is India"


def test_a_property_that_is_gone_goes_by_its_name() -> None:
    assert conditions.sentence(Property("old_one", "number", "is", 5), {}) == "the old_one is 5"
