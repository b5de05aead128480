"""How far an import is, and what it came to."""

from typing import Literal

import msgspec

from regulars import limits
from regulars.kit.csv_file import Unusable


class Why(msgspec.Struct):
    """How many orders earned nothing for one reason: a stable code, whose words are the key it stands under."""

    reason: str
    orders: int = 0


class Progress(msgspec.Struct):
    """What was done so far; the same object is handed out after every batch. `rewards` were given, or would be, to so
    many `customers`; of `unchanged` orders nothing was to be done."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rewards: int = 0
    coins: int = 0
    customers: int = 0
    refused: int = 0
    reasons: dict[str, Why] = {}
    unusable_count: int = 0
    unusable: list[Unusable] = []
    """The first `limits.IMPORT_UNUSABLE_KEPT_MAX` rows that were left out."""
    differing_count: int = 0
    differing: list[Unusable] = []
    """As many rows that say otherwise than what is kept, which is newer: it stays."""
    details: list[Unusable] = []
    """As many details of known customers that could not be kept; their orders were taken."""

    def left_out(self, row: Unusable) -> None:
        self.unusable_count += 1
        if len(self.unusable) < limits.IMPORT_UNUSABLE_KEPT_MAX:
            self.unusable.append(row)

    def changed(self, change: Literal["created", "updated", "unchanged"]) -> None:
        setattr(self, change, getattr(self, change) + 1)

    def differs(self, line: int, words: str) -> None:
        self.differing_count += 1
        if len(self.differing) < limits.IMPORT_UNUSABLE_KEPT_MAX:
            self.differing.append(Unusable(line, words))

    def say_refused(self, reason: str, words: str) -> None:
        self.refused += 1
        if words in self.reasons or len(self.reasons) < limits.IMPORT_REASONS_MAX:
            self.reasons.setdefault(words, Why(reason)).orders += 1
