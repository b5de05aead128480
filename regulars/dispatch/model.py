"""What a Send Events rule is."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import conditions, limits
from regulars.dispatch.mapping import PropertyMapping
from regulars.dispatch.terms import Schedule, Terms, read_terms
from regulars.events import TOPICS
from regulars.kit import INSIDE, Invalid, invalid

_PREFIX = re.compile(r"[A-Za-z0-9 ._:/-]*")


Prefix = Annotated[
    str, Meta(max_length=limits.PREFIX_CHARS_MAX, description="Stands before the event's name, as the tool sees it.")
]
Restrictions = Annotated[
    dict[str, Any],
    Meta(
        description="A tree of conditions on the event's properties; null sends every event.",
        examples=[{"all": [{"property": "amount", "operator": "at_least", "value": 100}]}],
    ),
]
_ROWS = Meta(max_length=limits.MAPPING_ROWS_MAX, examples=[[{"property": "user_email", "action": "drop"}]])
Percent = Annotated[int, Meta(ge=1, le=100, description="So many of 100 customers are told of, always the same.")]


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What can be changed of a rule. `mapping`: what is made of the event's properties, at most one row for each."""

    integration_id: UUID
    prefix: Prefix = ""
    condition: Restrictions | None = None
    active: bool = True
    mapping: Annotated[list[PropertyMapping], _ROWS] = []
    sample_percent: Percent = 100
    schedule: Schedule | None = None


class Rule(msgspec.Struct, frozen=True):
    """Events of `topic` go to the integration under the name `prefix` + `topic`, those that the condition lets through.

    `condition` is the JSON form of the conditions room, None for every event. So many of a hundred customers are told
    of, and only within the schedule. What `mapping` makes of an event's properties is told in place of them. `tool` and
    `integration_name` are the integration's, for showing. `waiting` events could not be held against it, and wait until
    they can, the oldest of them for the reason given; they are counted up to limits.EVENTS_COUNTED_MAX.
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
    mapping: list[dict[str, Any]] = []
    sample_percent: int = 100
    schedule: dict[str, Any] | None = None
    waiting: int = 0
    waiting_why: Annotated[str, INSIDE] = ""

    @property
    def event_name(self) -> str:
        """The event's name as the tool sees it."""
        return self.prefix + self.topic

    def terms(self) -> Terms:
        """Raises Invalid as `read_terms`."""
        return read_terms(self.topic, msgspec.structs.asdict(self))

    @property
    def problem(self) -> str:
        """Why events wait for this rule, or will: a sentence, '' when nothing is in the way."""
        try:
            self.terms()
        except Invalid as no:
            return no.message
        return self.waiting_why


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
    return conditions.dump(conditions.parse(condition, TOPICS[checked_topic(topic)].restrictions))
