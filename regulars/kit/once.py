"""Calls that carry an Idempotency-Key happen once: the key is kept for ever, and the answer, as long as the shop keeps
answers, is given again. After that the call is told that it was carried out, and when.

Both are stored in the transaction of the act. A call that races its own retry finds no key, acts, and then runs into
the key's uniqueness when it stores its own: its transaction is rolled back, and run again it finds the answer.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.clock import wire_time
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import Refusal
from regulars.kit.ids import made_at, new_id
from regulars.kit.queries import Queries
from regulars.kit.traces import Traces

_sql = Queries(__file__)


class KeyReused(Refusal, code="idempotency_key_reused"):
    """This Idempotency-Key was used before for a different request."""

    expected = ("Idempotency-Key", "a new key for a new request")


class AnswerGone(Refusal, code="idempotency_answer_gone", status=409):
    """The same request came before, longer ago than the shop keeps answers; nothing was done again."""

    def __init__(self, answered_at: datetime) -> None:
        super().__init__(
            f"This request was carried out under this Idempotency-Key on {wire_time(answered_at)}. Its answer is no "
            "longer kept, and nothing was done again: read what it made."
        )


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was answered under a key. `fingerprint` tells whether a later request is the same one. `body`: None when it
    is no longer kept."""

    key: str
    fingerprint: bytes
    status: int
    body: str | None
    id: UUID = msgspec.field(default_factory=new_id)

    def again(self, fingerprint: bytes) -> str:
        """What a request with this key is answered. Raises KeyReused, AnswerGone."""
        if self.fingerprint != fingerprint:
            raise KeyReused
        if self.body is None:
            raise AnswerGone(made_at(self.id))
        return self.body


def fingerprint(secret: bytes, route: str, body: bytes) -> bytes:
    """A keyed hash of the route and the raw body. A body may hold a password, which whoever reads the table could
    otherwise guess by it. `secret` has 32 bytes; with another one a call that comes again is taken for another call."""
    return blake2b(route.encode() + b"\0" + body, key=secret, digest_size=32).digest()


async def recall(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Answer]:
    """What was answered before under these keys."""
    return {row["key"]: Answer(*row) for row in await tx.fetch(_sql.recall, workspace_id, keys)}


async def forget(tx: Tx, workspace_id: UUID, traces: Traces, after: UUID, before: UUID, _: datetime) -> UUID | None:
    """Drop the answers that hold a trace, as if they were too old, some at a time: the id to go on from, None at the
    end."""
    rows = await tx.fetch(_sql.answers, workspace_id, after, before, limits.TRACED_ROWS_MAX)
    if found := [row["id"] for row in rows if traces.in_text(row["body"])]:
        await tx.execute(_sql.drop_answers, workspace_id, found)
    return rows[-1]["id"] if len(rows) == limits.TRACED_ROWS_MAX else None


def remember(tx: Tx, workspace_id: UUID, answers: Sequence[Answer]) -> None:
    """The write fails with the driver's UniqueViolationError when another transaction answered one of these keys
    meanwhile."""
    tx.write(_sql.remember_calls, workspace_id, [(a.key, a.fingerprint, a.status, a.id) for a in answers])
    tx.write(_sql.remember_answers, workspace_id, [a.id for a in answers], [a.body for a in answers])
