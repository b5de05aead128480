"""What a segment is."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.conditions import Condition
from regulars.engagement.segments.language import read

Kind = Literal["static", "live"]
Name = Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Champions"])]
Tree = Annotated[
    dict[str, Any] | None,
    Meta(
        description="A tree of conditions over what a customer is and has done; null for everybody.",
        examples=[{"done": "order_create", "count": {"operator": "at_least", "value": 3}, "when": {"last_days": 90}}],
    ),
]


class SegmentTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may change of it."""

    name: Name
    condition: Tree = None


class NewSegment(SegmentTerms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A `live` segment's members follow what happens; a `static` one's were found once, and can be found anew."""

    name: Annotated[Name, Meta(examples=["Bought three times"])]
    kind: Kind = "live"


class Segment(msgspec.Struct, frozen=True, gc=False):
    """`asked` is the condition as JSON, None for everybody; `version` counts its changes, and `found` is the one whose
    members are known."""

    id: UUID
    name: str
    kind: Kind
    asked: str | None
    version: int
    found: int
    found_at: datetime | None
    members: int
    created_at: datetime
    updated_at: datetime

    @property
    def tree(self) -> Condition | None:
        return read(self.asked)

    @property
    def condition(self) -> dict[str, Any] | None:
        return None if self.asked is None else msgspec.json.decode(self.asked)

    @property
    def state(self) -> Literal["finding", "found"]:
        return "found" if self.found == self.version else "finding"


class Member(msgspec.Struct, frozen=True, gc=False):
    customer_id: UUID
    entered_at: datetime
