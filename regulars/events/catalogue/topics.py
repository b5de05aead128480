"""Every event by its topic, its name on the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from regulars.conditions import Schema
from regulars.events.catalogue.properties import TYPES, Body, rows
from regulars.events.catalogue.restrictions import SCHEMAS

Group = Literal["Customers", "Orders", "Coins", "Coupons", "Reviews", "Referrals", "Segments"]


class Topic(msgspec.Struct, frozen=True):
    """An event as people choose it, as `topics.md` has it: `happening` reads after "When", `description` says when it
    fires; `emitted` is false while nothing makes it yet.

    `restrictions` are the properties that a rule may ask about before it sends the event.
    """

    topic: str
    group: Group
    label: str
    happening: str
    emitted: bool
    description: str
    type: type[Body]
    restrictions: Schema


def _topics() -> Iterator[Topic]:
    for row in rows(Path(__file__).with_name("topics.md").read_text(encoding="utf-8")):
        topic, kind, asked, group, label, happening, sent, fires = row
        assert group in get_args(Group)
        yield Topic(topic, group, label, happening, sent == "yes", fires, TYPES[kind], SCHEMAS[asked])  # type: ignore[arg-type]


TOPICS: dict[str, Topic] = {topic.topic: topic for topic in _topics()}
