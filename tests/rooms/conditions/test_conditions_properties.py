"""Laws of the language, over trees and payloads that hypothesis makes up."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import conditions
from regulars.kit.errors import Invalid
from tests.rooms.conditions.reference import reference
from tests.rooms.conditions.trees import FORM_TREES, JSON, NOW, PAYLOADS, RAW, SCHEMA, TREES, groups, leaves

TYPES = {field.name: str(field.type) for field in SCHEMA.values()}
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")])
NOWS = st.sampled_from(
    [
        NOW,
        datetime(2025, 2, 28, 12, tzinfo=UTC),
        datetime(2028, 2, 28, 12, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
    ]
)


@settings(max_examples=250, deadline=None)
@given(tree=TREES, payload=PAYLOADS, now=NOWS, zone=ZONES)
def test_compiled_says_what_the_naive_reading_says(
    tree: dict[str, Any], payload: dict[str, Any], now: datetime, zone: ZoneInfo
) -> None:
    condition = conditions.parse(tree, SCHEMA)
    assert conditions.compiled(condition, zone)(payload, now) == reference(tree, payload, TYPES, now, zone)


@settings(max_examples=250, deadline=None)
@given(leaf=leaves(), raw=RAW, now=NOWS, zone=ZONES)
def test_each_leaf_says_what_the_naive_reading_says(
    leaf: dict[str, Any], raw: object, now: datetime, zone: ZoneInfo
) -> None:
    payload = {leaf["property"]: raw}
    condition = conditions.parse(leaf, SCHEMA)
    assert conditions.compiled(condition, zone)(payload, now) == reference(leaf, payload, TYPES, now, zone)


@settings(max_examples=100, deadline=None)
@given(tree=TREES)
def test_parsing_what_was_dumped_changes_nothing(tree: dict[str, Any]) -> None:
    condition = conditions.parse(tree, SCHEMA)
    dumped = conditions.dump(condition)
    assert conditions.parse(json.loads(json.dumps(dumped)), SCHEMA) == condition
    assert conditions.dump(conditions.parse(dumped, SCHEMA)) == dumped


@settings(max_examples=100, deadline=None)
@given(items=st.lists(TREES, min_size=1, max_size=3), payload=PAYLOADS)
def test_none_is_the_opposite_of_any(items: list[dict[str, Any]], payload: dict[str, Any]) -> None:
    said = [
        conditions.matches(conditions.parse({word: items}, SCHEMA), payload, now=NOW, time_zone=UTC)
        for word in ("none", "any")
    ]
    assert said[0] is not said[1]


@settings(max_examples=150, deadline=None)
@given(tree=FORM_TREES)
def test_a_form_gives_back_what_it_was_drawn_from(tree: dict[str, Any]) -> None:
    condition = conditions.parse(tree, SCHEMA)
    stored = conditions.dump(condition)
    pairs = conditions.to_form(stored)
    assert conditions.from_form(pairs, SCHEMA) == condition
    # As a browser sends a textarea: one field, lines ended by CR LF.
    texts = [text for key, text in pairs if key == "condition.0.value"]
    if isinstance(condition.items[0], conditions.Property) and len(texts) > 1:  # type: ignore[union-attr]
        merged = [pair for pair in pairs if pair[0] != "condition.0.value"]
        assert conditions.from_form([*merged, ("condition.0.value", "\r\n".join(texts))], SCHEMA) == condition


@settings(max_examples=100, deadline=None)
@given(tree=TREES, payload=PAYLOADS, zone=ZONES)
def test_the_explanation_agrees_with_the_answer_all_the_way_down(
    tree: dict[str, Any], payload: dict[str, Any], zone: ZoneInfo
) -> None:
    condition = conditions.parse(tree, SCHEMA)
    why = conditions.explain(condition, payload, SCHEMA, now=NOW, time_zone=zone)
    assert why.holds == conditions.matches(condition, payload, now=NOW, time_zone=zone)

    def check(node: conditions.Why) -> None:
        held = [item.holds for item in node.items]
        if node.kind == "property":
            assert node.found_words
            assert node.parts
        else:
            assert node.holds == {"all": all(held), "any": any(held), "none": not any(held)}[node.kind]
        for item in node.items:
            check(item)

    check(why)


@settings(max_examples=150, deadline=None)
@given(tree=TREES)
def test_every_tree_is_a_sentence(tree: dict[str, Any]) -> None:
    condition = conditions.parse(tree, SCHEMA)
    parts = conditions.sentence_parts(condition, SCHEMA)
    assert "".join(part.text for part in parts) == conditions.sentence(condition, SCHEMA)
    assert any(part.strong for part in parts)
    assert all(one.strong != other.strong for one, other in pairwise(parts))
    assert "{}" not in conditions.sentence(condition, SCHEMA)


@settings(max_examples=200, deadline=None)
@given(
    obj=JSON
    | groups(JSON)
    | groups(leaves() | JSON)
    | st.builds(lambda leaf, odd: {**leaf, "value": odd}, leaves(), JSON)
)
def test_parse_raises_nothing_but_invalid(obj: object) -> None:
    refusal: Invalid | None = None
    try:
        condition = conditions.parse(obj, SCHEMA)
    except Invalid as no:
        refusal = no
    if refusal is not None:
        assert refusal.fields
        assert all(path.startswith("condition") for path in refusal.fields)
        return
    # What is accepted can be stored, and met.
    assert b"\\u0000" not in msgspec.json.encode(conditions.dump(condition))
    conditions.matches(condition, {}, now=NOW, time_zone=UTC)


@settings(max_examples=200, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(
            st.builds(
                "condition{}.{}".format,
                st.sampled_from(["", ".0", ".1", ".0.0", ".0.1", ".0.0.0", ".x", ".99999"]),
                st.sampled_from(
                    ["match", "property", "operator", "value", "value_to", "add_row", "remove", "add_group"]
                ),
            ),
            st.sampled_from([*SCHEMA, "any", "is", "condition", "condition.0", ""]) | st.text(max_size=5),
        ),
        max_size=12,
    )
)
def test_a_form_of_any_kind_is_drawn_or_refused_by_its_fields(pairs: list[tuple[str, str]]) -> None:
    drawn = conditions.draft(pairs)
    assert drawn.name == "condition"
    fields: dict[str, str] = {}
    try:
        conditions.from_form(pairs, SCHEMA)
    except Invalid as no:
        fields = no.fields
    assert {path.rpartition(".")[2] for path in fields} <= {"match", "property", "operator", "value", "value_to"}


@settings(max_examples=50, deadline=None)
@given(days=st.integers(1, 400), ago_s=st.integers(-40_000_000, 40_000_000), zone=ZONES)
def test_a_moment_is_in_the_past_or_in_the_future_of_now(days: int, ago_s: int, zone: ZoneInfo) -> None:
    payload = {"created_at": (NOW - timedelta(seconds=ago_s)).isoformat()}

    def holds(operator: str) -> bool:
        tree = {"property": "created_at", "operator": operator, "value": days}
        return conditions.matches(conditions.parse(tree, SCHEMA), payload, now=NOW, time_zone=zone)

    assert holds("in_last_days") <= (ago_s >= 0)
    assert holds("in_next_days") <= (ago_s <= 0)
    # A full n days back or forward is always within reach, and n + 1 days never.
    if 0 <= ago_s <= days * 86_400 - 3_600:
        assert holds("in_last_days")
    if ago_s > (days + 1) * 86_400 + 3_600:
        assert not holds("in_last_days")
