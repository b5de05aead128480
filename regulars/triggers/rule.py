"""What a trigger gives, to whom, when and how often. Its text in the database is one version of the trigger."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.orders import EarningBasis

Operation = Literal["cr", "dr"]
EarnWhen = Literal["placed", "paid", "fulfilled"]
Timeline = Literal["day", "week", "month", "year"]
PropertyType = Literal["text", "number", "yes_no", "date", "list"]


class Campaign(msgspec.Struct, frozen=True, gc=False, tag="campaign", forbid_unknown_fields=True):
    """Times so much for what happens from `starts_at` on and before `ends_at`, by the shop's clock."""

    factor: float
    starts_at: str = ""
    ends_at: str = ""


class FirstOrder(msgspec.Struct, frozen=True, gc=False, tag="first_order", forbid_unknown_fields=True):
    """Times so much for the order that a customer placed before all their others."""

    factor: float


class InTier(msgspec.Struct, frozen=True, gc=False, tag="tier", forbid_unknown_fields=True):
    """Times so much for customers in this tier."""

    factor: float
    tier: str


Factor = Campaign | FirstOrder | InTier


class Span(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An amount from `min` to `max`, both included; without a `max`, from `min` on. In units of the shop's currency, or
    of whatever a call's or a fact's amount counts."""

    min: float = 0.0
    max: float | None = None


Coins = Annotated[int, Meta(ge=0, le=limits.COINS_MAX)]
Most = Annotated[int, Meta(ge=0, le=limits.FIRINGS_LIMIT_MAX, description="Per customer; 0 is no limit.")]
Mark = Annotated[float, Meta(ge=0, le=limits.COINS_MAX)]
Budget = Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)]
WallClock = Annotated[
    str,
    Meta(max_length=20, description="A day or a time by the shop's clock, empty for none.", examples=["2026-11-27"]),
]
_BASIS = "What of an order earns; null for what the shop's settings say."
_FACTORS = Meta(
    max_length=limits.FACTORS_MAX,
    description="All that hold are multiplied with the coins; what is left over of a coin is dropped.",
    examples=[[{"type": "campaign", "factor": 2, "starts_at": "2026-11-27", "ends_at": "2026-12-01"}]],
)
_FACT = Meta(
    max_length=limits.FACT_NAME_CHARS_MAX,
    description="The name of your own facts that it reacts to.",
    examples=["game_won"],
)
_PROPERTIES = Meta(
    max_length=limits.FACT_PROPERTIES_MAX,
    description="What may be asked about the facts, by the names of their properties.",
    examples=[{"score": "number"}],
)
_CONDITION = Meta(
    description="A tree of conditions, as in Send Events, over what happened and whom; null for none. What may be asked"
    " is answered by `GET /trigger-properties`.",
    examples=[{"property": "customer_country", "operator": "is", "value": "ind"}],
)
_AMOUNT = Meta(description="The amount it must have; null for any.", examples=[{"min": 50}])
_COOL_DOWN = Meta(
    ge=0,
    le=limits.COOL_DOWN_MINUTES_MAX,
    description="Gives a customer nothing more for so long after it gave.",
    examples=[60],
)
_BUDGET = "Coins for all customers together"
_DELAY = Meta(ge=0, le=limits.DELAY_DAYS_MAX, description="Gives so many days after it happened.", examples=[14])
_FREES = "Whether a reward that is taken back whole counts no more for its limits."


class Rule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a trigger gives, and what guards it. A limit of 0 is no limit, an empty text none.

    `coins_min` to `coins_max` coins, drawn evenly; a `coins_max` of 0 stands for the same number. One that reacts to
    orders may give `coins_per_unit` coins for each whole unit of the order's amount instead, once the order is as far
    as `earn_when` says; `basis` is what of an order earns, None for what the shop says of all. All `factors` that hold
    are multiplied with the coins; what is left over of a coin is dropped.

    Guards, in the order in which they are asked: `starts_at` and `ends_at`, by the shop's clock, are held against when
    something happened; `on_order_amount_matched` against its amount; `condition` against all that is known of it. What
    gets past these is an *activity* of the customer: on_activity_* reward when the number or the sum of them reaches
    the mark, and each multiple of it; on_timeline_* count within each day, week, month or year of the shop
    (`timeline`). Then at most so many times a day, a month and in all, each for a customer; `cool_down_minutes` since
    the last; and a budget of coins for all customers together, a day and in all.

    An offer trigger gives a coupon of the offer `offer_id` in place of coins; an email trigger sends the customer a
    message of the template `template_id`.

    `after_delta_day` waits so many days before it gives. `frees_place`: what is taken back whole counts no more.
    `fact` is the name of the shop's own facts that it reacts to, `properties` what may be asked about them.
    """

    title: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)] = ""
    description: Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)] = ""
    operation: Operation = "cr"
    coins_min: Annotated[Coins, Meta(examples=[50])] = 0
    coins_max: Annotated[Coins, Meta(examples=[50])] = 0
    coins_per_unit: Coins = 0
    offer_id: Annotated[UUID | None, Meta(description="The offer of which an offer trigger gives a coupon.")] = None
    template_id: Annotated[UUID | None, Meta(description="Of the message that an email trigger sends.")] = None
    earn_when: EarnWhen = "paid"
    basis: Annotated[EarningBasis | None, Meta(description=_BASIS)] = None
    factors: Annotated[tuple[Factor, ...], _FACTORS] = ()
    fact: Annotated[str, _FACT] = ""
    properties: Annotated[dict[str, PropertyType], _PROPERTIES] = {}
    starts_at: WallClock = ""
    ends_at: WallClock = ""
    condition: Annotated[dict[str, Any] | None, _CONDITION] = None
    on_order_amount_matched: Annotated[Span | None, _AMOUNT] = None
    on_activity_count_reached: Most = 0
    on_activity_amount_reached: Mark = 0.0
    on_timeline_count_reached: Most = 0
    on_timeline_amount_reached: Mark = 0.0
    timeline: Timeline = "month"
    per_day_max: Most = 0
    per_month_max: Most = 0
    per_customer_max: Most = 0
    cool_down_minutes: Annotated[int, _COOL_DOWN] = 0
    budget_per_day: Annotated[Budget, Meta(description=f"{_BUDGET} in a day of the shop; 0 is no limit.")] = 0
    budget_in_all: Annotated[Budget, Meta(description=f"{_BUDGET}; 0 is no limit.")] = 0
    after_delta_day: Annotated[int, _DELAY] = 0
    frees_place: Annotated[bool, Meta(description=_FREES)] = True

    @property
    def limited(self) -> bool:
        """For each customer."""
        return bool(self.per_day_max or self.per_month_max or self.per_customer_max or self.cool_down_minutes)

    @property
    def counts_activities(self) -> bool:
        return bool(
            self.on_activity_count_reached
            or self.on_activity_amount_reached
            or self.on_timeline_count_reached
            or self.on_timeline_amount_reached
        )

    @property
    def budgeted(self) -> bool:
        return bool(self.budget_per_day or self.budget_in_all)

    @property
    def counted(self) -> bool:
        """Whether it takes what happened before to decide: then the customer's wallet is locked first."""
        return self.limited or self.counts_activities or self.budgeted

    @property
    def of_first_orders(self) -> bool:
        return any(isinstance(factor, FirstOrder) for factor in self.factors)


def revised(rule: Rule, given: dict[str, Any]) -> Rule:
    """The rule with only what is given changed. A fixed number stays one: its other end moves along."""
    if rule.coins_min == rule.coins_max and "coins_min" in given:
        given = {"coins_max": 0, **given}
    return msgspec.structs.replace(rule, **given)


def as_json(part: msgspec.Struct) -> dict[str, Any]:
    """As it is kept."""
    kept: dict[str, Any] = msgspec.to_builtins(part)
    return kept
