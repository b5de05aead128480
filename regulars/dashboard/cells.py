"""What stands in a list: values that a page shows as `components/lists.html` says, and a file as text."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import events
from regulars.events import Event
from regulars.kit import decimals_of


class Cell(msgspec.Struct, frozen=True):
    """As a file holds it, it is the first of what it is made of."""

    @property
    def shape(self) -> str:
        """What the component that shows it calls it."""
        return type(self).__name__.lower()

    def __str__(self) -> str:
        return str(getattr(self, self.__struct_fields__[0]))


class Money(Cell, frozen=True):
    amount_minor: int
    currency_code: str


class Name(Cell, frozen=True):
    """What somebody is called, or what they are known by."""

    name: str
    other: str = ""

    def __str__(self) -> str:
        return self.name or self.other


class Badge(Cell, frozen=True):
    kind: str
    word: str

    def __str__(self) -> str:
        return self.word


class Small(Cell, frozen=True):
    """What is said beside the value, and not in a file."""

    text: str
    code: bool = False


class Lines(Cell, frozen=True):
    lines: Sequence[str]

    def __str__(self) -> str:
        return "; ".join(self.lines)


class Press(Cell, frozen=True):
    """A button whose page is shown in place; `about` is what it is for, said to those who don't see its row."""

    words: str
    href: str
    about: str


class Send(Cell, frozen=True):
    """Buttons that do it at once, for whoever may write: each a value of `name` and its words; `about` as of Press."""

    action: str
    name: str
    buttons: Sequence[tuple[str, str]]
    about: str


class Pick(Cell, frozen=True):
    """A box that takes a row among the chosen ones of the page's form `chosen`; `about` as of Press."""

    id: UUID
    about: str


class Folded(Cell, frozen=True):
    """What few want to read, to be opened."""

    text: str


class Link(Cell, frozen=True):
    """`whole`: the row leads there, wherever it is pressed."""

    to: Any
    href: str
    whole: bool = True


class Said(Cell, frozen=True):
    """An event, in words."""

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
