"""Friends whom customers bring along, and what both get for it.

Promises: a friend is referred once, by one customer, and never by themselves. The friend's coupon and the referrer's
reward are given exactly once, by the referral's own reference, whatever stops or comes again; no more friends than a
shop allows earn a reward in a period, however many orders come in at once. What is suspicious is kept with what was
seen, and gets nothing before somebody has looked. What an order loses takes back what it gave.

    invited --claim--> claimed --the friend's first paid order--> qualified --looked at--> pending --> completed
                         ^                                            |          |  the return window     |
                         `----------- the order is void --------------+----------'                        v
    rejected: by hand, one too many, ordered before                                                   reversed
                                                                   (and completed again, when the refund is withdrawn)

Beside its state a referral may wait for a review: it stays where it is until somebody approves or rejects it.

Does not know who shows the link, and sends nothing: events do.

Lock order: orders, customers and wallets of the order's own act; then referrals by id; then as the ledger and rewards.
"""

from regulars.referrals.claiming import REMIND, Claimed, Friend, claim, invite, referrer_of
from regulars.referrals.deciding import check_rules
from regulars.referrals.errors import (
    AlreadyCustomer,
    AlreadyReferred,
    NotDecidable,
    ReferralsOff,
    SelfReferral,
    TooManyFriends,
    UnknownReferralCode,
)
from regulars.referrals.finding import Funnel, by_ids, find_referral, forget, funnel, move, numbered_page, referrals
from regulars.referrals.model import (
    NO_RULES,
    STATES,
    Mode,
    Referral,
    ReferralRules,
    Review,
    Sign,
    State,
    referral_rules,
)
from regulars.referrals.reviewing import approve, reject
from regulars.referrals.settling import MEET, SETTLE, reacting, settle, settle_orders, undo
from regulars.referrals.store import lock, save
from regulars.referrals.wire import Told, tell
