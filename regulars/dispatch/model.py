"""What a Send Events rule is."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from regulars import conditions, limits
from regulars.conditions import Condition
from regulars.events import TOPICS
from regulars.kit import INSIDE, Invalid, invalid

_PREFIX = re.compile(r"[A-Za-z0-9 ._:/-]*")


class Rule(msgspec.Struct, frozen=True):
    """Events of `topic` go to the integration under the name `prefix` + `topic`, those that the condition lets through.

    `condition` is the JSON form of the conditions room, None for every event. `tool` and `integration_name` are the
    integration's, for showing. `waiting` events could not be held against it, and wait until they can, the oldest of
    them for the reason given; they are counted up to limits.EVENTS_COUNTED_MAX.
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
    waiting: int = 0
    waiting_why: Annotated[str, INSIDE] = ""

    @property
    def event_name(self) -> str:
        """The event's name as the tool sees it."""
        return self.prefix + self.topic

    def parsed_condition(self) -> Condition | None:
        """Raises Invalid as `readable_condition`."""
        return readable_condition(self.topic, self.condition)

    @property
    def problem(self) -> str:
        """Why events wait for this rule, or will: a sentence, '' when nothing is in the way."""
        try:
            self.parsed_condition()
        except Invalid as no:
            return no.message
        return self.waiting_why


def readable_condition(topic: str, condition: object) -> Condition | None:
    """Raises Invalid when this program does not know the topic, or not what the condition asks: a newer one may have
    stored the rule, or an older one with another catalogue."""
    if topic not in TOPICS:
        raise Invalid(f"This version of Regulars does not know the event {topic}.")
    return None if condition is None else conditions.parse(condition, TOPICS[topic].restrictions)


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
