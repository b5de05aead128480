"""A friend's order qualifies a referral; its return window passes; the reward is given. What an order loses takes it
back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, ledger, orders, rewards, schedule
from regulars.customers import Customer
from regulars.kit import Refusal, Tx, units_of
from regulars.kit.clock import period_start
from regulars.ledger import Entry, Posted, Reversal
from regulars.orders import Order, Recorded
from regulars.referrals import store
from regulars.referrals.claiming import PLACEHOLDER, Friend, claim
from regulars.referrals.errors import ReferralsOff
from regulars.referrals.model import NO_RULES, Referral, ReferralRules, normalised, referral_rules
from regulars.referrals.store import sql
from regulars.referrals.suspecting import suspect, suspect_rings
from regulars.referrals.wire import Told, tell
from regulars.rewards import Ask, Issued
from regulars.schedule import Due
from regulars.tenancy import Workspace

SETTLE = "referrals.settle"
MEET = "people.meet"
"""A friend whom the shop's platform did not know, and the customer whom it knows by now, become one."""
_PAID = ("paid", "partially_refunded")
_LOST = "The order was cancelled, or too much of it was paid back."


_reactions: list[Callable[[Tx, Workspace, Sequence[Referral], datetime, str], Awaitable[None]]] = []


def reacting(react: Callable[[Tx, Workspace, Sequence[Referral], datetime, str], Awaitable[None]]) -> None:
    """Have it told, within the act, of referrals that are complete now, or were and are no more."""
    _reactions.append(react)


async def _react(tx: Tx, workspace: Workspace, of: Sequence[Referral], now: datetime, actor: str) -> None:
    for react in _reactions if of else ():
        await react(tx, workspace, of, now, actor)


def due(referral: Referral, at: datetime) -> Due:
    return Due(SETTLE, str(referral.id), at)


async def settle_orders(tx: Tx, workspace: Workspace, changed: Sequence[Order], now: datetime) -> None:
    """Orders as they are now, after their coupons are settled. The first of a friend that is paid and as large as asked
    qualifies the referral. Told again it comes to the same. Nothing is asked in a shop without referrals. Lock order:
    referrals by id, after the coupons."""
    rules = referral_rules(workspace)
    if rules == NO_RULES or not changed:
        return
    people = await customers.by_ids(tx, workspace.id, sorted({order.customer_id for order in changed}))
    live = [order for order in changed if rules.on and counts(rules, order, workspace) and not order.void]
    if live and "coupon" in rules.modes:
        await _by_code(tx, workspace, live, people, now)
    await _qualify(tx, workspace, rules, live, people, now)
    void = [order.id for order in changed if order.void]
    rows = await tx.fetch(sql.of_orders, workspace.id, void) if void else []
    undone = await store.lock(tx, workspace.id, [row["id"] for row in rows])
    # The order has given its coupon back by now, if it used one.
    keys = [one.friend_key for one in undone if one.state == "reversed" and one.friend_coupon_id]
    await rewards.cancel_issued(tx, workspace, keys, now, actor="")


def counts(rules: ReferralRules, order: Order, workspace: Workspace) -> bool:
    """Whether it is an order as asked for: paid, and with enough of its money kept, some if it cost any."""
    least = round(rules.minimum_order * units_of(workspace.currency_code))
    fits = order.currency_code == workspace.currency_code or not least
    kept = order.kept_minor >= max(least, min(order.amount_minor, 1))
    return order.financial_status in _PAID and not order.void and fits and kept


async def _by_code(
    tx: Tx, workspace: Workspace, live: Sequence[Order], people: Mapping[UUID, Customer], now: datetime
) -> None:
    """Orders that came with a customer's referral code claim it themselves; what can't be claimed is no referral."""
    spelled = {order.id: [c for code in order.coupon_codes or () for c in (code, code.lower())] for order in live}
    known = await customers.by_referral_codes(tx, workspace.id, sorted({c for of in spelled.values() for c in of}))
    for order in live:
        if code := next((code for code in spelled[order.id] if code in known), None):
            with suppress(Refusal):
                friend = Friend(referral_code=code, mode="coupon", who=people[order.customer_id])
                await claim(tx, workspace, friend, now)


