"""The one way out: a lane for each integration and each sender of messages, a delivery tried until the tool has it or
it is given up, every try kept.

Promises: a queued delivery of an event is sent at least once, under one id that never changes; a message that may have
gone out is never sent again unasked, and one that must not be says why; two workers don't send from one lane at a time
(a lane is leased, and a dead worker is seen to be gone, or its lease runs out); a lane that hangs slows no other; a
lane never calls more often than its rate allows; every attempt is stored with what was sent, what came back and what
was concluded.

Does not know what an event or a message means, what chose it, or what an integration's settings are: a carrier renders
the request and reads the answer.

    message:   queued --> skipped, uncertain     (beside the ends that every delivery has)
    delivery:  queued --> delivered              lane:  open <--> paused (by a person, or by the tool's answer)
               |  ^  \\-> failed                        asleep --> awake --> leased --> asleep
               |  |          |                            (nothing due)        `--(lease runs out)--> awake
         retry `--'<-replay--'

`queue` puts deliveries in. A worker looks for `awake_lanes` and takes one up for a `Turn`, which says what is read,
prepared, sent next, and written down, and when the lane is put down; the worker opens transactions, calls out between
them (`attempt`) and watches the clock. A delivery that must go at once and show its answer, as a test does, is sent by
`attempt` and kept by `record` too. A delivery of a profile tells a tool what a customer has, as it is at each attempt;
one that still waits when it changed once more is skipped, and the newer one sent.

Locks are taken in one order: the integration, its lane (several by their ids), deliveries by their ids. What is queued
anew is nobody else's yet, so its lanes are woken before or after it is put in.
"""

from regulars.delivery.attempts import Attempt, Verdict, attempt, attempt_together, called, silence_until
from regulars.delivery.carrier import (
    Carrier,
    CheckResult,
    Delivered,
    GaveUp,
    Outcome,
    Parcel,
    Paused,
    RetryAfter,
    SourceKind,
    Together,
    Uncertain,
)
from regulars.delivery.forgetting import forget
from regulars.delivery.health import advice, delivered_between, delivery_totals, keeping_up, lane_day, lane_health
from regulars.delivery.lanes import (
    awake_lanes,
    gone_holders,
    hasten,
    hold_up,
    lease_lane,
    next_wake,
    open_lane,
    pause_lane,
    queue,
    queue_messages,
    queue_profiles,
    queue_said,
    release_lane,
    renew_lease,
    resume_lane,
    set_rate,
    waiting,
)
from regulars.delivery.model import (
    Addressee,
    Delivery,
    DeliveryPage,
    Due,
    Lane,
    LaneHealth,
    Later,
    Outgoing,
    Profile,
    Settled,
    Share,
    Skipped,
    StoredAttempt,
    delivery_ids,
)
from regulars.delivery.rate import Bucket, Window
from regulars.delivery.recording import record
from regulars.delivery.replay import NotReplayed, count_failed, give_way, replay, replay_chosen, replay_failed
from regulars.delivery.search import Sort, deliveries_of_events, get_delivery, search_deliveries
from regulars.delivery.source import Source
from regulars.delivery.store import due
from regulars.delivery.taking import take_up
from regulars.delivery.testing import queue_test, send_test
from regulars.delivery.traced import attempt_traced
from regulars.delivery.turn import Turn
