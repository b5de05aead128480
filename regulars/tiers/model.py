"""Ladders and where somebody stands on one; what follows from what they did. Nothing here waits for anything."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit import months_later

Window = Literal["lifetime", "calendar_year", "rolling", "anniversary"]
Months = Annotated[int, Meta(ge=0, le=limits.TIER_MONTHS_MAX)]
Days = Annotated[int, Meta(ge=0, le=limits.GRACE_DAYS_MAX)]
Coins = Annotated[int, Meta(ge=0, le=limits.WALLET_CREDITED_MAX)]
Factor = Annotated[float, Meta(ge=0, le=limits.FACTOR_MAX)]


class Needs(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What must have been reached; 0 is not asked for. `spent` is in units of the shop's currency."""

    earned: Annotated[Coins, Meta(title="Coins earned")] = 0
    available: Annotated[Coins, Meta(title="Coins they have")] = 0
    spent: Annotated[float, Meta(title="Money spent", ge=0, le=limits.COINS_MAX)] = 0.0
    orders: Annotated[int, Meta(title="Orders", ge=0, le=limits.COINS_MAX)] = 0
    referrals: Annotated[int, Meta(title="Friends referred", ge=0, le=limits.COINS_MAX)] = 0

    def asked(self) -> dict[str, float]:
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name))}


