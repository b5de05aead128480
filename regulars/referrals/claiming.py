"""A friend is invited, or claims a customer's code: once, and never one's own."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, ledger, limits, rewards, schedule
from regulars.customers import Customer, NewCustomer
from regulars.kit import Reading, Refusal, Tx, invalid, new_id
from regulars.kit.phones import international
from regulars.referrals import errors, store
from regulars.referrals.model import Mode, Referral, ReferralRules, normalised, referral_rules
from regulars.referrals.store import sql
from regulars.referrals.suspecting import alike, suspect, suspect_rings
from regulars.referrals.wire import Told, tell
from regulars.rewards import Ask, Issued
from regulars.schedule import Due
from regulars.tenancy import Workspace

REMIND = "reminders.referred"
PLACEHOLDER = "referred-"
"""How the customer_id begins of a friend whom the shop's platform does not know yet."""


class Friend(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes by a customer's code, as they say themselves. `address` and `device` are hashes of where from. `who` is
    the customer, where they are known to be one."""

    referral_code: str
    mode: Mode = "link"
    name: str = ""
    email: str = ""
    mobile: str = ""
    country: str = ""
    address: str = ""
    device: str = ""
    who: Customer | None = None


class Claimed(msgspec.Struct, frozen=True):
    """`coupon` is the friend's; None where the referral waits to be looked at. `repeated`: it was claimed before."""

    referral: Referral
    coupon: Issued | None
    repeated: bool = False


class _Met(msgspec.Struct, frozen=True):
    """Who the two are, and what there is between them already."""

    rules: ReferralRules
    referrer: Customer
    friend: Customer | None
    details: NewCustomer
    new: Referral
    before: Referral | None


async def referrer_of(tx: Reading, workspace: Workspace, code: str, mode: Mode = "link") -> Customer:
    """Raises ReferralsOff, UnknownReferralCode."""
    rules = referral_rules(workspace)
    if not rules.on or mode not in rules.modes:
        raise errors.ReferralsOff
    found = await customers.find(tx, workspace.id, referral_code=code) if code else None
    if found is None or found.erased_at:
        raise errors.UnknownReferralCode
    return found


async def invite(tx: Tx, workspace: Workspace, friend: Friend, now: datetime) -> Referral:
    """The friend is told of it; invited again, not again. Raises as `claim`."""
    met = await _meet(tx, workspace, friend, now)
    if met.before:
        if met.before.referrer_id != met.referrer.id:
            raise errors.AlreadyReferred
        return met.before
    known = met.friend or await _make(tx, workspace, met, now)
    invited = msgspec.structs.replace(met.new, friend_id=known.id)
    store.save(tx, workspace.id, [invited], now)
    await tell(tx, workspace, "refereenotify_create", [Told(invited)], now)
    return invited


async def claim(tx: Tx, workspace: Workspace, friend: Friend, now: datetime) -> Claimed:
    """The friend's coupon is issued at once, unless something is suspicious: then somebody looks first. Claimed again,
    it is the same referral. Raises Invalid, ReferralsOff, UnknownReferralCode, SelfReferral, AlreadyCustomer,
    AlreadyReferred, TooManyFriends, and what `rewards.issue` refuses; two at once for one friend: one is run again."""
    met = await _meet(tx, workspace, friend, now)
    if met.before and met.before.state != "invited":
        key = met.before.friend_key
        return Claimed(met.before, (await rewards.issued_for(tx, workspace.id, [key])).get(key), repeated=True)
    known = met.friend or await _make(tx, workspace, met, now)
    claimed = msgspec.structs.replace(
        met.before or met.new,
        referrer_id=met.referrer.id,
        friend_id=known.id,
        mode=friend.mode,
        state="claimed",
        address=friend.address,
        device=friend.device,
        claimed_at=now,
    )
    people = {met.referrer.id: met.referrer, known.id: known}
    suspicions = await suspect(tx, workspace.id, met.rules, [claimed], people, now)
    await suspect_rings(tx, workspace.id, suspicions.rings, now)
    if verdicts := suspicions.verdicts[claimed.id]:
        claimed = claimed.seen(verdicts)
    if not known.referred_by_code:
        available = (await ledger.available(tx, workspace, [known.id], now)).get(known.id, 0)
        code = met.referrer.referral_code
        await customers.refer(tx, workspace, known.id, code, now, available=available)
    claimed, issued = (claimed, None) if verdicts else await welcome(tx, workspace, claimed, now)
    store.save(tx, workspace.id, [claimed], now)
    if issued:
        await tell(tx, workspace, "refereenotify_create", [Told(claimed, coupon=issued)], now)
    await schedule.put(tx, workspace.id, [Due(REMIND, str(claimed.id), now)])
    return Claimed(claimed, issued)


async def welcome(tx: Tx, workspace: Workspace, claimed: Referral, now: datetime) -> tuple[Referral, Issued | None]:
    """The friend's coupon, once for ever; none for who used the referrer's code as one. Raises what refuses it."""
    if claimed.mode == "coupon" or claimed.friend_id is None:
        return claimed, None
    offer = UUID(referral_rules(workspace).friend_offer)
    ask = Ask(customer_id=claimed.friend_id, offer_id=offer, type="referral", key=claimed.friend_key)
    (issued,) = await rewards.issue(tx, workspace, [ask], now)
    if isinstance(issued, Refusal):
        raise issued
    return msgspec.structs.replace(claimed, friend_coupon_id=issued.coupon.id), issued


async def _meet(tx: Tx, workspace: Workspace, friend: Friend, now: datetime) -> _Met:
    referrer = await referrer_of(tx, workspace, friend.referral_code, friend.mode)
    details, known = await _who(tx, workspace, friend)
    new = Referral(
        id=new_id(),
        referrer_id=referrer.id,
        friend_id=known.id if known else None,
        mode=friend.mode,
        state="invited",
        name=details.name,
        email=details.email,
        mobile=details.mobile,
        email_key=normalised(details.email),
        phone=known.phone if known else international(details.mobile, details.country, workspace.country),
        created_at=now,
        updated_at=now,
    )
    if (known and known.id == referrer.id) or alike(new, referrer, known):
        raise errors.SelfReferral
    rules = referral_rules(workspace)
    if known and known.orders_count and rules.first_time_only and friend.mode != "coupon":
        raise errors.AlreadyCustomer
    key = (new.friend_id or UUID(int=0), new.email_key, new.phone)
    rows = await tx.fetch(sql.of_friends, workspace.id, [new.id], *([one] for one in key))
    before = await store.lock(tx, workspace.id, [row["id"] for row in rows])
    others = [one for one in before if one.referrer_id != referrer.id]
    if any(one.state != "invited" for one in others) or len(before) > 1:
        raise errors.AlreadyReferred
    most, since = limits.REFERRALS_COUNTED_MAX, now - timedelta(days=1)
    if not before and await tx.fetchval(sql.count_since, workspace.id, referrer.id, since, most) >= most:
        raise errors.TooManyFriends
    return _Met(rules, referrer, known, details, new, before[0] if before else None)


async def _who(tx: Reading, workspace: Workspace, friend: Friend) -> tuple[NewCustomer, Customer | None]:
    """What they say, checked, and the customer who is known by it. Raises Invalid naming each field."""
    if friend.who:
        who = friend.who
        said = {name: getattr(who, name) for name in ("customer_id", "name", "email", "mobile", "country")}
        return NewCustomer(**said), who
    if not friend.email.strip() and not friend.mobile.strip():
        raise invalid("email", "an e-mail address or a mobile number")
    country = friend.country or workspace.country
    given = NewCustomer(f"{PLACEHOLDER}{new_id().hex}", friend.name, friend.email, friend.mobile, country)
    details = customers.check(given)
    by_email = await customers.by_emails(tx, workspace.id, [details.email]) if details.email else {}
    by_mobile = await customers.by_mobiles(tx, workspace.id, [details.mobile], country) if details.mobile else {}
    return details, by_email.get(details.email) or by_mobile.get(details.mobile)


async def _make(tx: Tx, workspace: Workspace, met: _Met, now: datetime) -> Customer:
    """A friend whom nobody knows is a customer from now on, to have a coupon; the shop's own welcome waits until its
    platform knows them too, and both become one."""
    made = (await customers.ensure(tx, workspace, [met.details], now))[met.details.customer_id]
    if isinstance(made, Refusal):
        raise made
    return made.customer
