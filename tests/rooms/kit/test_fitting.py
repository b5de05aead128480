"""What does not fit how a field is declared is named, with what was expected in words for people."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from regulars.kit.errors import Faults
from regulars.kit.fitting import note_unfit


class Part(msgspec.Struct):
    factor: float


class Thing(msgspec.Struct):
    kind: Literal["lamp", "chair", "table"] = "lamp"
    name: Annotated[str, Meta(min_length=1, max_length=5)] = "lamp"
    note: Annotated[str, Meta(max_length=2_000)] = ""
    worth: Annotated[int, Meta(ge=1, le=1_000)] = 1
    weight: Annotated[float, Meta(ge=0)] | None = None
    parts: Annotated[tuple[Part, ...], Meta(max_length=2)] = ()
    sold: bool = False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "sofa"}, {"kind": "chair, lamp or table"}),
        ({"name": ""}, {"name": "1 to 5 characters"}),
        ({"name": "a\0b"}, {"name": "1 to 5 characters"}),
        ({"note": "x" * 2_001}, {"note": "at most 2,000 characters"}),
        ({"worth": 0, "sold": 1}, {"worth": "a whole number from 1 to 1,000", "sold": "true or false"}),
        ({"worth": True}, {"worth": "a whole number from 1 to 1,000"}),
        ({"weight": -0.5}, {"weight": "a number of at least 0"}),
        ({"parts": (Part(1), Part(2), Part(3))}, {"parts": "at most 2"}),
        ({"colour": "red"}, {"colour": "one of kind, name, note, worth, weight, parts, sold"}),
        ({"kind": "chair", "name": "chair", "worth": 1, "weight": None, "parts": (Part(2.5),), "sold": True}, {}),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_expected(given: dict[str, Any], said: dict[str, str]) -> None:
    faults = Faults()
    note_unfit(faults, Thing, given, "thing.")
    assert faults.fields == {f"thing.{name}": f"expected {words}" for name, words in said.items()}
