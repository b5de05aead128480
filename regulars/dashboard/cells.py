"""What stands in a list: values that a page shows as `components/lists.html` says, and a file as text."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from regulars import events
from regulars.events import Event
from regulars.kit.currency import decimals_of


class Money(msgspec.Struct, frozen=True):
    shape: ClassVar[str] = "money"
    amount_minor: int
    currency_code: str


class Name(msgspec.Struct, frozen=True):
    """What somebody is called, or what they are known by."""

    shape: ClassVar[str] = "name"
    name: str
    other: str = ""

    def __str__(self) -> str:
        return self.name or self.other


class Badge(msgspec.Struct, frozen=True):
    shape: ClassVar[str] = "badge"
    kind: str
    word: str

    def __str__(self) -> str:
        return self.word


class Small(msgspec.Struct, frozen=True):
    """What is said beside the value, and not in a file."""

    shape: ClassVar[str] = "small"
    text: str
    code: bool = False

    def __str__(self) -> str:
        return self.text


class Lines(msgspec.Struct, frozen=True):
    shape: ClassVar[str] = "lines"
    lines: Sequence[str]

    def __str__(self) -> str:
        return "; ".join(self.lines)


class Press(msgspec.Struct, frozen=True):
    """A button whose page is shown in place; `about` is what it is for, said to those who don't see its row."""

    shape: ClassVar[str] = "press"
    words: str
    href: str
    about: str


class Send(msgspec.Struct, frozen=True):
    """Buttons that do it at once, for whoever may write: each a value of `name` and its words; `about` as of Press."""

    shape: ClassVar[str] = "send"
    action: str
    name: str
    buttons: Sequence[tuple[str, str]]
    about: str


class Folded(msgspec.Struct, frozen=True):
    """What few want to read, to be opened."""

    shape: ClassVar[str] = "folded"
    text: str

    def __str__(self) -> str:
        return self.text


class Link(msgspec.Struct, frozen=True):
    """`whole`: the row leads there, wherever it is pressed."""

    shape: ClassVar[str] = "link"
    to: Any
    href: str
    whole: bool = True

    def __str__(self) -> str:
        return str(self.to)


class Said(msgspec.Struct, frozen=True):
    """An event, in words."""

    shape: ClassVar[str] = "sentence"
    event: Event

    def __str__(self) -> str:
        return events.sentence(self.event.topic, self.event.body)


def parts(value: Any) -> list[Any]:
    """A cell's value, and what is said beside it."""
    return [part for part in (value if isinstance(value, list) else [value]) if part not in (None, "")]


def in_file(value: Any, zone: ZoneInfo) -> str | int | Decimal:
    """As a file holds it: times by the shop's clocks, amounts without separators."""
    value = next(iter(parts(value)), "")
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Money):
        return Decimal(value.amount_minor).scaleb(-decimals_of(value.currency_code))
    return value if isinstance(value, int) else str(value)
