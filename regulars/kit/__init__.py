"""Tools every room may use and that know no room: database, SQL files, batching, clock, ids, outgoing HTTP,
errors, loops, secrets and settings. Nothing here knows what a customer or a coin is.

What nearly every module takes is imported from here; the rest from where it is.
"""

from regulars.kit.clock import Clock, HandClock, a_birthday, a_moment, instant, midnight, months_later, wire_time
from regulars.kit.currency import decimals_of, units_of
from regulars.kit.db import Database, Reading, Record, Tx, again_when_raced
from regulars.kit.errors import (
    Conflict,
    Faults,
    Forbidden,
    Invalid,
    NotFound,
    Overtaken,
    Refusal,
    TooMany,
    Unauthenticated,
    invalid,
)
from regulars.kit.ids import AFTER_ALL_IDS, BEFORE_ALL_IDS, bounds, first_id_at, kept_since, made_at, new_id, new_ids
from regulars.kit.queries import Queries, shaped
from regulars.kit.secrets import SecretBox, Unreadable
from regulars.kit.shapes import INSIDE, Counted, Listed, One, Page, Partial, Setting, Shown, copied, showing
from regulars.kit.wording import counted, money
