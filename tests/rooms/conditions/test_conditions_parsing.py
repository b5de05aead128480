"""What the parser refuses, and where it says the fault is; what it tidies."""

import pytest

from regulars import conditions, limits
from regulars.conditions import AllOf, AnyOf, NoneOf, Property
from regulars.customers import own_fields
from regulars.kit.errors import Invalid
from tests.rooms.conditions.trees import SCHEMA


def leaf(property: object = "amount", operator: object = "at_least", value: object = 100) -> dict[str, object]:
    return {"property": property, "operator": operator, "value": value}


def nested(levels: int) -> object:
    tree: object = leaf()
    for _ in range(levels - 1):
        tree = {"all": [tree]}
    return tree


def test_a_tree() -> None:
    tree = {
        "all": [
            leaf(),
            {"any": [leaf("operation", "is", "cr"), {"none": [{"property": "name", "operator": "is_set"}]}]},
        ]
    }
    condition = conditions.parse(tree, SCHEMA)
    assert condition == AllOf(
        (
            Property("amount", "number", "at_least", 100),
            AnyOf((Property("operation", "text", "is", "cr"), NoneOf((Property("name", "text", "is_set"),)))),
        )
    )
    assert conditions.dump(condition) == tree


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (leaf(value=100.0), 100),
        (leaf("name", "is", "  Ayush "), "Ayush"),
        (leaf("operation", "is", " CR"), "cr"),
        (leaf("name", "one_of", ["a", "A ", "b"]), ("a", "b")),
        (leaf("operation", "one_of", ["CR", "cr", "dr"]), ("cr", "dr")),
        (leaf("amount", "between", [1.0, 2.5]), (1, 2.5)),
        (leaf("created_at", "between", ["2026-01-01", "2026-01-01"]), ("2026-01-01", "2026-01-01")),
        (leaf("name", "is", "עדי"), "עדי"),
    ],
)
def test_values_are_tidied(given: dict[str, object], kept: object) -> None:
    condition = conditions.parse(given, SCHEMA)
    assert isinstance(condition, Property)
    assert (condition.value, type(condition.value)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        (None, "condition", "an object"),
        ([], "condition", "an object"),
        ("amount", "condition", "an object"),
        ({}, "condition.property", "one of: name"),
        ({"all": {}}, "condition.all", "a list of conditions"),
        ({"all": []}, "condition.all", "at least one condition"),
        ({"all": [leaf()], "any": [leaf()]}, "condition", "'any'"),
        ({"all": [leaf(), {"any": [None]}]}, "condition.all[1].any[0]", "an object"),
        ({**leaf(), "note": 1}, "condition", "'note'"),
        (leaf("nope"), "condition.property", "one of: name, operation"),
        (leaf(["amount"]), "condition.property", "one of"),
        (leaf(operator="contains"), "condition.operator", "one of: at_least"),
        (leaf(operator=None), "condition.operator", "one of"),
        (leaf("operation", "contains", "c"), "condition.operator", "one of: is, is_not, one_of, not_one_of, is_set"),
        ({"all": [leaf(), leaf(value="100")]}, "condition.all[1].value", "a number"),
        (leaf(value=True), "condition.value", "a number"),
        (leaf(value=float("nan")), "condition.value", "a number between"),
        (leaf(value=float("inf")), "condition.value", "a number between"),
        (leaf(value=10**400), "condition.value", "a number between"),
        ({"property": "amount", "operator": "at_least"}, "condition.value", "a number"),
        (leaf(operator="between", value=100), "condition.value", "two numbers"),
        (leaf(operator="between", value=[1, 2, 3]), "condition.value", "two numbers"),
        (leaf(operator="between", value=[2, 1]), "condition.value[1]", "at least 2"),
        (leaf(operator="between", value=[1, "2"]), "condition.value[1]", "a number"),
        (leaf("name", "is", 5), "condition.value", "a text"),
        (leaf("name", "is", " "), "condition.value", "is_not_set"),
        (leaf("name", "is", "a\x00"), "condition.value", "control characters"),
        (leaf("name", "is", "a\nb"), "condition.value", "one line"),
        (leaf("name", "is", "\ud800"), "condition.value", "control characters"),
        (leaf("name", "is", "x" * 1001), "condition.value", "at most 1,000 characters"),
        (leaf("name", "one_of", "a"), "condition.value", "a list"),
        (leaf("name", "one_of", []), "condition.value", "at least one text"),
        (leaf("name", "one_of", ["a", 1]), "condition.value[1]", "a text"),
        (leaf("name", "one_of", ["a"] * 501), "condition.value", "at most 500 texts"),
        (leaf("operation", "is", "lent"), "condition.value", "one of: cr, dr"),
        (leaf("name", "is_set", None), "condition.value", "no value with is_set"),
        (leaf("is_verified", "is", "yes"), "condition.value", "true or false"),
        (leaf("created_at", "on", "14-03-2026"), "condition.value", "a date like"),
        (leaf("created_at", "on", "2026-02-30"), "condition.value", "a date like"),
        (leaf("created_at", "on", "2026-W11-6"), "condition.value", "a date like"),
        (leaf("created_at", "between", ["2026-03-02", "2026-03-01"]), "condition.value[1]", "on or after 2026-03-02"),
        (leaf("created_at", "in_last_days", 0), "condition.value", "a whole number of days"),
        (leaf("created_at", "in_last_days", 1.5), "condition.value", "a whole number of days"),
        (leaf("created_at", "in_last_days", True), "condition.value", "a whole number of days"),
        (leaf("created_at", "day_of_year", "02-30"), "condition.value", "a month and a day"),
        (leaf("tags", "any_of", {"a": 1}), "condition.value", "a list"),
        (nested(limits.CONDITION_DEPTH_MAX + 1), "condition", "at most 8 levels"),
        (nested(5000), "condition", "at most 8 levels"),
        ({"any": [leaf()] * limits.CONDITION_NODES_MAX}, "condition", "at most 200 conditions"),
    ],
)
def test_refused(given: object, path: str, expected: str) -> None:
    with pytest.raises(Invalid) as caught:
        conditions.parse(given, SCHEMA)
    assert list(caught.value.fields) == [path]
    assert expected in caught.value.fields[path]
    assert path in caught.value.message


