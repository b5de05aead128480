"""The builder's form: what it sends, what comes of it, and how it is drawn again."""

import pytest

from regulars import conditions
from regulars.conditions import DraftGroup, DraftRow
from regulars.kit.errors import Invalid
from tests.rooms.conditions.trees import SCHEMA

ROW = [("condition.0.property", "amount"), ("condition.0.operator", "at_least"), ("condition.0.value", "100")]
FORM = [
    ("name", "another field of the page"),
    ("condition.match", "all"),
    *ROW,
    ("condition.1.match", "any"),
    ("condition.1.0.property", "name"),
    ("condition.1.0.operator", "one_of"),
    ("condition.1.0.value", "Ayush\r\n\r\n Bala "),
    ("condition.1.0.value", "Chitra"),
    ("condition.1.4.property", "created_at"),
    ("condition.1.4.operator", "between"),
    ("condition.1.4.value", "2026-01-01"),
    ("condition.1.4.value_to", "2026-01-31"),
    ("condition.2.property", "is_verified"),
    ("condition.2.operator", "is"),
    ("condition.2.value", "no"),
    ("condition.7.property", "name"),
    ("condition.7.operator", "is_set"),
]


def test_a_form_becomes_a_tree() -> None:
    condition = conditions.from_form(FORM, SCHEMA)
    assert condition is not None
    assert conditions.dump(condition) == {
        "all": [
            {"property": "amount", "operator": "at_least", "value": 100},
            {
                "any": [
                    {"property": "name", "operator": "one_of", "value": ["Ayush", "Bala", "Chitra"]},
                    {"property": "created_at", "operator": "between", "value": ["2026-01-01", "2026-01-31"]},
                ]
            },
            {"property": "is_verified", "operator": "is", "value": False},
            {"property": "name", "operator": "is_set"},
        ]
    }


@pytest.mark.parametrize(
    "pairs", [[], [("condition.match", "any")], [("unrelated", "x"), ("conditional.0.property", "amount")]]
)
def test_no_rows_are_no_restriction(pairs: list[tuple[str, str]]) -> None:
    assert conditions.from_form(pairs, SCHEMA) is None


@pytest.mark.parametrize(
    ("row", "field", "expected"),
    [
        (("amount", "at_least", "a lot", ""), "condition.0.value", "a number"),
        (("amount", "at_least", "", ""), "condition.0.value", "a number"),
        (("amount", "between", "1", "many"), "condition.0.value_to", "a number"),
        (("amount", "between", "", "1"), "condition.0.value", "a number"),
        (("amount", "between", "3", "2"), "condition.0.value_to", "at least 3"),
        (("amount", "contains", "3", ""), "condition.0.operator", "'contains' does not fit here"),
        (("amount", "", "3", ""), "condition.0.operator", "a choice from the list"),
        (("nope", "is", "3", ""), "condition.0.property", "a property that this event has"),
        (("", "is", "3", ""), "condition.0.property", "a property from the list"),
        (("", "", "", ""), "condition.0.property", "a property from the list"),
        (("name", "is", "", ""), "condition.0.value", "a value"),
        (("name", "one_of", "", ""), "condition.0.value", "a value"),
        (("operation", "one_of", "cr\nxx", ""), "condition.0.value", "one of: cr, dr"),
        (("is_verified", "is", "maybe", ""), "condition.0.value", "true or false"),
        (("created_at", "between", "2026-02-01", "2026-01-01"), "condition.0.value_to", "on or after"),
        (("created_at", "in_last_days", "1.5", ""), "condition.0.value", "whole number"),
    ],
)
def test_a_fault_is_named_by_the_forms_own_field(row: tuple[str, ...], field: str, expected: str) -> None:
    pairs = [
        (f"condition.0.{key}", text)
        for key, text in zip(("property", "operator", "value", "value_to"), row, strict=True)
    ]
    with pytest.raises(Invalid) as caught:
        conditions.from_form(pairs, SCHEMA)
    assert list(caught.value.fields) == [field]
    assert expected in caught.value.fields[field]
    # Nothing typed is lost.
    drawn = conditions.draft(pairs)
    assert drawn.items == (DraftRow("condition.0", row[0], row[1], (row[2],), row[3], row[0]),)


def test_all_faults_come_at_once() -> None:
    pairs = [("condition.match", "most"), ("condition.0.property", "nope"), ("condition.3.0.property", "amount")]
    with pytest.raises(Invalid) as caught:
        conditions.from_form(pairs, SCHEMA)
    assert set(caught.value.fields) == {"condition.match", "condition.0.property", "condition.3.0.operator"}


