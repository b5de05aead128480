"""Where a shop sells: its platforms send hooks, and what they tell is recorded as if it had been reported here.

Promises: a hook that is not signed as it must be is turned away before the database is asked for anything but whose it
is, once a second. One that is let in is kept to the byte before it is answered, and handled after; whatever stops in
between, it is handled. They may come twice, late and in any order: the state that a platform says is newest stands in
the end, and a refund that comes before its order waits for it. What came of each is said in words, and it can be
handled again. What platforms never sent is fetched from those that can be asked. The coupons of
a shop that wants it so are discounts at its platform too, each once.

Does not know what coins are: an order is taken as any other is.

    hook:  let in --> pending --> done      (recorded, or known already)
                         |  ^---- waiting   (for the order that it tells of)
                         |-------> ignored  (it came before, is a test, or tells of nothing that is kept)
                         |-------> open     (a person has to act; then done)
                         `-------> failed   (can't be read, or is refused; replayed: pending)
"""

from regulars.shops.asking import ask_soon, claim_asks, fetch_missed, first_ask
from regulars.shops.connecting import address_of, change, connect, list_sources, remove, rotate
from regulars.shops.discounts import cannot_make, discounted, look_after, makes_discounts
from regulars.shops.handling import handle
from regulars.shops.intake import OF_ORDERS, OF_PERSONS, Known, admit, keep, note_wrong, source_of_hook, verify
from regulars.shops.log import close, count_failed, get_hook, replay, replay_failed, search_hooks, topics
from regulars.shops.model import Envelope, Hook, NewHook, Platform, Shown, Source
from regulars.shops.platforms import PLATFORMS
from regulars.shops.store import forget, heard_at, look
from regulars.shops.store import source as get_source
from regulars.shops.testing import Tested, test
