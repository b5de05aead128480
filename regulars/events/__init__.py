"""The log of facts: what each event is, and how it is written and read.

Promises: an event is appended in the transaction that made its fact, so neither stands without the other. Its body is
rendered once, with every property that the catalogue has for it, and never changes. Every event that is not too deep
becomes pending for each reader that its workspace has, by name, and is handed to one transaction of each that commits:
none is skipped because it committed late, none is read twice, and no reader waits for another.

    append --> logged, pending for a reader --claim--> logged, read
                                            --drop---> logged
           --> logged       (nobody reads the log there, or more causes stand behind the event than limits allow)

Does not know who makes facts, nor which tool is told of them.
"""

from regulars.events import catalogue
from regulars.events.catalogue import TOPICS, Topic
from regulars.events.documents import asyncapi, asyncapi_page, documents
from regulars.events.forgetting import forget, forget_beside, move
from regulars.events.log import (
    EventTooLarge,
    append,
    behind,
    by_ids,
    caused,
    count,
    counts_between,
    counts_by_topic,
    get,
    of_orders,
    recent,
    right_after,
)
from regulars.events.model import Event, NewEvent, Pending
from regulars.events.readers import (
    bodies,
    claim_pending,
    drop_pending,
    late_since,
    oldest_waiting,
    still_pending,
    traceparents,
    workspaces_with_pending,
)
from regulars.events.rendering import (
    Business,
    begun,
    body,
    business,
    common,
    eid,
    finished,
    formatted,
    formatted_date,
    major_units,
    mid,
    referral_link,
    serve_at,
    tagged,
    told,
)
from regulars.events.schemas import examples, sample
from regulars.events.switching import switch
from regulars.events.wording import label, sentence, sentence_parts