def test_a_group_without_rows_is_asked_about() -> None:
    with pytest.raises(Invalid) as caught:
        conditions.from_form([*ROW, ("condition.1.match", "any")], SCHEMA)
    assert set(caught.value.fields) == {"condition.1.match"}


def test_what_another_schema_does_not_have_is_kept_as_it_was_typed() -> None:
    narrow = {name: field for name, field in SCHEMA.items() if name != "amount"}
    with pytest.raises(Invalid) as caught:
        conditions.from_form(FORM, narrow)
    assert set(caught.value.fields) == {"condition.0.property"}
    row = conditions.draft([*FORM, ("condition.redraw", "yes")]).items[0]
    assert row == DraftRow("condition.0", "amount", "at_least", ("100",), "", "amount")
    assert conditions.from_form(FORM, SCHEMA) is not None


def test_a_row_knows_whether_another_property_was_chosen_for_it() -> None:
    (row,) = conditions.draft([*ROW, ("condition.0.shown", "name")]).items
    assert isinstance(row, DraftRow)
    assert row.fresh
    (row,) = conditions.draft([*ROW, ("condition.0.shown", "amount")]).items
    assert isinstance(row, DraftRow)
    assert not row.fresh


def test_a_value_left_from_another_operator_is_passed_over() -> None:
    pairs = [("condition.0.property", "name"), ("condition.0.operator", "is_set"), ("condition.0.value", "left over")]
    condition = conditions.from_form(pairs, SCHEMA)
    assert condition is not None
    assert conditions.dump(condition) == {"all": [{"property": "name", "operator": "is_set"}]}


def test_too_many_rows() -> None:
    pairs = [
        (f"condition.{row}.{key}", text)
        for row in range(201)
        for key, text in (("property", "name"), ("operator", "is_set"))
    ]
    with pytest.raises(Invalid) as caught:
        conditions.from_form(pairs, SCHEMA)
    assert "at most 200" in caught.value.fields["condition"]


def shape(group: DraftGroup) -> str:
    """The items by the last number of their names, a group's own in brackets: `0 1(0 4) 2`."""
    said = []
    for item in group.items:
        assert item.name.startswith(f"{group.name}.")
        number = item.name.removeprefix(f"{group.name}.")
        said.append(f"{number}({shape(item)})" if isinstance(item, DraftGroup) else number)
    return " ".join(said)


@pytest.mark.parametrize(
    ("button", "value", "expected"),
    [
        ("redraw", "1", "0 1(0 4) 2 7"),
        ("add_row", "condition", "0 1(0 4) 2 7 8"),
        ("add_row", "condition.1", "0 1(0 4 5) 2 7"),
        ("add_group", "condition", "0 1(0 4) 2 7 8(0)"),
        ("remove", "condition.0", "1(0 4) 2 7"),
        ("remove", "condition.1", "0 2 7"),
        ("remove", "condition.1.0", "0 1(4) 2 7"),
        ("remove", "condition.9", "0 1(0 4) 2 7"),
    ],
)
def test_buttons(button: str, value: str, expected: str) -> None:
    pairs = [*FORM, (f"condition.{button}", value)]
    assert conditions.button_pressed(pairs)
    assert shape(conditions.draft(pairs)) == expected


def test_sending_the_form_presses_none_of_the_buttons() -> None:
    assert not conditions.button_pressed(FORM)


def test_what_is_stored_can_be_drawn() -> None:
    condition = conditions.from_form(FORM, SCHEMA)
    assert condition is not None
    drawn = conditions.draft(conditions.to_form(conditions.dump(condition)))
    assert drawn.match == "all"
    row, group = drawn.items[0], drawn.items[1]
    assert isinstance(row, DraftRow)
    assert isinstance(group, DraftGroup)
    assert (row.name, row.property_name, row.operator, row.value) == ("condition.0", "amount", "at_least", "100")
    assert isinstance(group.items[0], DraftRow)
    assert group.items[0].lines == ("Ayush", "Bala", "Chitra")
    assert conditions.draft(conditions.to_form(None)).items == ()


def test_a_condition_of_any_depth_comes_back_as_it_was() -> None:
    single = {"property": "name", "operator": "is_set"}
    parsed = conditions.from_form(conditions.to_form(single), SCHEMA)
    assert parsed == conditions.AllOf((conditions.parse(single, SCHEMA),))
    deep = {"all": [{"any": [{"none": [single]}]}]}
    assert conditions.from_form(conditions.to_form(deep), SCHEMA) == conditions.parse(deep, SCHEMA)
