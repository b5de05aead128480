"""The *why* of an answer: the tree again, each condition with the payload's value beside it and whether it held."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

from msgspec import Struct

from regulars.conditions.matching import compiled
from regulars.conditions.model import Condition, Done, Property, Schema, Why, field_of, word_of
from regulars.conditions.wording import done_in_words, found_in_words, sentence_parts


def explain(
    condition: Condition, payload: Mapping[str, object], schema: Schema, *, now: datetime, time_zone: tzinfo
) -> Why:
    """Every condition is looked at, also where the answer was settled before. JSON-able by msgspec as it stands."""
    return explaining(condition, schema, time_zone)(payload, now)


def explaining(condition: Condition, schema: Schema, zone: tzinfo) -> Callable[[Mapping[str, object], datetime], Why]:
    """`explain` for many payloads: what is the same of each is worked out once."""
    test = compiled(condition, zone)
    if isinstance(condition, Property):
        field, parts, name = field_of(condition, schema), tuple(sentence_parts(condition, schema)), condition.name

        def of_property(payload: Mapping[str, object], now: datetime) -> Why:
            found = payload.get(name)
            words = found_in_words(found, field, zone)
            return Why("property", test(payload, now), parts, found=found, found_words=words)

        return of_property
    if isinstance(condition, Done):
        parts, done = tuple(sentence_parts(condition, schema)), condition

        def of_done(payload: Mapping[str, object], now: datetime) -> Why:
            have = done.of(payload)
            found = None if have is None else int(have) if have.denominator == 1 else float(have)
            return Why("done", test(payload, now), parts, found, done_in_words(done, have, schema))

        return of_done
    kind, items = word_of(condition), [explaining(item, schema, zone) for item in condition.items]
    return lambda payload, now: Why(kind, test(payload, now), items=tuple(item(payload, now) for item in items))


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
