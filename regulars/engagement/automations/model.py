"""What an automation is, and a run of it: somebody who passes through."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.conditions import Condition, read_yes_no
from regulars.kit import Conflict, NotFound

State = Literal["draft", "running", "paused"]
RunState = Literal["active", "waiting", "done", "left", "goal", "stopped"]
INSIDE: tuple[RunState, ...] = ("active", "waiting")
Name = Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Welcome"])]
Time = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Days = Annotated[int, Meta(ge=-limits.AUTOMATION_DAYS_MAX, le=limits.AUTOMATION_DAYS_MAX)]
Seconds = Annotated[int, Meta(ge=1, le=limits.AUTOMATION_DAYS_MAX * 24 * 3_600)]
SETTABLE = ("name", "country", "gender", "accept_email", "accept_mobile")
DateProperty = Literal["birthday", "anniversary", "joined", "last_order"]


class UnknownAutomation(NotFound):
    message = "This automation does not exist."


class Stale(Conflict, code="draft_changed"):
    message = "The draft was changed since it was read, by somebody else or in another window. Read it again."


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A step, or what starts an automation."""


class OnEvent(Part, frozen=True, kw_only=True):
    topic: str


class OnSegment(Part, frozen=True, kw_only=True):
    segment_id: UUID
    edge: Literal["enter", "leave"] = "enter"

    @property
    def topic(self) -> str:
        return f"segment_{self.edge}"


class OnDate(Part, frozen=True, kw_only=True):
    """So many days after the day, before it where they are negative. Birthdays, and the days of joining of earlier
    years, come round every year; when somebody joined and last ordered is one day."""

    property: DateProperty
    offset_days: Days = 0
    at: Time = "09:00"
    topic: ClassVar[str] = ""


class OnSchedule(Part, frozen=True, kw_only=True):
    """For everybody who is in the segment then."""

    every: Literal["day", "week", "month"]
    weekday: Annotated[int, Meta(ge=1, le=7)] = 1
    day: Annotated[int, Meta(ge=1, le=28)] = 1
    at: Time = "09:00"
    segment_id: UUID
    topic: ClassVar[str] = ""


class SendMessage(Part, frozen=True, kw_only=True):
    template_id: UUID
    sender_id: UUID | None = None


class Wait(Part, frozen=True, kw_only=True):
    """One of the three: for so long; until a time of the day, of one of these days of the week; until so many days
    after a day of the customer's."""

    for_s: Seconds | None = None
    until: Time | None = None
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7)] | None = None
    until_property: DateProperty | None = None
    offset_days: Days = 0
    at: Time = "09:00"


class WaitEvent(Part, frozen=True, kw_only=True):
    topic: str
    where: dict[str, Any] | None = None
    longest_s: Seconds


class Branch(Part, frozen=True, kw_only=True):
    condition: dict[str, Any]


class Split(Part, frozen=True, kw_only=True):
    shares: tuple[int, ...] = ()


class Reward(Part, frozen=True, kw_only=True):
    trigger_id: UUID


class SendEvent(Part, frozen=True, kw_only=True):
    integration_id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=limits.PREFIX_CHARS_MAX)]


class SetProperty(Part, frozen=True, kw_only=True):
    """`add_tag`, `remove_tag`, one of SETTABLE, or a property of the shop's own, `properties.shirt_size`. A text may
    name variables, as Liquid does; null, or nothing, takes what is known away."""

    property: str
    value: Annotated[str, Meta(max_length=limits.CUSTOMER_PROPERTY_CHARS_MAX)] | int | float | bool | None = None

    def changes(self, value: object) -> dict[str, Any]:
        """As `customers.Change` has it."""
        of, _, name = self.property.partition(".")
        match of:
            case "properties":
                return {"properties": {name: value}}
            case "add_tag" | "remove_tag":
                return {{"a": "tags_added", "r": "tags_removed"}[of[0]]: [str(value)]}
            case "accept_email" | "accept_mobile":
                return {of: read_yes_no(value)}
        return {of: "" if value is None else str(value)}


class Exit(Part, frozen=True, kw_only=True):
    pass


class Happening(msgspec.Struct, frozen=True):
    """An event that ends a run, or that one waits for."""

    topic: str
    where: Condition | None = None


class Flow(msgspec.Struct, frozen=True):
    """A definition that was read: each step by its id, `after` it the one that follows ('' at the end), and of one that
    parts the ways `ways`, the first step of each. Conditions are parsed: of a branch, or of what one waits for, by the
    step's id."""

    trigger: OnEvent | OnSegment | OnDate | OnSchedule
    first: str
    steps: Mapping[str, Part]
    after: Mapping[str, str]
    ways: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Condition | None]
    filter: Condition | None
    exits: tuple[Happening, ...]
    exit_when: Condition | None
    goal: Happening | None
    again: Literal["never", "always", "after"]
    again_days: int

    @property
    def causes(self) -> bool:
        """Whether a step of it is an event's cause."""
        return any(isinstance(step, Reward | SetProperty) for step in self.steps.values())


class Automation(msgspec.Struct, frozen=True, gc=False):
    """In the order of the columns. `version` is the newest that was published, `launched` the one that whoever enters
    goes by, 0 for none; `revision` counts the changes of the draft. `notice`: it came to rest, and why."""

    id: UUID
    name: Name
    state: State
    version: int
    launched: int
    revision: int
    draft: dict[str, Any]
    notice: str
    noticed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Version(msgspec.Struct, frozen=True):
    version: int
    definition: dict[str, Any]
    actor: str
    created_at: datetime


class Finding(msgspec.Struct, frozen=True):
    """What has to be mended before a draft can be published: of which step (or `trigger`, `filter`, `exits`, `goal`,
    `steps`), which field, and what was expected there."""

    step: str
    field: str
    message: str


class Run(msgspec.Struct, gc=False):
    """In the order of the columns, what each has of its own first. `cause_id` is the event that started it. At
    `at_step` since `arrived_at`; `reason` says why it ended, or why it is held up at a step that can't be done.
    `held`: the automation is paused."""

    id: UUID
    customer_id: UUID
    cause_id: UUID | None
    automation_id: UUID
    version: int
    cause_topic: str
    depth: int
    at_step: str
    arrived_at: datetime
    entered_at: datetime
    state: RunState = "active"
    reason: str = ""
    wakes_at: datetime | None = None
    waits_for: str = ""
    held: bool = False
    ended_at: datetime | None = None
