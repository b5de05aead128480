"""What is due later: a row each, in one table with one loop.

Promises: what is due is done once, in the transaction that deletes its row, at its time or as soon after it as a worker
is there. One shop's million rows hide nobody else's. What fails is tried again alone, and then set aside with its
reason, where people see it and can have it tried again; all others go on. A row of a kind that this version does not
know waits for one that does.

    put --> due later --its time comes--> due --run--> gone, and what its handler did stands
               ^                           |
               |                           `-its handler fails, alone too--> aside --try_again--> due
               `-----put anew, from wherever it is, or is not any more         (drop: gone, from wherever it is)

Whose handler is run for which kind stands in `worker/loops.py`. A handler is handed what one shop has due of its kind,
so many rows at a time, and may put the next row of its own. It waits for no network:
what calls out is a `Caller`, which has one row at a time on lease.

Does not know what any of it is about.

The rows are locked before whatever their handler locks; who puts or drops while holding locks of its own does so last.
Where the two meet, the database undoes one of them, and that runs again.
"""

from regulars.schedule.aside import Aside, aside, kinds_aside, set_aside, try_again
from regulars.schedule.model import Caller, Due, Handler
from regulars.schedule.putting import drop, put
from regulars.schedule.running import due_now, find, first_due, lease, run, shops_due
