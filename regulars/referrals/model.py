"""Referrals, what a shop decides about them, and what is suspicious. Nothing here waits for anything."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit.mailboxes import same_for_all
from regulars.tenancy import Workspace

Mode = Literal["link", "email", "mobile", "coupon"]
State = Literal["invited", "claimed", "qualified", "pending", "completed", "rejected", "reversed"]
Review = Literal["", "waiting", "approved", "rejected"]
Sign = Literal["email", "phone", "postal", "device", "address", "velocity", "ring", "reward"]
Period = Literal["day", "week", "month", "year"]
OfferId = Annotated[str, Meta(pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]
Many = Annotated[int, Meta(ge=0, le=limits.REFERRALS_COUNTED_MAX)]
STATES: tuple[State, ...] = ("invited", "claimed", "qualified", "pending", "completed", "rejected", "reversed")


class ReferralRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`friend_offer` is the offer of which a friend gets a coupon. Whoever referred them gets `coins`, or a coupon of
    `offer`, once the friend's order of at least `minimum_order` (in units of the shop's currency) can't be given back
    any more, `return_days` later. 0 is no limit."""

    on: Annotated[bool, Meta(title="Customers can refer friends")] = False
    modes: Annotated[
        tuple[Mode, ...], Meta(title="How", description="`coupon`: the customer's code, entered at your checkout.")
    ] = ("link", "email", "mobile")
    friend_offer: Annotated[OfferId, Meta(title="The friend gets a coupon of")] = ""
    reward: Annotated[Literal["coins", "coupon"], Meta(title="Who referred them gets")] = "coins"
    coins: Annotated[int, Meta(title="Coins", ge=0, le=limits.COINS_MAX, examples=[500])] = 0
    offer: Annotated[OfferId, Meta(title="Their coupon")] = ""
    minimum_order: Annotated[float, Meta(title="Minimum order", ge=0, le=limits.COINS_MAX)] = 0.0
    return_days: Annotated[int, Meta(title="Days in which orders come back", ge=0, le=limits.DELAY_DAYS_MAX)] = 14
    first_time_only: Annotated[bool, Meta(title="Only friends who never ordered before")] = True
    per_referrer_max: Annotated[Many, Meta(title="How many friends earn a reward in a period")] = 0
    period: Annotated[Period, Meta(title="Period")] = "month"
    same_address_max: Annotated[Many, Meta(title="Claims from one address in a month", examples=[3])] = 3
    per_day_max: Annotated[Many, Meta(title="Claims of one customer's friends in a day", examples=[10])] = 10


NO_RULES = ReferralRules()


def referral_rules(shop: Workspace) -> ReferralRules:
    """The setting `referrals`."""
    said = shop.settings.get("referrals")
    return msgspec.convert(said, ReferralRules) if said else NO_RULES


class Referral(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """In the order of the columns. `verdicts` are what was seen that is suspicious, in words, by sign. `order_id` is
    the order that qualified it, `reason` says in words why it was rejected or reversed, and `actor` who decided that,
    or approved it, by hand."""

    id: UUID
    referrer_id: UUID
    friend_id: UUID | None
    mode: Mode
    state: State
    review: Review = ""
    name: str = ""
    email: str = ""
    mobile: str = ""
    email_key: str = ""
    phone: str = ""
    address: str = ""
    device: str = ""
    verdicts: dict[Sign, str] = {}
    reason: str = ""
    actor: str = ""
    order_id: UUID | None = None
    friend_coupon_id: UUID | None = None
    coupon_id: UUID | None = None
    txn_id: UUID | None = None
    round: int = 0
    reminded: int = 0
    reminded_at: datetime | None = None
    claimed_at: datetime | None = None
    qualified_at: datetime | None = None
    due_at: datetime | None = None
    completed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def two(self) -> tuple[UUID, ...]:
        """The customers whom it is between, as far as they are known."""
        return (self.referrer_id, self.friend_id) if self.friend_id else (self.referrer_id,)

    @property
    def reference(self) -> str:
        return f"referral:{self.id}"

    @property
    def friend_key(self) -> str:
        """Names the friend's coupon, for ever."""
        return f"{self.reference}:friend"

    @property
    def reward_key(self) -> str:
        """Names the referrer's reward; of each round there is one."""
        return f"{self.reference}:referrer:{self.round}"

    def became(self, **changes: Any) -> "Referral":
        return msgspec.structs.replace(self, version=self.version + 1, **changes)

    def seen(self, verdicts: dict[Sign, str]) -> "Referral":
        """Suspicious; what somebody approved is not asked about again."""
        return self.became(verdicts=self.verdicts | verdicts, review=self.review or "waiting")


def normalised(email: str) -> str:
    """An address by which somebody is known again: without case, dots and tags before the @."""
    name, at, host = same_for_all(email).casefold().rpartition("@")
    name = re.sub(r"\+.*", "", name).replace(".", "")
    return f"{name}{at}{'gmail.com' if host == 'googlemail.com' else host}" if name and host else ""
