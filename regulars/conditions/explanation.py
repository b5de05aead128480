"""The *why* of an answer: the tree again, each condition with the payload's value beside it and whether it held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from regulars.conditions.matching import compiled
from regulars.conditions.model import Condition, Field, Property, Schema, Why, word_of
from regulars.conditions.wording import found_in_words, sentence_parts


def explain(
    condition: Condition, payload: Mapping[str, object], schema: Schema, *, now: datetime, time_zone: tzinfo
) -> Why:
    """Every condition is looked at, also where the answer was settled before. JSON-able by msgspec as it stands."""
    holds = compiled(condition, time_zone)(payload, now)
    if isinstance(condition, Property):
        found = payload.get(condition.name)
        field = schema.get(condition.name) or Field(condition.name, condition.name, condition.type)
        return Why(
            kind="property",
            holds=holds,
            parts=tuple(sentence_parts(condition, schema)),
            found=found,
            found_words=found_in_words(found, field, time_zone),
        )
    items = tuple(explain(item, payload, schema, now=now, time_zone=time_zone) for item in condition.items)
    return Why(kind=word_of(condition), holds=holds, items=items)