async def _qualify(
    tx: Tx,
    workspace: Workspace,
    rules: ReferralRules,
    live: Sequence[Order],
    people: Mapping[UUID, Customer],
    now: datetime,
) -> None:
    by_order = {order.id: order for order in live}
    of = [(order.id, people[order.customer_id]) for order in live]
    columns = [[id for id, _ in of], [who.id for _, who in of]]
    keys = [normalised(who.email) for _, who in of], [who.phone for _, who in of]
    rows = await tx.fetch(sql.of_friends, workspace.id, *columns, *keys) if of else []
    # Of a friend's orders that come in at once the one that was placed first, which is put last here.
    rows = sorted(rows, key=lambda row: (by_order[row["about"]].placed_at, row["about"]), reverse=True)
    about = {row["id"]: by_order[row["about"]] for row in rows}
    claimed = [one for one in await store.lock(tx, workspace.id, about) if one.state == "claimed"]
    first = list({about[one.id].id: about[one.id] for one in claimed}.values())
    before = await orders.earlier(tx, workspace.id, first) if first else {}
    became: dict[UUID, Referral] = {}
    meeting = []
    for one in claimed:
        order = about[one.id]
        if one.claimed_at and order.placed_at < one.claimed_at and one.mode != "coupon" and not rules.first_time_only:
            continue
        who = people[order.customer_id]
        if rules.first_time_only and before.get(order.id):
            became[one.id] = one.became(state="rejected", reason="The friend had ordered before.")
        elif all(other.friend_id != who.id for other in became.values()):
            became[one.id] = one.became(state="qualified", order_id=order.id, friend_id=who.id, qualified_at=now)
            meeting += [(one.friend_id, who.id)] if one.friend_id not in (None, who.id) else []
    store.save(tx, workspace.id, list(became.values()), now)
    await schedule.put(tx, workspace.id, [due(one, now) for one in became.values() if one.state == "qualified"])
    if meeting:
        known = await customers.by_ids(tx, workspace.id, [friend for friend, _ in meeting])
        drafts = [(f, into) for f, into in meeting if known[f].customer_id.startswith(PLACEHOLDER)]
        await schedule.put(tx, workspace.id, [Due(MEET, str(f), now, {"into": str(into)}) for f, into in drafts])


async def undo(tx: Tx, workspace: Workspace, revalued: Sequence[Recorded], now: datetime, actor: str) -> None:
    """A line of `triggers.UNDOES`: what is left of an order is not enough any more, or is again."""
    rules = referral_rules(workspace)
    if rules == NO_RULES:
        return
    of = {one.order.id: one.order for one in revalued}
    rows = await tx.fetch(sql.of_orders, workspace.id, list(of))
    became, back, again = [], [], []
    for one in await store.lock(tx, workspace.id, [row["id"] for row in rows]):
        assert one.order_id is not None
        good = counts(rules, of[one.order_id], workspace)
        if not good and one.state in ("qualified", "pending"):
            # Its friend may order anew.
            became.append(one.became(state="claimed", order_id=None, qualified_at=None, due_at=None))
        elif not good and one.state == "completed":
            back.append(one)
        elif good and one.state == "reversed" and one.reason == _LOST:
            again.append(one)
    await schedule.drop(tx, workspace.id, SETTLE, [str(one.id) for one in became])
    became += await take_back(tx, workspace, back, _LOST, now, actor=actor)
    became += await _give_again(tx, workspace, again, now, actor)
    store.save(tx, workspace.id, became, now)


async def take_back(
    tx: Tx, workspace: Workspace, of: Sequence[Referral], reason: str, now: datetime, *, actor: str
) -> list[Referral]:
    """The referrer's reward, as far as that goes, and the friend's coupon, if it was not used. Answers what they are
    then, to be saved. Lock order: wallets, coupons."""
    await _claw_back(tx, workspace, [one for one in of if one.txn_id], True, now, actor)
    keys = [key for one in of for key in (one.reward_key, one.friend_key) if one.coupon_id or one.friend_coupon_id]
    await rewards.cancel_issued(tx, workspace, keys, now, actor=actor)
    back = [one.became(state="reversed", reason=reason, actor=actor or one.actor) for one in of]
    await _react(tx, workspace, [one for one in back if one.completed_at], now, actor)
    return back


async def _give_again(
    tx: Tx, workspace: Workspace, of: Sequence[Referral], now: datetime, actor: str
) -> list[Referral]:
    """Coins come again as they went; a coupon that was cancelled is given as another."""
    await _claw_back(tx, workspace, [one for one in of if one.txn_id], False, now, actor)
    became = [
        one.became(state="completed", reason="")
        if one.txn_id
        else one.became(state="pending", reason="", round=one.round + 1, coupon_id=None, due_at=now)
        for one in of
    ]
    await schedule.put(tx, workspace.id, [due(one, now) for one in became if one.state == "pending"])
    await _react(tx, workspace, [one for one in became if one.state == "completed"], now, actor)
    return became


async def _claw_back(
    tx: Tx, workspace: Workspace, of: Sequence[Referral], whole: bool, now: datetime, actor: str
) -> None:
    txns = await ledger.txns_by_id(tx, workspace.id, [one.txn_id for one in of if one.txn_id])
    title = "Referral reversed" if whole else "Referral counts again"
    reversals = [
        Reversal(
            txn_id=txn.id, target=txn.amount if whole else 0, occurred_at=now, title=title, reference=txn.reference,
            actor=actor,
        )
        for txn in txns.values()
    ]  # fmt: skip
    await ledger.reverse(ledger.claw_back, tx, workspace, reversals, now)


