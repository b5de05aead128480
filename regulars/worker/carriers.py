"""What lanes must know of the rooms above delivery: which carrier is whose, and what is true of a customer now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from regulars import customers, events, integrations, ledger
from regulars.delivery import Carrier
from regulars.kit.db import Reading, Tx
from regulars.kit.secrets import SecretBox
from regulars.tenancy import Workspace


class Carriers(Protocol):
    """What a worker is given."""

    async def carrier_of(self, tx: Reading, workspace_id: UUID, integration_id: UUID) -> Carrier:
        """Raises a Refusal when it can't be used: it is gone, or this server can't read it."""
        ...

    async def pause(self, tx: Tx, workspace_id: UUID, integration_id: UUID, reason: str) -> None:
        """The tool's answer says that nothing more should be sent: the integration is paused, and its lane."""
        ...

    async def profiles(
        self, tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """What is true of these customers now (see `Parcel.profile`), for a page of deliveries at once."""
        ...


class IntegrationCarriers:
    """The rooms as the lanes see them."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    async def carrier_of(self, tx: Reading, workspace_id: UUID, integration_id: UUID) -> Carrier:
        return await integrations.carrier_of(tx, workspace_id, integration_id, self._box)

    async def pause(self, tx: Tx, workspace_id: UUID, integration_id: UUID, reason: str) -> None:
        await integrations.pause(tx, workspace_id, integration_id, reason)

    async def profiles(
        self, tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, dict[str, Any]]:
        people = await customers.by_ids(tx, workspace.id, customer_ids)
        have = await ledger.balances(tx, workspace, customer_ids, now)
        business = events.business(workspace)
        return {one: events.common(business, who, have[one]["coins"].available) for one, who in people.items()}
