"""Referrals: the funnel, the list, those that wait to be looked at; and what a shop decides about them."""

from typing import Any, NamedTuple

from regulars import customers, referrals, rewards
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Name, Small
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, until_next
from regulars.dashboard.pages.shop import _chosen, settings_page
from regulars.dashboard.sheets import Field, Given, Shown, fields_of
from regulars.dashboard.words import plural
from regulars.kit import Reading, Tx
from regulars.referrals import NO_RULES, Referral, ReferralRules, referral_rules
from regulars.tenancy import Workspace

_STATES = {
    "invited": ("off", "Invited"),
    "claimed": ("busy", "Claimed"),
    "qualified": ("busy", "Ordered"),
    "pending": ("busy", "In its return window"),
    "completed": ("good", "Rewarded"),
    "rejected": ("off", "Rejected"),
    "reversed": ("care", "Taken back"),
}
_MODES = {"link": "By link", "email": "By e-mail", "mobile": "By mobile", "coupon": "By code at the checkout"}
_REVIEWS = [("waiting", "Waits to be looked at"), ("approved", "Approved by hand"), ("rejected", "Rejected by hand")]


class Row(NamedTuple):
    one: Referral
    referrer: Customer
    friend: Customer | None

    @property
    def badge(self) -> Badge:
        return Badge("care", "Look at it") if self.one.review == "waiting" else Badge(*_STATES[self.one.state])

    @property
    def who(self) -> Name:
        friend = self.friend
        return Name((friend and friend.name) or self.one.name, self.one.email or self.one.mobile or "A friend")


async def _rows(tx: Reading, desk: Desk, found: list[Referral]) -> list[Row]:
    people = await customers.by_ids(tx, desk.id, sorted({id for one in found for id in one.two}))
    return [Row(one, people[one.referrer_id], people.get(one.friend_id or one.id)) for one in found]


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Row]:
    names = ("state", "review", "referrer_id")
    by: dict[str, Any] = {name: asked.id(name) if name.endswith("_id") else asked.chosen(name) for name in names}
    times: dict[str, Any] = {"since": asked.since, "until": asked.until, "before_id": asked.before_id}
    found = await referrals.referrals(tx, desk.id, **by, **times, limit=asked.limit + 1)
    funnel = await referrals.funnel(tx, desk.id)
    on_way = ("claimed", "qualified", "pending", "completed")
    reached = [(words, sum(funnel.states[s] for s in on_way[n:])) for n, words in enumerate(_STEPS)]
    waiting = 0 if by["review"] == "waiting" else funnel.waiting  # there they are looked at
    more = {"reached": reached, "waiting": waiting, "rules": referral_rules(desk.workspace)}
    choices = {"referrer_id": [(asked.values["referrer_id"], "one customer")]}
    return Found(*until_next(await _rows(tx, desk, found), asked.limit), choices, more)


_STEPS = ("Claimed a code", "Ordered", "Kept their order so far", "Rewarded")

REFERRALS = Listing[Row](
    path="/referrals",
    purpose="Friends whom your customers brought along, and what both get for it.",
    columns=[
        Column("Friend", lambda row: [Link(row.who, f"/referrals/{row.one.id}"), Small(_MODES[row.one.mode])]),
        Column("Referred by", lambda row: Name(row.referrer.name, row.referrer.customer_id)),
        Column("State", lambda row: row.badge),
        Column("What was seen", lambda row: row.one.reason or " ".join(row.one.verdicts.values())),
        Column("Since", lambda row: row.one.claimed_at or row.one.created_at),
    ],
    read=_read,
    nothing="No referrals yet",
    nothing_why="A friend appears here when they claim a coupon by the link of one of your customers.",
    filters=[
        Filter("state", "State", "Any state", [(state, words) for state, (_, words) in _STATES.items()]),
        Filter("review", "Looked at", "Looked at or not", _REVIEWS),
        Filter("referrer_id", "Of"),
    ],
    days="Since",
    acts=[Act("What friends get", "/settings/referrals")],
    template="referrals",
)


@page("/referrals/{id:uuid}", "referral")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    (row,) = await _rows(tx, desk, [await referrals.find_referral(tx, desk.id, desk.key)])
    return {"row": row, "one": row.one, "mode": _MODES[row.one.mode]}


@act("/referrals/{id:uuid}/approve", "referral.approve", "/referrals/{id}", "Approved: it goes on.")
async def approve(desk: Desk, tx: Tx) -> None:
    await referrals.approve(tx, desk.workspace, desk.key, desk.now, actor=desk.who.actor)


@act("/referrals/{id:uuid}/reject", "referral.reject", "/referrals/{id}", "Rejected: nobody gets anything by it.")
async def reject(desk: Desk, tx: Tx) -> None:
    reason = (await desk.form()).text("reason")[:200]
    await referrals.reject(tx, desk.workspace, desk.key, desk.now, reason=reason, actor=desk.who.actor)


async def _load(desk: Desk, tx: Reading) -> Shown:
    options = [
        (str(one.id), f"{one.name}: {rewards.offer_sentence(one.terms, desk.workspace)}")
        for one in await rewards.list_offers(tx, desk.id)
        if one.active
    ]
    return Shown(referral_rules(desk.workspace), more={"offers": options, "modes": list(_MODES.items())})


def _state(shop: Workspace) -> str:
    rules = referral_rules(shop)
    if not rules.on:
        return "Customers can't refer friends yet."
    gets = plural(rules.coins, shop.coin_name.removesuffix("s")) if rules.reward == "coins" else "A coupon"
    return f"{gets} for each friend who orders, {plural(rules.return_days, 'day')} later."


def _setting(given: Given) -> dict[str, Any]:
    given["modes"] = [mode for mode in given["modes"] if mode]
    return {"referrals": _chosen(NO_RULES, given)}


_FIELDS = fields_of(ReferralRules) | {
    "modes": Field("texts"),
    "friend_offer": Field(optional=True),
    "offer": Field(optional=True, when=("reward", "coupon")),
}
RULES = settings_page(
    "referrals",
    "Referrals",
    "What a friend gets who comes by a customer's link, and what the customer gets when the friend has ordered.",
    _FIELDS,
    referral_rules,
    _setting,
    _state,
    load=_load,
)
