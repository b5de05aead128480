"""The book as one would write it on paper: slow, plain, and nothing shared with the room's own working-out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Wallet = tuple[str, str]


@dataclass
class NaiveLot:
    number: int
    """The how-manieth lot of the whole book."""
    amount: int
    remaining: int
    expires_at: datetime | None
    earned_at: datetime


@dataclass
class NaiveBook:
    lots: dict[Wallet, list[NaiveLot]] = field(default_factory=dict)
    credited: dict[Wallet, int] = field(default_factory=dict)
    debited: dict[Wallet, int] = field(default_factory=dict)
    expired: dict[Wallet, int] = field(default_factory=dict)
    keys: dict[str, tuple[Wallet, str, int]] = field(default_factory=dict)
    lots_made: int = 0

    def post(
        self,
        wallet: Wallet,
        operation: Literal["cr", "dr"],
        amount: int,
        key: str | None,
        expires_at: datetime | None,
        now: datetime,
    ) -> str:
        """`posted`, `repeated`, or the code of a refusal."""
        if key is not None and key in self.keys:
            return "repeated" if self.keys[key] == (wallet, operation, amount) else "key_taken"
        if amount < 1:
            return "invalid"
        if operation == "cr":
            self.lots_made += 1
            lot = NaiveLot(self.lots_made, amount, amount, expires_at, now)
            self.lots.setdefault(wallet, []).append(lot)
            self.credited[wallet] = self.credited.get(wallet, 0) + amount
        else:
            if self.spendable(wallet, now) < amount:
                return "insufficient_balance"
            # One coin at a time, each from the lot that is to be spent first.
            for _ in range(amount):
                self._first(wallet, now).remaining -= 1
            self.debited[wallet] = self.debited.get(wallet, 0) + amount
        if key:
            self.keys[key] = (wallet, operation, amount)
        return "posted"

    def expire(self, wallet: Wallet, now: datetime) -> None:
        for lot in self.lots.get(wallet, []):
            if lot.expires_at is not None and lot.expires_at <= now:
                self.debited[wallet] = self.debited.get(wallet, 0) + lot.remaining
                self.expired[wallet] = self.expired.get(wallet, 0) + lot.remaining
                lot.remaining = 0

    def spendable(self, wallet: Wallet, now: datetime) -> int:
        return sum(lot.remaining for lot in self._open(wallet, now))

    def remains(self, wallet: Wallet) -> list[int]:
        return [lot.remaining for lot in self.lots.get(wallet, [])]

    def _open(self, wallet: Wallet, now: datetime) -> list[NaiveLot]:
        return [
            lot
            for lot in self.lots.get(wallet, [])
            if lot.remaining > 0 and (lot.expires_at is None or lot.expires_at > now)
        ]

    def _first(self, wallet: Wallet, now: datetime) -> NaiveLot:
        lots = self._open(wallet, now)
        expiring = [lot for lot in lots if lot.expires_at is not None]
        if expiring:
            soonest = min(lot.expires_at for lot in expiring if lot.expires_at is not None)
            lots = [lot for lot in expiring if lot.expires_at == soonest]
        earliest = min(lot.earned_at for lot in lots)
        return next(lot for lot in lots if lot.earned_at == earliest)