@pytest.mark.parametrize(
    ("operator", "value", "path", "expected"),
    [
        ("at_least", "many", "value", "a number"),
        ("is", 10**20, "value", "a number between"),
        ("is", [], "value", "a text"),
        ("between", [2, 1], "value[1]", "a number of at least 2"),
        ("before", "soon", "value", "a date like"),
        ("like", "x", "operator", "one of: is, is_not"),
    ],
)
def test_what_no_type_has_is_refused_in_the_words_of_what_it_looks_like(
    operator: str, value: object, path: str, expected: str
) -> None:
    anybodys = {one.name: one for one in own_fields(None)}
    with pytest.raises(Invalid) as refused:
        conditions.parse(leaf("customer_properties.size", operator, value), anybodys)
    (found,) = refused.value.fields.items()
    assert found[0] == f"condition.{path}"
    assert expected in found[1]


def test_every_fault_is_named_at_once() -> None:
    tree = {"all": [leaf(value="x"), leaf(), {"none": [leaf("nope"), leaf(operator="like")]}]}
    with pytest.raises(Invalid) as caught:
        conditions.parse(tree, SCHEMA, at="restrictions")
    assert list(caught.value.fields) == [
        "restrictions.all[0].value",
        "restrictions.all[2].none[0].property",
        "restrictions.all[2].none[1].operator",
    ]
    assert caught.value.message.startswith("restrictions.all[0].value: expected a number; restrictions.all[2].none[0].")


def test_the_limits_themselves_are_within() -> None:
    conditions.parse(nested(limits.CONDITION_DEPTH_MAX), SCHEMA)
    conditions.parse({"any": [leaf()] * (limits.CONDITION_NODES_MAX - 1)}, SCHEMA)
    conditions.parse(leaf("name", "one_of", [str(each) for each in range(limits.CONDITION_SET_ITEMS_MAX)]), SCHEMA)
    conditions.parse(leaf("name", "is", "x" * limits.CONDITION_TEXT_CHARS_MAX), SCHEMA)
    conditions.parse(leaf(value=limits.CONDITION_NUMBER_MAX), SCHEMA)
