"""The log of facts."""

from regulars.events import catalogue
from regulars.events.catalogue import TOPICS, Topic
from regulars.events.rendering import business, common, eid, encode, formatted, formatted_date, major_units, mid

__all__ = [
    "TOPICS",
    "Topic",
    "business",
    "catalogue",
    "common",
    "eid",
    "encode",
    "formatted",
    "formatted_date",
    "major_units",
    "mid",
]
