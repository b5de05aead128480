"""Rules that reward: a trigger is fired by a call, or reacts to an order or to a new customer.

Promises: changing a trigger makes a new version, and what was given names the version that gave it. Every firing is
kept with what came of it: granted, with its txn, or refused, with a stable reason and the same in words, so that "why
did I get nothing" has an answer. Limits per day and month are counted in the shop's time zone under the wallet's lock,
so that two calls at once can't both be the last one. An order earns once per trigger, however often it is reported, and
whether the trigger saw it come in or was applied to it later.

Does not know who is told.

    firing:  fired --> granted (has a txn, unless 0 coins were drawn)
                  `--> refused (has a reason)
"""

from regulars.triggers.changing import change_trigger, create_trigger
from regulars.triggers.finding import find_trigger, list_triggers, versions_of
from regulars.triggers.firing import fire
from regulars.triggers.firings import firings, never_asked, tally
from regulars.triggers.model import NO_TRIGGER, Content, Fire, Fired, Firing, Override, Rule, Trigger, Version, sentence
from regulars.triggers.reactions import Outlook, Rehearsed, Taken, apply, look_ahead, rehearse_orders, take_orders
from regulars.triggers.signup import create_customer

__all__ = [
    "NO_TRIGGER",
    "Content",
    "Fire",
    "Fired",
    "Firing",
    "Outlook",
    "Override",
    "Rehearsed",
    "Rule",
    "Taken",
    "Trigger",
    "Version",
    "apply",
    "change_trigger",
    "create_customer",
    "create_trigger",
    "find_trigger",
    "fire",
    "firings",
    "list_triggers",
    "look_ahead",
    "never_asked",
    "rehearse_orders",
    "sentence",
    "take_orders",
    "tally",
    "versions_of",
]
