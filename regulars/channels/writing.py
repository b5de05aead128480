"""What a message says is asked of the room that wrote it, right before it is sent; that room is told the outcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from regulars.channels.model import Channel, Ready, encode
from regulars.delivery import Due, Later, Settled, Skipped
from regulars.kit import Tx
from regulars.tenancy import Workspace


class Author(Protocol):
    """The room above that writes messages; of ids that it does not know it says nothing."""

    async def prepare(
        self, tx: Tx, workspace: Workspace, ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Ready | Skipped | Later]:
        """A page at once, with one read."""
        ...

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None: ...

    async def suppress(
        self, tx: Tx, workspace_id: UUID, addresses: Sequence[tuple[Channel, str, str]], now: datetime
    ) -> None:
        """Channel, address and reason, each: nothing is sent there any more."""
        ...


_authors: list[Author] = []
written_by = _authors.append
"""Have a room above this one asked what messages say. The last one is, where there are several."""


async def prepare(tx: Tx, workspace: Workspace, page: Sequence[Due], now: datetime) -> list[Due | Skipped | Later]:
    """A test carries what it says."""
    ids = [one.id for one in page if not one.body]
    said = await _authors[-1].prepare(tx, workspace, ids, now) if ids and _authors else {}
    prepared: list[Due | Skipped | Later] = []
    for one in page:
        word = None if one.body else said.get(one.id, Skipped(one.id, "What it was to say is not there any more."))
        if isinstance(word, Ready):
            one = msgspec.structs.replace(one, body=encode(word.content).decode(), traceparent=word.traceparent)
        prepared.append(word if isinstance(word, Skipped | Later) else one)
    return prepared


async def settle(tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
    """Tell who wrote them; addresses that are nobody's are theirs to suppress."""
    for author in _authors[-1:]:
        await author.settle(tx, workspace_id, settled, now)


async def suppress(tx: Tx, workspace_id: UUID, addresses: Sequence[tuple[Channel, str, str]], now: datetime) -> None:
    for author in _authors[-1:]:
        await author.suppress(tx, workspace_id, addresses, now)
