"""The book: points as transfers between accounts.

Promises: every change of a balance is one txn of transfers, each from one account to another; a lot is one credit, and
where its coins are is the sum of its transfers. What has fallen due in a wallet (a lot activates or expires, a hold's
time is over) is so for every read from that instant on, and is written down before its next entry. The lot that expires
first is spent first; nothing is spent before it is active, or from the instant it expires on; what comes in pays a debt
first. The same key is the same txn for ever, and never another; nothing is taken or given back beyond its amount, told
as often and in whatever order. Txns and transfers are only added. Each txn carries a hash over itself, all that it
moved and the wallet's txn before it, so that an edit of the past shows: `verify` works the whole book out again and
names the first break.

Acts take a list: one reward is a list of one. They lock the wallets they touch in the order of (customer, kind), so
that many calls for one customer take turns and two calls for the same customers never wait in a circle.

Does not know why coins are given or what they buy: a reason comes in as text, a reference and a trigger's version.

    lot:   pending --activates_at--> available --> redeemed | expired | clawed back
                                       |    ^
                               hold    v    | void, time limit, give back
                                      held --capture--> redeemed
    txn:   pending --capture, activate--> success     on the wire; in the book a later txn says so
              `-----void, time limit--> cancelled
           success --claw back, give back--> reversed, --expire--> expired
"""

from regulars.ledger.audit import verify
from regulars.ledger.balances import LotStory, Purse, available, balances, liability, lot_story, lots_of, purse
from regulars.ledger.clawback import claw_back
from regulars.ledger.due import FOLLOW, follow_rules, rules_changed, settle
from regulars.ledger.ending import Ending, HoldEnded, Known, capture, void
from regulars.ledger.errors import InsufficientBalance, KeyTaken, WalletFull
from regulars.ledger.flow import Flow, Standing, Turnover, debts, flow, standing, turnover
from regulars.ledger.giveback import give_back
from regulars.ledger.holding import Hold, hold
from regulars.ledger.merging import CoinsHeld, Merge, merge
from regulars.ledger.model import (
    SCALE,
    Balance,
    Entry,
    Kind,
    Lot,
    Outcome,
    Posted,
    Txn,
    Wallet,
    WalletId,
    amount_of_wire,
    amount_on_wire,
)
from regulars.ledger.opening import SETTLE
from regulars.ledger.posting import post
from regulars.ledger.replay import Break
from regulars.ledger.reversing import NotReversible, Reversal, reverse
from regulars.ledger.store import lock_wallets as lock
from regulars.ledger.store import txns_by_id
from regulars.ledger.txns import ended, find_holds, find_txn, numbered_page, posted_under, txns_of, txns_of_orders
from regulars.ledger.validity import Validity
from regulars.ledger.waiting import Expiring, Found, expiring, expiring_idle, untouched
from regulars.ledger.wire import properties
