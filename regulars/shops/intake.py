"""Hooks are let in, kept, and put down to be handled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import schedule
from regulars.kit import Reading, SecretBox, Tx, Unauthenticated, Unreadable, new_id
from regulars.schedule import Due
from regulars.shops.connecting import live_secrets
from regulars.shops.model import Envelope, NewHook, Source, is_right, is_signature
from regulars.shops.platforms import PLATFORMS
from regulars.shops.store import sql

OF_ORDERS, OF_PERSONS = "shops.order", "shops.person"
"""The kinds of scheduled rows that hooks wait in, each by its id."""


def kind_of(topic: str) -> str:
    return OF_PERSONS if topic.startswith(("customer", "lead")) else OF_ORDERS


class SignatureWrong(Unauthenticated, code="signature_wrong"):
    """The hook is not signed, or not with the secret that it must be signed with."""


class Known(msgspec.Struct, frozen=True):
    """A source as its hooks are checked by: `secrets` are those that may have signed them now."""

    source: Source
    secrets: list[str]


async def source_of_hook(tx: Reading, hook_id: UUID, box: SecretBox, now: datetime) -> Known | None:
    """Whose hooks come to this address; None when nobody's do, or they are of a platform that is not known. What can't
    be decrypted is no secret."""
    source = await tx.one(Source, sql.source_of_hook, hook_id)
    if source is None or source.platform not in PLATFORMS:
        return None
    try:
        return Known(source, live_secrets(source, box, now))
    except Unreadable:
        return Known(source, [])


def admit(known: Known, headers: Mapping[str, str]) -> Envelope:
    """What the headers say, where they don't tell already that the call is to be turned away. Raises
    Unauthenticated."""
    envelope = PLATFORMS[known.source.platform].envelope(headers, known.source.settings)
    if envelope.signed and not envelope.ping:
        if not known.secrets:
            raise SignatureWrong("No signing secret is kept here yet that it could be checked by.")
        if not is_signature(envelope.signature):
            raise SignatureWrong("It carries no signature.")
    return envelope


def verify(known: Known, envelope: Envelope, body: bytes) -> None:
    """Raises SignatureWrong."""
    if envelope.signed and not is_right(body, envelope.signature, known.secrets):
        raise SignatureWrong("Its signature is not made with the secret that is kept here.")


async def keep(tx: Tx, workspace_id: UUID, hooks: Sequence[NewHook], now: datetime) -> list[UUID]:
    """As they came, to be handled at once; their ids, in the same order."""
    ids = [new_id() for _ in hooks]
    named = list(zip(ids, hooks, strict=True))
    rows = [(id, h.source_id, h.topic, h.reference, h.body, _state(h), h.ignored) for id, h in named]
    tx.write(sql.insert_hooks, workspace_id, rows, now)
    dues = [Due(kind_of(h.topic), str(id), now) for id, h in named if not h.ignored]
    await schedule.put(tx, workspace_id, dues)
    return ids


async def note_wrong(tx: Tx, source: Source, count: int, why: str, now: datetime) -> None:
    """So many calls were turned away, the last of them for this reason."""
    await tx.execute(sql.note_wrong, source.workspace_id, source.id, count, now, why)


def _state(hook: NewHook) -> str:
    return "ignored" if hook.ignored else "pending"