class Tier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A step of the ladder. `key` is how events spell it. `leave`: whoever is in it stays, as long as this much is
    reached; without it, as long as `enter` is. `factors` multiply coins of triggers, by what sets them off."""

    key: Annotated[str, Meta(title="Spelled in events", pattern="^[a-z0-9_-]{1,40}$", examples=["gold"])]
    name: Annotated[str, Meta(title="Name", min_length=1, max_length=limits.TITLE_CHARS_MAX, examples=["Gold"])]
    enter: Annotated[Needs, Meta(title="To get in", examples=[{"spent": 500}])]
    match: Annotated[Literal["all", "any"], Meta(title="Of these")] = "any"
    leave: Annotated[Needs | None, Meta(title="To stay in")] = None
    factors: Annotated[
        dict[Literal["order", "review", "birthday", "anniversary", "fact", "api", "referral"], Factor],
        Meta(title="Coins times", examples=[{"order": 1.5}]),
    ] = {}
    perks: Annotated[
        tuple[Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)], ...], Meta(title="Perks", max_length=20)
    ] = ()
    icon: Annotated[str, Meta(title="Icon", max_length=limits.URI_CHARS_MAX)] = ""
    colour: Annotated[str, Meta(title="Colour", pattern="^(#[0-9a-fA-F]{6})?$")] = ""


class Ladder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Tiers, the lowest first. What counts is what happened in the `window`; whoever gets in stays for a term of
    `term_months`, or, with 0, as long as they qualify. At its end, and `grace_days` later, they go `down` to the tier
    that they qualify for, or one. `refunds`: money given back lowers at once, at the end of the term, or never."""

    tiers: Annotated[tuple[Tier, ...], Meta(title="Tiers", max_length=limits.TIERS_MAX)] = ()
    window: Annotated[Window, Meta(title="What counts", description="Since when.")] = "lifetime"
    window_months: Annotated[Months, Meta(title="Months that count", description="Of a rolling window.")] = 12
    term_months: Annotated[
        Months, Meta(title="A tier lasts for months", description="0: as long as one qualifies.")
    ] = 12
    down: Annotated[Literal["qualified", "one"], Meta(title="Down to")] = "qualified"
    grace_days: Annotated[Days, Meta(title="Days of grace")] = 0
    warn_days: Annotated[Days, Meta(title="Told days before", description="0: not told.")] = 14
    refunds: Annotated[Literal["at_once", "term_end", "never"], Meta(title="Refunds lower a tier")] = "term_end"

    def place(self, key: str) -> int:
        """-1 for none, and for one that the ladder has no more."""
        return next((n for n, tier in enumerate(self.tiers) if tier.key == key), -1)

    def key(self, place: int) -> str:
        return self.tiers[place].key if place >= 0 else ""

    def uses(self, measure: str) -> bool:
        return any(measure in needs.asked() for tier in self.tiers for needs in (tier.enter, tier.leave) if needs)

    def since(self, joined_at: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
        """From when on what happened counts for a customer; None: all of it."""
        today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        match self.window:
            case "lifetime":
                return None
            case "calendar_year":
                return today.replace(month=1, day=1)
            case "rolling":
                return months_later(today, -self.window_months)
            case "anniversary":
                joined = joined_at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
                whole = (today.year - joined.year) * 12
                return months_later(joined, whole if months_later(joined, whole) <= today else whole - 12)


class Measures(msgspec.Struct, frozen=True, gc=False):
    """What a customer has reached within the window. `gross` is what they spent before anything was given back."""

    earned: int = 0
    available: int = 0
    spent: float = 0.0
    orders: int = 0
    gross: float = 0.0
    referrals: int = 0

    def meets(self, needs: Needs, match: str) -> bool:
        asked = needs.asked()
        held = [getattr(self, name) >= least for name, least in asked.items()]
        return all(held) if match == "all" or not held else any(held)


class Standing(msgspec.Struct, frozen=True, gc=False):
    """In the order of the columns."""

    customer_id: UUID
    tier: str
    since: datetime
    until: datetime | None = None
    warned: bool = False
    placed_until: datetime | None = None
    placed_reason: str = ""
    look_at: datetime | None = None


class Move(msgspec.Struct, frozen=True, gc=False):
    """A change of tier, in the order of the columns."""

    id: UUID
    customer_id: UUID
    from_tier: str
    to_tier: str
    direction: Literal["up", "down"]
    reason: str
    actor: str
    ladder_version: int
    moved_at: datetime


class Judged(msgspec.Struct, frozen=True, gc=False):
    """Where somebody stands now, why that changed, and whether they are to be told that their term ends."""

    standing: Standing
    reason: str = ""
    warn: bool = False


def best(ladder: Ladder, measures: Measures) -> int:
    """The highest step whose needs are met; -1 for none."""
    met = (n for n, tier in enumerate(ladder.tiers) if measures.meets(tier.enter, tier.match))
    return max(met, default=-1)


def judge(ladder: Ladder, was: Standing, measures: Measures, now: datetime, zone: ZoneInfo) -> Judged:
    """What follows for somebody who stands there. Judged again, nothing more follows."""
    if ladder.refunds == "never":
        measures = msgspec.structs.replace(measures, spent=measures.gross)
    at, to = ladder.place(was.tier), best(ladder, measures)
    if was.tier and at < 0:
        return Judged(_entered(ladder, was, to, now, zone), "The tier is no more")
    placed = was.placed_until is not None and now < was.placed_until
    if not placed and was.placed_until is not None:
        was = msgspec.structs.replace(was, placed_until=None, placed_reason="")
    if to > at:
        return Judged(_entered(ladder, was, to, now, zone), "Qualified for it")
    if to < at and (leave := ladder.tiers[at].leave) and measures.meets(leave, ladder.tiers[at].match):
        to = at
    if to == at:
        return Judged(_kept(ladder, was, now, zone))
    if placed:
        return Judged(msgspec.structs.replace(was, look_at=was.placed_until))
    gross = best(ladder, msgspec.structs.replace(measures, spent=measures.gross))
    if ladder.refunds == "at_once" and gross >= at:
        return Judged(_entered(ladder, was, to, now, zone), "An order was paid back")
    return _ending(ladder, was, at, to, now, zone)


def _ending(ladder: Ladder, was: Standing, at: int, to: int, now: datetime, zone: ZoneInfo) -> Judged:
    """They qualify no more: until the term and its grace are over they stay."""
    # Without a term it ends as soon as somebody does not qualify.
    until = was.until or now
    over = until + timedelta(days=ladder.grace_days)
    if now >= over:
        down = to if ladder.down == "qualified" or at < 0 else at - 1
        return Judged(_entered(ladder, was, down, now, zone), "The term is over")
    warn_at = until - timedelta(days=ladder.warn_days)
    warn = bool(ladder.warn_days) and not was.warned and now >= warn_at
    look_at = over if warn or was.warned or not ladder.warn_days else min(over, warn_at)
    return Judged(msgspec.structs.replace(was, until=until, warned=was.warned or warn, look_at=look_at), warn=warn)


def _kept(ladder: Ladder, was: Standing, now: datetime, zone: ZoneInfo) -> Standing:
    """They qualify for where they are: a term that has ended is followed by another."""
    if not was.tier:
        return msgspec.structs.replace(was, until=None, look_at=None, warned=False)
    term = ladder.term_months
    if not term:
        # What is reached within a window may be less tomorrow.
        return msgspec.structs.replace(was, until=None, warned=False, look_at=_tomorrow(ladder, now, zone))
    until = was.until or months_later(was.since.astimezone(zone), term)
    while until <= now:
        until = months_later(until.astimezone(zone), term)
    return msgspec.structs.replace(was, until=until, warned=False, look_at=_first_look(ladder, until, now))


def _entered(ladder: Ladder, was: Standing, place: int, now: datetime, zone: ZoneInfo) -> Standing:
    placed = msgspec.structs.replace(was, tier=ladder.key(place), since=now, until=None, warned=False, look_at=None)
    return _kept(ladder, placed, now, zone)


def _first_look(ladder: Ladder, until: datetime, now: datetime) -> datetime:
    warn_at = until - timedelta(days=ladder.warn_days)
    return warn_at if ladder.warn_days and warn_at > now else until


def _tomorrow(ladder: Ladder, now: datetime, zone: ZoneInfo) -> datetime | None:
    if ladder.window == "lifetime":
        return None
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)
