"""Calls that carry an Idempotency-Key happen once: their answers are kept for ever, and given again.

The answer is stored in the transaction of the act. A call that races its own retry finds no answer, acts, and then runs
into the key's uniqueness when it stores its own: its transaction is rolled back, and run again it finds the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from regulars.kit.db import Reading, Tx
from regulars.kit.errors import Refusal
from regulars.kit.queries import Queries

_sql = Queries(__file__)


class KeyReused(Refusal):
    """This Idempotency-Key came before with another request; nothing was done."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used before for a different request.",
            fields={"Idempotency-Key": "expected a new key for a new request"},
        )


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was answered under a key. `fingerprint` tells whether a later request is the same one."""

    key: str
    fingerprint: bytes
    status: int
    body: str


def fingerprint(secret: bytes, route: str, body: bytes) -> bytes:
    """A keyed hash of the route and the raw body. A body may hold a password, which whoever reads the table could
    otherwise guess by it. `secret` has 32 bytes; with another one a call that comes again is taken for another call."""
    return blake2b(route.encode() + b"\0" + body, key=secret, digest_size=32).digest()


async def recall(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Answer]:
    """The answers given before under these keys."""
    return {row["key"]: Answer(*row) for row in await tx.fetch(_sql.recall, workspace_id, keys)}


def remember(tx: Tx, workspace_id: UUID, answers: Sequence[Answer], now: datetime) -> None:
    """The write fails with the driver's UniqueViolationError when another transaction answered one of these keys
    meanwhile."""
    tx.write(_sql.remember, workspace_id, [astuple(answer) for answer in answers], now)
