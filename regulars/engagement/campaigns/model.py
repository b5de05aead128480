"""What a campaign is."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.engagement.messages.model import Channel
from regulars.kit import INSIDE, NotFound, Queries

sql = Queries(__file__)
State = Literal["draft", "scheduled", "building", "sending", "paused", "finished", "cancelled"]
GOING_ON: tuple[State, ...] = ("scheduled", "building", "sending")
RUN, FOLLOW = "campaigns.run", "campaigns.follow"


class UnknownCampaign(NotFound):
    """There is no such campaign."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `share` percent of the recipients get. Without a `sender_id` the first sender that is ready sends it."""

    template_id: UUID
    sender_id: UUID | None = None
    share: Annotated[int, Meta(ge=1, le=100, examples=[100])] = 100


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To whom, what, and when. `segment_id`: null for everybody; without those of `minus_segment_id`. Of two `variants`
    each gets its share. `starts_at`: null for as soon as it is launched; `in_their_zone`: when the clock shows that
    where each of them lives, by their country. What was not sent before `latest_at` is not sent. `trigger_id`: a
    trigger fired by calls, whose coins or coupon go with each message. Orders within `orders_days` days after a message
    are counted."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Spring sale"])]
    segment_id: UUID | None = None
    minus_segment_id: UUID | None = None
    variants: Annotated[tuple[Variant, ...], Meta(min_length=1, max_length=2)]
    starts_at: Annotated[datetime, Meta(tz=True, examples=["2026-03-20T09:00:00Z"])] | None = None
    in_their_zone: bool = False
    latest_at: Annotated[datetime, Meta(tz=True, examples=["2026-03-20T18:00:00Z"])] | None = None
    per_minute: Annotated[int, Meta(ge=1, le=limits.RATE_PER_MINUTE_MAX)] | None = None
    trigger_id: UUID | None = None
    orders_days: Annotated[int, Meta(ge=1, le=limits.CAMPAIGN_ORDERS_DAYS_MAX)] = 7


class Campaign(msgspec.Struct, frozen=True):
    """`pace` is how many messages a second were over with lately."""

    id: UUID
    name: str
    channel: Channel
    state: State
    state_reason: str
    goes_on_as: Annotated[str, INSIDE]
    terms: Annotated[Terms, INSIDE]
    built_to: Annotated[UUID | None, INSIDE]
    recipients: int
    pace: Annotated[float, INSIDE]
    launched_at: datetime | None
    began_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def too_late_at(self, due_at: datetime) -> datetime | None:
        """Of a message that is due then: the latest time is shifted as its start is."""
        terms = self.terms
        if terms.latest_at is None:
            return None
        return due_at + (terms.latest_at - terms.starts_at) if terms.starts_at else terms.latest_at


def campaign_of(*row: object) -> Campaign:
    """As it is read."""
    return msgspec.convert(dict(zip(Campaign.__struct_fields__, row, strict=True)), Campaign)
