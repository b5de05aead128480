"""How a platform is asked for a discount: what each has to say about it, in its own words. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from regulars.kit.http import Answer, Request
from regulars.rewards import Came, Terms

Settings = Mapping[str, Any]
Secrets = Mapping[str, str]


class Discount(msgspec.Struct, frozen=True):
    """What is to be there: for one use, of the steps that were bought."""

    code: str
    title: str
    terms: Terms
    steps: int
    starts_at: datetime
    ends_at: datetime | None


class There(msgspec.Struct, frozen=True):
    """It is there, under that id. `used`: as often as it may be."""

    id: str
    used: bool = False


Heard = There | Came | None
"""What an answer says: there it is, what came of it, or that there is none."""


class Dialect(msgspec.Struct, frozen=True):
    """`cannot` says why there is no such discount there, by the terms' fields."""

    cannot: Callable[[Terms], dict[str, str]]
    look: Callable[[Settings, Secrets, str], Request]
    make: Callable[[Settings, Secrets, Discount], Request]
    remove: Callable[[Settings, Secrets, str], Request]
    hear: Callable[[Answer], Heard]


def read(answer: Answer, who: str) -> Any:
    """Its JSON; what came of it where its status says that, or it says nothing that can be read."""
    if answer.status in (401, 403):
        words = f"{who} answered {answer.status}: the key was refused, or may not write discounts. Give another."
        return Came("closed", words)
    if 300 <= answer.status < 400:
        return Came("closed", f"{who} answered {answer.status}: it is at another address. Give that one.")
    if answer.status in (408, 425, 429) or answer.status >= 500:
        asked = answer.headers.get("retry-after", "")
        return Came("unclear", f"{who} answered {answer.status}.", float(asked) if asked.isdecimal() else 0.0)
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return Came("unclear", f"{who} answered something else than JSON.")
