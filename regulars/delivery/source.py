"""What a lane's turn must know of the rooms above delivery."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from regulars.delivery.carrier import Carrier
from regulars.delivery.model import Due, Later, Settled, Skipped
from regulars.kit import Reading, Tx
from regulars.tenancy import Workspace


class Source(Protocol):
    """Who carries what the lane sends, and how it is made ready."""

    async def carrier_of(self, tx: Reading, workspace_id: UUID, lane_id: UUID) -> Carrier:
        """Raises a Refusal when it can't be used: it is gone, or this server can't read it."""
        ...

    async def pause(self, tx: Tx, workspace_id: UUID, lane_id: UUID, reason: str, now: datetime) -> None:
        """The tool's answer says that nothing more should be sent: what the lane belongs to is paused, and the lane."""
        ...

    async def prepare(
        self, tx: Reading, workspace: Workspace, carrier: Carrier, page: Sequence[Due], now: datetime
    ) -> Sequence[Due | Skipped | Later]:
        """The page, ready to be rendered: with what is true now, read for all of it at once; or why one is not sent,
        or not yet."""
        ...

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        """What became of messages."""
        ...
