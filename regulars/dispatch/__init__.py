"""Which event goes to which tool: the Send Events rules, the fan-out that applies them, and tests by hand.

Promises: every event that is pending is matched against every active rule of its topic, once, in the transaction that
takes it off the pending ones; a rule sends an event at most once, however often the fan-out runs. While a workspace's
events are off, nothing is queued, and nothing is kept to be queued later. A deleted rule is kept, so that a delivery
can still name it. What a rule makes of an event's properties is written down with the delivery, so that each attempt
says the same. An event that can't be held against a rule, because this version can't read the one or the other,
waits for that rule alone, and the rule says why. A tool that keeps profiles is told what a customer has once for all
that changed within PROFILES_EVERY_S, the newest state alone, and not where an event of a rule tells it anyway.

Does not know how a tool is called, and makes no facts.

    event:  pending --fan_out--> a delivery for each rule that matches     rule:  active <--> stopped
               |    `-(events off)-> dropped, still in the log                     `-----------`--> deleted
               `-(unreadable)-> set aside for the rule --retry_aside--> as if it were pending
"""

from regulars.dispatch.fanout import RETRY, FanoutCount, fan_out, live_segments, retry, retry_aside
from regulars.dispatch.model import Rule, RuleSettings
from regulars.dispatch.outcomes import DryRun, RuleOutcome, dry_run, outcomes
from regulars.dispatch.profiles import PROFILES, tell
from regulars.dispatch.rules import (
    change_rule,
    create_rule,
    delete_rule,
    draft_rule,
    end_rules_of,
    get_rule,
    list_rules,
)
from regulars.dispatch.telling import EventPage, search_events
from regulars.dispatch.terms import WEEKDAYS
from regulars.dispatch.testing import KnownCustomer, PreparedTest, prepare_test
from regulars.dispatch.wording import rule_sentence, rule_sentence_parts
