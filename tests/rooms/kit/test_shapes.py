"""Structs made of other structs: what limits and explains a field goes with it, what is inside stays there."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from regulars.kit.shapes import INSIDE, Counted, Listed, One, Page, Partial, Setting, Shown, copied, showing

ID = UUID("019aa8a1-5c2e-7b1f-9c3d-2f6a1e8b4d70")


class NewThing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=5, description="As people call it.")]
    worth: Annotated[int, Meta(ge=1)] = 1
    note: str | None = None
    since: Annotated[int, INSIDE] = 0


class Thing(NewThing, frozen=True, kw_only=True):
    id: UUID = msgspec.field(name="thing_id")
    workspace_id: UUID
    sealed: bytes = b"secret"


class Renamed(Partial[NewThing], frozen=True):
    """Another name is longer."""

    name: Annotated[str, Meta(min_length=3)] | UnsetType = UNSET


class ThingItem(Shown[Thing], frozen=True, kw_only=True):
    worth: float
    said: str


def schema(type_: type[Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.schema(type_)["$defs"][type_.__name__]
    return found


@pytest.mark.parametrize(
    ("shape", "given", "right"),
    [
        (Partial[NewThing], {}, True),
        (Partial[NewThing], {"name": "lamp", "note": None}, True),
        (Partial[NewThing], {"name": ""}, False),
        (Partial[NewThing], {"worth": 0}, False),
        (Partial[NewThing], {"worth": None}, False),
        (Partial[NewThing], {"since": 5}, False),
        (Partial[NewThing], {"colour": "red"}, False),
        (Setting[NewThing], {"worth": None, "name": None}, True),
        (Setting[NewThing], {"worth": 0}, False),
        (Setting[NewThing], {"since": None}, False),
        (Renamed, {"name": "lamp", "worth": 2}, True),
        (Renamed, {"name": "ab"}, False),
        (Renamed, {"colour": "red"}, False),
    ],
)
def test_a_change_takes_what_a_new_thing_takes_and_any_of_it_may_be_left_out(
    shape: type[Any], given: dict[str, Any], right: bool
) -> None:
    if right:
        assert msgspec.to_builtins(msgspec.convert(given, shape)) == given
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(given, shape)


def test_only_what_was_given_is_laid_over_the_whole() -> None:
    thing = NewThing(name="lamp", worth=7, note="old")
    change = msgspec.convert({"note": None, "worth": 8}, Partial[NewThing])
    assert change.given() == {"note": None, "worth": 8}
    assert change.over(thing) == NewThing(name="lamp", worth=8)


def test_nobody_is_told_what_is_inside() -> None:
    thing = Thing(name="lamp", id=ID, workspace_id=ID)
    item = copied(ThingItem, thing, worth=0.5, said="A lamp.")
    told = {"name": "lamp", "worth": 0.5, "note": None, "thing_id": str(ID), "said": "A lamp."}
    assert msgspec.to_builtins(item) == told
    assert schema(ThingItem)["required"] == list(told)
    assert copied(ThingItem, msgspec.structs.replace(thing, note=""), item).said == "A lamp."


def test_what_is_said_of_a_field_goes_with_it_and_names_stay_readable() -> None:
    change = schema(Partial[NewThing])
    assert change["properties"]["name"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 5,
        "description": "As people call it.",
    }
    assert change["required"] == []
    assert Partial[NewThing] is Partial[NewThing]
    assert [shape.__name__ for shape in (Partial[NewThing], Page[ThingItem], Listed[ThingItem], Shown[Thing])] == [
        *("ThingChange", "ThingPage", "ThingList", "ThingItem")
    ]
    assert msgspec.json.encode(Page([1], None)) == b'{"items":[1],"next":null}'


@showing("said id called=name worth", Thing)
class Named(msgspec.Struct):
    """A thing, as it is called."""

    said: str
    worth: float


def test_an_answer_names_the_fields_it_shows_in_its_own_order_and_under_its_own_names() -> None:
    thing = Thing(name="lamp", id=ID, workspace_id=ID)
    item = copied(Named, thing, said="A lamp.")
    assert msgspec.to_builtins(item) == {"said": "A lamp.", "id": str(ID), "called": "lamp", "worth": 1}
    assert schema(Named)["properties"]["called"] == schema(NewThing)["properties"]["name"]
    assert schema(Named)["properties"]["worth"] == {"type": "number"}
    assert [shape.__name__ for shape in (Counted[ThingItem], One[ThingItem])] == ["ThingList", "ThingAnswer"]


def test_a_field_that_is_declared_and_not_shown_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="Forgotten declares fields that it does not show"):

        @showing("name", Thing)
        class Forgotten(msgspec.Struct):
            price: int
