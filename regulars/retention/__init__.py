"""How long logs are kept: months of them are made ahead of time, and dropped whole when no shop wants them any more.

Promises: what is older than a shop chose (`tenancy.Retention`) is neither shown nor answered, from that hour on; a
month is dropped when the longest choice of all shops has passed. Nothing is lost with it that is still to be done: a
month in which an event waits to be read, a delivery to be sent, a firing to be given or a hook to be handled stays
until that is through, and is told of (`/metrics`, log). No statement stands waiting for a lock in front of a shop's
traffic. The book is never dropped.

    month:  made, ahead of time --> written --> kept --(older than all choices)--> noticed --(a day)--> dropped
                                                  ^------(not so any more)------------'

The day between is for clocks that leap: the age of a month is told by the database's clock, the day by the worker's,
and a month for which it was a mistake is left where it is.

Knows partitions by what they are named; does not know what their rows mean.
"""

from regulars.retention.sweeping import held, sweep
