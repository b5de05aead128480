"""Reminders of coins, that they expire soon and that they lie unused; of coupons, that they lie unused; of orders
that nobody has reviewed; and of friends who have not ordered.

Promises: each is decided in the moment it is due, by what is true then, at the hour of the shop's day that it chose. A
customer is told once of what expires on a day, for each of month, week and day before; and of coins that lie unused as
often as the shop says, for as long as nothing moves, as of a coupon, for as long as it can be used. After a crash, a
worker that was away for days, a changed rule or another time zone nobody is told again, and nobody is forgotten.

That is so because nothing is remembered of customers: a sweep goes by a stretch of time that begins where the one
before it ended, and each coin expires, each wallet last moved, and each coupon was issued, at one instant, which one
stretch has in it.

    begin --> scheduled for the hour --sweep--> told, and scheduled for tomorrow's, from where this one ended
                    ^                    `-- more than fit a transaction --> goes on at once
                    `-- switched off: nobody is told, and nothing is made up for later

Of an order the reviews are asked for by a row of its own, which is put in when it is fulfilled, once for ever; of a
referral its friend is told by one that is put in when it is claimed.

Does not know who is told: a reminder is an event.
"""

from regulars.reminders.asking import ASK, ask, plan_asks
from regulars.reminders.expiring import tell_expiring
from regulars.reminders.foreseeing import Foreseen, foreseen
from regulars.reminders.referred import tell_referred
from regulars.reminders.rules import COUPONS, EXPIRING, UNUSED, ReminderRules, begin, reminder_rules
from regulars.reminders.unused import tell_unused
