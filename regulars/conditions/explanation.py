"""The *why* of an answer: the tree again, each condition with the payload's value beside it and whether it held."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from msgspec import Struct

from regulars.conditions.matching import compiled
from regulars.conditions.model import Condition, Done, Property, Schema, Why, field_of, word_of
from regulars.conditions.wording import done_in_words, found_in_words, sentence_parts


def explain(
    condition: Condition, payload: Mapping[str, object], schema: Schema, *, now: datetime, time_zone: tzinfo
) -> Why:
    """Every condition is looked at, also where the answer was settled before. JSON-able by msgspec as it stands."""
    holds = compiled(condition, time_zone)(payload, now)
    if isinstance(condition, Property):
        found = payload.get(condition.name)
        field = field_of(condition, schema)
        return Why(
            kind="property",
            holds=holds,
            parts=tuple(sentence_parts(condition, schema)),
            found=found,
            found_words=found_in_words(found, field, time_zone),
        )
    if isinstance(condition, Done):
        parts, have = tuple(sentence_parts(condition, schema)), condition.of(payload)
        found = None if have is None else int(have) if have.denominator == 1 else float(have)
        return Why("done", holds, parts, found, done_in_words(condition, have, schema))
    items = tuple(explain(item, payload, schema, now=now, time_zone=time_zone) for item in condition.items)
    return Why(kind=word_of(condition), holds=holds, items=items)


class Failed(Struct, frozen=True):
    """A condition because of which a tree did not hold, as a sentence, and what the payload had instead."""

    asked: str
    found: str


def failed(why: Why) -> list[Failed]:
    """Those conditions that would have to be otherwise for a tree that did not hold."""
    return [_failed(leaf) for leaf in _guilty(why)]


def _guilty(why: Why) -> list[Why]:
    if why.kind in ("property", "done"):
        return [why]
    # A group answers as those of its items do that settle it; `none` as the opposite.
    settles = why.holds is not (why.kind == "none")
    return [leaf for item in why.items if item.holds is settles for leaf in _guilty(item)]


def _failed(leaf: Why) -> Failed:
    said = "".join(part.text for part in leaf.parts)
    return Failed(f"it is not true that {said}" if leaf.holds else said, leaf.found_words)
