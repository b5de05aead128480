"""What a Send Events rule is."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import conditions, limits
from regulars.conditions import Condition
from regulars.events import TOPICS
from regulars.kit.errors import invalid

_PREFIX = re.compile(r"[A-Za-z0-9 ._:/-]*")


class Rule(msgspec.Struct, frozen=True):
    """Events of `topic` go to the integration under the name `prefix` + `topic`, those that the condition lets through.

    `condition` is the JSON form of the conditions room, None for every event. `tool` and `integration_name` are the
    integration's, for showing.
    """

    id: UUID
    topic: str
    integration_id: UUID
    prefix: str
    condition: dict[str, Any] | None
    active: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    tool: str
    integration_name: str

    @property
    def event_name(self) -> str:
        """The event's name as the tool sees it."""
        return self.prefix + self.topic

    def parsed_condition(self) -> Condition | None:
        """Raises Invalid when the catalogue no longer has a property that the condition asks about."""
        if self.condition is None:
            return None
        return conditions.parse(self.condition, TOPICS[self.topic].restrictions)


def checked_topic(topic: object) -> str:
    """Raises Invalid."""
    if not isinstance(topic, str) or topic not in TOPICS:
        raise invalid("topic", f"one of: {', '.join(TOPICS)}")
    return topic


def checked_prefix(prefix: object) -> str:
    """Leading white space goes, trailing stays: `Shop ` may be meant. Raises Invalid."""
    if not isinstance(prefix, str) or len(prefix) > limits.PREFIX_CHARS_MAX or not _PREFIX.fullmatch(prefix):
        most = limits.PREFIX_CHARS_MAX
        raise invalid("prefix", f"at most {most} of: letters without accents, digits, space and . _ : / -")
    return prefix.lstrip()


def checked_condition(condition: object, topic: str) -> dict[str, Any] | None:
    """The condition's JSON form, tidied. Raises Invalid naming every wrong node."""
    if condition is None:
        return None
    return conditions.dump(conditions.parse(condition, TOPICS[topic].restrictions))


def checked_active(active: object) -> bool:
    """Raises Invalid."""
    if not isinstance(active, bool):
        raise invalid("active", "true or false")
    return active
