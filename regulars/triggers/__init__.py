"""Rules that reward: a trigger is fired by a call, or reacts by itself to what happens to a customer.

Promises: whatever happened goes through one pipeline: the fact, guards, effects. Changing a trigger makes a new
version, and what was given names the version that gave it. Every time a trigger is asked is kept with what came of it:
granted, with its txn; waiting for its day; or refused, with a stable reason, what the guard found beside what it asks
for, and the same in words, so that "why did I get nothing" has an answer. Limits are counted in the shop's time zone
under the wallet's lock, budgets under their counter's, so that two at once can't both be the last one. An order earns
once per trigger, however often it is reported, and whether the trigger saw it come in or was applied to it later.

Does not know who is told.

    fact --guards--> granted (has a txn, unless 0 coins were drawn) --all of it taken back--> reversed
               |---> waiting --its day comes--> granted | refused
               `---> refused (has a reason)
"""

from regulars.triggers.backtesting import Outlook, Past, apply
from regulars.triggers.calendar import GO_THROUGH, go_through
from regulars.triggers.changing import change_trigger, create_trigger
from regulars.triggers.facts import CUSTOMER, customer_payload
from regulars.triggers.finding import find_trigger, firings, never_asked, tally, versions_of
from regulars.triggers.firing import Known, fire
from regulars.triggers.model import (
    NO_TRIGGER,
    Content,
    Evaluation,
    Fire,
    Fired,
    Firing,
    Letter,
    Override,
    Trigger,
    Version,
    granted_coins,
    letters_by,
)
from regulars.triggers.owners import forget, move
from regulars.triggers.pipeline import RANDOM
from regulars.triggers.reporting import NewFact, TakenFact, check_fact, take_facts
from regulars.triggers.reviewing import add_picture, change_review, post_reviews
from regulars.triggers.rule import Rule
from regulars.triggers.signup import create_customer, ensure
from regulars.triggers.simulating import About, Simulated, simulate
from regulars.triggers.store import all_triggers as list_triggers
from regulars.triggers.taking import Rehearsed, Taken, rehearse_orders, take_orders, welcome_coins
from regulars.triggers.tallies import left
from regulars.triggers.waiting import GIVE, give
from regulars.triggers.wording import sentence