async def settle(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: what was qualified is looked at and waits out its return window; what has waited is
    rewarded. Lock order: referrals by id, then as `rewards.issue`, then wallets."""
    found = await store.lock(tx, workspace.id, [UUID(one.key) for one in dues])
    rules = referral_rules(workspace)
    open_ = [one for one in found if one.review != "waiting"]
    ripe = [one for one in open_ if one.state == "pending" and one.due_at and one.due_at <= now]
    await _complete(tx, workspace, rules, ripe, now)
    await _admit(tx, workspace, rules, [one for one in open_ if one.state == "qualified"], now)


async def _admit(
    tx: Tx, workspace: Workspace, rules: ReferralRules, qualified: Sequence[Referral], now: datetime
) -> None:
    """Each to its place: suspicious, one too many, or waiting for its return window. Under the lock of the referrer's
    wallet nobody else is counted meanwhile."""
    if not qualified:
        return
    ids = sorted({id for one in qualified for id in one.two})
    people = await customers.by_ids(tx, workspace.id, ids)
    found = await suspect(tx, workspace.id, rules, qualified, people, now)
    await suspect_rings(tx, workspace.id, found.rings, now)
    referrers = sorted({one.referrer_id for one in qualified})
    await ledger.lock(tx, workspace.id, [(id, "coins") for id in referrers])
    since = period_start(rules.period, now, workspace.zone)
    had = {row["id"]: row["friends"] for row in await tx.fetch(sql.rewarded, workspace.id, referrers, since)}
    became = []
    for one in qualified:
        if (verdicts := found.verdicts[one.id]) and one.review != "approved":
            became.append(one.seen(verdicts))
        elif rules.per_referrer_max and had[one.referrer_id] >= rules.per_referrer_max:
            words = f"Their friend had brought {rules.per_referrer_max:,} this {rules.period} already."
            became.append(one.became(state="rejected", reason=words))
        else:
            had[one.referrer_id] += 1
            due_at = (one.qualified_at or now) + timedelta(days=rules.return_days)
            became.append(one.became(state="pending", due_at=due_at))
    store.save(tx, workspace.id, became, now)
    waits = [due(one, max(now, one.due_at)) for one in became if one.state == "pending" and one.due_at]
    await schedule.put(tx, workspace.id, waits)


async def _complete(
    tx: Tx, workspace: Workspace, rules: ReferralRules, ripe: Sequence[Referral], now: datetime
) -> None:
    """Each reward is given once, by its key. What can't be given is looked at by somebody."""
    if not ripe:
        return
    # Of both, whoever is given something: wallets are locked in one order.
    await ledger.lock(tx, workspace.id, [(id, "coins") for id in sorted({id for one in ripe for id in one.two})])
    of = list(ripe)
    became: list[Referral] = []
    told: list[Told] = []
    given: Sequence[Issued | Posted | Refusal]
    if not (rules.offer if rules.reward == "coupon" else rules.coins):
        given = [ReferralsOff("No reward is set.")] * len(of)
    elif rules.reward == "coupon":
        offer = UUID(rules.offer)
        asks = [Ask(customer_id=o.referrer_id, offer_id=offer, type="referral", key=o.reward_key) for o in of]
        given = await rewards.issue(tx, workspace, asks, now)
    else:
        people = await customers.by_ids(tx, workspace.id, sorted({one.referrer_id for one in of}))
        entries = [_entry(one, _coins(workspace, rules, people[one.referrer_id]), now) for one in of]
        given = await ledger.post(tx, workspace, entries, now)
    for one, reward in zip(of, given, strict=True):
        if isinstance(reward, Refusal):
            seen = one.seen({"reward": f"The reward could not be given: {reward.message}"})
            became.append(msgspec.structs.replace(seen, review="waiting"))
            continue
        coupon, txn = (reward, None) if isinstance(reward, Issued) else (None, reward.txn)
        done = one.became(
            state="completed",
            completed_at=now,
            coupon_id=coupon.coupon.id if coupon else None,
            txn_id=txn.id if txn else None,
        )
        became.append(done)
        told.append(Told(done, coupon, txn))
    store.save(tx, workspace.id, became, now)
    await tell(tx, workspace, "referrernotify_create", told, now)
    await _react(tx, workspace, [one.referral for one in told], now, "")


def _coins(workspace: Workspace, rules: ReferralRules, referrer: Customer) -> int:
    """By the referrer's tier, as the ladder multiplies referrals."""
    factors = workspace.settings.get("tier_factors") or []
    by = next((factor for tier, of, factor in factors if of == "referral" and tier == referrer.tier), 1)
    return max(1, int(rules.coins * by))


def _entry(one: Referral, coins: int, now: datetime) -> Entry:
    return Entry(
        customer_id=one.referrer_id,
        operation="cr",
        amount=coins,
        type="referral",
        occurred_at=now,
        title="Referral reward",
        description="A friend ordered",
        reference=one.reference,
        key=one.reward_key,
    )
