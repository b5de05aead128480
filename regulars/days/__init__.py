"""Days that are over, in figures.

Promises: each day of a shop's time zone is counted when it is over, once, and kept; two years of days are read as so
many rows, however large the shop. Whoever asks before a worker has counted is answered all the same, by counting.
What a shop owes its customers is told of the same days, and as it goes on.

    begin --> scheduled for the end of the day --count--> kept, and scheduled for the end of the next

Counts what was written down on a day, not what is said to have happened then: an order imported today counts today.

Does not know today: that is counted where it is looked at.
"""

from regulars.days.counting import COUNT, Day, begin, count, count_between, days_before, midnights
from regulars.days.liability import Liability, liability
