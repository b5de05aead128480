"""The ladder: who stands in which tier, and why.

Promises: where a customer stands follows from what they did, the ladder and what was decided by hand; worked out again
it comes to the same, however often, by whom or in whatever order. Up at once; down only when a term has ended and its
grace, or as the ladder says of refunds, and never unannounced where it warns. Spending coins lowers nobody. Changing
the ladder says first who would move and writes nothing; what follows from a changed one is worked out a page of
customers at a time, goes on where it stopped, and begins anew when the ladder changes once more.

    none <--> tier: qualifies --> up, a new term
                    the term ends: qualifies still --> another term
                                   not any more    --> grace --> down

Reads the log by a name of its own, so that nobody who makes facts waits for it. Does not know what a tier is good for:
factors are read by triggers, tiers of offers by rewards, by the name that the customer carries.

Lock order: standings by customer, then customers by id.
"""

from regulars.tiers.changing import RECALCULATE, change_ladder, check, ladder_of, recalculate, versions_of
from regulars.tiers.model import Ladder, Move, Needs, Standing, Tier
from regulars.tiers.placing import place_by_hand, take_off
from regulars.tiers.previewing import Preview, preview
from regulars.tiers.standing import Progress, Stands, counts, forget, members, moves_of, progress, standing_of
from regulars.tiers.store import LadderVersion
from regulars.tiers.watching import LOOK, begin, follow, look, move
