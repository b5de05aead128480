"""The book: points as double entry.

Promises: every change of a balance is one txn whose postings sum to zero; what a customer can spend is exactly what
remains in their lots, and what has expired is written down before the next entry of its wallet; the lot that expires
first is spent first; nothing is spent before it is active, or from the instant it expires on; the same key is the same
txn for ever, and never another. Rows are only added. Each txn carries a hash over itself, all that it wrote and the
wallet's txn before it, so that an edit of the past shows: `verify` reads the whole book and names the first break.

Acts take a list: one reward is a list of one. They lock the wallets they touch in the order of (customer, kind), so
that many calls for one customer take turns and two calls for the same customers never wait in a circle.

Does not know why coins are given or what they buy: a reason comes in as text, a reference and a trigger's version.

    lot:   pending --activates_at--> open --spent--> empty
                                      `--expires_at--> expired
    txn:   success, for ever; a later txn may reverse it (reverses_txn_id)
"""

from regulars.ledger.audit import Break, verify
from regulars.ledger.balances import available, balances, liability
from regulars.ledger.errors import InsufficientBalance, KeyTaken
from regulars.ledger.flow import Flow, flow
from regulars.ledger.model import Balance, Entry, Kind, Outcome, Posted, Txn, amount_on_wire
from regulars.ledger.posting import post
from regulars.ledger.store import lock_wallets as lock
from regulars.ledger.txns import find_txn, numbered_page, txns_of

__all__ = [
    "Balance",
    "Break",
    "Entry",
    "Flow",
    "InsufficientBalance",
    "KeyTaken",
    "Kind",
    "Outcome",
    "Posted",
    "Txn",
    "amount_on_wire",
    "available",
    "balances",
    "find_txn",
    "flow",
    "liability",
    "lock",
    "numbered_page",
    "post",
    "txns_of",
    "verify",
]
