"""The ladder of tiers as pages draw it, and one that is being changed: that one travels in the address, so that nothing
is written before it is confirmed."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from regulars import limits, tiers
from regulars.customers import Customer
from regulars.dashboard.words import plural
from regulars.kit import Reading, counted, invalid, money
from regulars.tenancy import Workspace
from regulars.tiers import Ladder, Move, Needs, Preview, Standing, Tier

T = TypeVar("T")
COLOURS = ("#8a94a6", "#c9971c", "#5b6abf", "#1f8a70", "#b4487a")
BY = {
    "order": "orders",
    "review": "reviews",
    "birthday": "birthdays",
    "anniversary": "anniversaries",
    "fact": "events",
    "api": "calls",
    "referral": "referrals",
}
"""What coins are multiplied of, in words."""


class Step(msgspec.Struct, frozen=True):
    """A tier, drawn: `share` is how long its bar is, of 1."""

    tier: Tier
    colour: str
    enter: str
    stay: str
    factors: list[str]
    customers: int
    share: float


class Change(msgspec.Struct, frozen=True):
    """How many stand on a tier now and then, each with the length of its bar."""

    name: str
    colour: str
    now: int
    then: int
    now_share: float
    then_share: float


class Need(msgspec.Struct, frozen=True):
    """What the next tier asks for: so much, and how much of it is reached."""

    words: str
    reached: float
    least: float


class OnLadder(msgspec.Struct, frozen=True):
    """Where a customer stands. `names` are those of the tiers, by key."""

    standing: Standing
    step: Step | None
    next_name: str
    match: str
    needs: list[Need]
    moves: list[Move]
    names: dict[str, str]


def names_of(ladder: Ladder) -> dict[str, str]:
    return {tier.key: tier.name for tier in ladder.tiers} | {"": "No tier"}


def steps(ladder: Ladder, customers: Mapping[str, int], shop: Workspace) -> list[Step]:
    """The highest first, as they are climbed."""
    most = max(customers.values(), default=0) or 1
    return [
        Step(
            tier,
            _colour(ladder, tier.key),
            needed(tier.enter, tier.match, shop),
            needed(tier.leave, tier.match, shop) if tier.leave else "",
            [f"{shop.coin_name} of {BY[source]} × {factor:g}" for source, factor in tier.factors.items()],
            customers.get(tier.key, 0),
            customers.get(tier.key, 0) / most,
        )
        for tier in reversed(ladder.tiers)
    ]


def needed(needs: Needs, match: str, shop: Workspace) -> str:
    """`$500.00 spent and 5 orders`."""
    said = ["".join(_amount(name, least, shop)) for name, least in needs.asked().items()]
    return (" and " if match == "all" else " or ").join(said)


def changes(ladder: Ladder, was: Ladder, found: Preview) -> list[Change]:
    """By tier, of both ladders, the highest first, and those of none."""
    now = dict(found.then)
    for moved in found.moved:
        now[moved.from_tier] = now.get(moved.from_tier, 0) + moved.customers
        now[moved.to_tier] -= moved.customers
    most = max([*now.values(), *found.then.values()], default=0) or 1
    gone = [tier.key for tier in was.tiers if ladder.place(tier.key) < 0]
    names = names_of(was) | names_of(ladder)
    counts = [
        (key, now.get(key, 0), found.then.get(key, 0)) for key in [*gone, *(t.key for t in reversed(ladder.tiers)), ""]
    ]
    return [Change(names[key], _colour(ladder, key), a, b, a / most, b / most) for key, a, b in counts]


async def on_ladder(tx: Reading, shop: Workspace, customer: Customer, now: datetime) -> OnLadder | None:
    """None in a shop without a ladder."""
    ladder = (await tiers.ladder_of(tx, shop.id)).ladder
    if not ladder.tiers:
        return None
    stands = await tiers.standing_of(tx, shop, customer, now)
    drawn = {step.tier.key: step for step in steps(ladder, {}, shop)}
    following = drawn.get(stands.next_tier)
    return OnLadder(
        stands.standing,
        drawn.get(stands.standing.tier),
        following.tier.name if following else "",
        following.tier.match if following else "",
        [
            Need(_towards(name, least, stands.missing[name], shop), getattr(stands.reached, name), least)
            for name, least in (following.tier.enter.asked() if following else {}).items()
        ],
        await tiers.moves_of(tx, shop.id, customer.id),
        names_of(ladder),
    )


def example(spent: Sequence[float]) -> Ladder:
    """Three steps that half, a fifth and a twentieth of the buyers have reached, by what each has spent; round numbers
    where too few have bought to say."""
    ranked = sorted(one for one in spent if one > 0)
    at = [float(f"{ranked[int(len(ranked) * part)]:.1g}") for part in (0.5, 0.8, 0.95)] if len(ranked) >= 20 else []
    if len(set(at)) < 3:
        at = [100.0, 500.0, 1500.0]
    said = zip(("Silver", "Gold", "Platinum"), at, COLOURS, (1.0, 1.25, 1.5), strict=False)
    tiers = []
    for name, least, colour, factor in said:
        more: dict[Any, float] = {"order": factor} if factor > 1 else {}
        tiers.append(Tier(key=name.lower(), name=name, enter=Needs(spent=least), colour=colour, factors=more))
    return Ladder(tiers=tuple(tiers))


def rearranged(ladder: Ladder, act: str, key: str) -> Ladder:
    """One step moved `up` or `down`, or `remove`d; the same ladder for anything else."""
    place, all_ = ladder.place(key), list(ladder.tiers)
    if place < 0 or act not in ("up", "down", "remove"):
        return ladder
    tier = all_.pop(place)
    if act != "remove":
        all_.insert(max(0, place + (1 if act == "up" else -1)), tier)
    return msgspec.structs.replace(ladder, tiers=tuple(all_))


def packed(of: Ladder | Preview) -> str:
    """Raises Invalid where no address would hold it."""
    text = base64.urlsafe_b64encode(zlib.compress(msgspec.json.encode(of), 9)).decode()
    if len(text) > limits.LADDER_DRAFT_CHARS_MAX:
        raise invalid("perks", "fewer or shorter ones: with these the ladder is too long to be changed here")
    return text


def unpacked(text: str, kind: type[T]) -> T:
    """Raises Invalid."""
    try:
        raw = base64.urlsafe_b64decode(text[: limits.LADDER_DRAFT_CHARS_MAX])
        plain = zlib.decompressobj().decompress(raw, limits.BODY_BYTES_MAX)
        return msgspec.json.decode(plain, type=kind)
    except (ValueError, zlib.error, msgspec.DecodeError):
        raise invalid("draft", "a ladder as this page wrote it: begin again from the Tiers page") from None


def _amount(name: str, amount: float, shop: Workspace) -> tuple[str, str]:
    """`$500.00`, and ` spent`."""
    match name:
        case "spent":
            return money(amount, shop.currency_code, shop.currency_symbol), " spent"
        case "orders":
            return plural(int(amount), "order"), ""
        case "referrals":
            return plural(int(amount), "friend"), " referred"
    return counted(int(amount), shop.coin_name), " earned" if name == "earned" else " to spend"


def _towards(name: str, least: float, missing: float, shop: Workspace) -> str:
    said = "".join(_amount(name, least, shop))
    return f"{said}: {_amount(name, missing, shop)[0]} to go" if missing else f"{said}: reached"


def _colour(ladder: Ladder, key: str) -> str:
    """Its own, or one by its place; grey for no tier."""
    place = ladder.place(key)
    if place < 0:
        return "#a5afb7"
    return ladder.tiers[place].colour or COLOURS[place % len(COLOURS)]
