"""Bodies that look like the real ones: for documents, and for testing a rule with a customer of whom the log holds
nothing yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.events.catalogue import TOPICS, Body
from regulars.events.rendering import Business, body, eid, mid
from regulars.events.schemas import optional_properties, properties
from regulars.kit import wire_time


def sample(topic: str, of: Business, common: Mapping[str, Any], lead_id: UUID, now: datetime) -> str:
    """The body of an event that might have happened to a customer just now. `common` is what `common()` gave for them;
    what only a real fact would know is taken from the examples of the catalogue."""
    type_ = TOPICS[topic].type
    values = {**examples(type_)[0], **common}
    at = wire_time(now)
    known = {"entity_id": of.entity_id, "lead_id": str(lead_id), "meta__lead_name": common["user_name"]}
    known |= {"created_at": at, "updated_at": at}
    if topic.startswith("lead_"):
        # The event's own properties are about the customer too, so they say what the common ones say.
        known |= {name.removeprefix("user_"): value for name, value in common.items()}
        known |= {"available": common["user_available_balance"]}
        known |= {"eid": eid(common["user_email"]), "mid": mid(common["user_mobile"])}
    values |= {name: value for name, value in known.items() if name in values}
    return body(topic, values)


def examples(type_: type[Body]) -> list[dict[str, Any]]:
    """Whole bodies made of each property's first example: one, or one for each way in which a body may be complete."""
    first = {name: schema["examples"][0] for name, schema in properties(type_).items()}
    optional = optional_properties(type_)
    always = {name: value for name, value in first.items() if name not in optional}
    families = dict.fromkeys(name.partition("_")[0] for name in first if name in optional)
    return [
        {**always, **{name: first[name] for name in first if name in optional and name.startswith(f"{family}_")}}
        for family in families
    ] or [always]
