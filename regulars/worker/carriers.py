"""What lanes must know of the rooms above delivery: which carrier is whose, and what is true of a customer now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, events, integrations, ledger
from regulars.delivery import Carrier, Due
from regulars.kit import Reading, SecretBox, Tx
from regulars.tenancy import Workspace


class IntegrationCarriers:
    """The rooms as the lanes see them."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    async def carrier_of(self, tx: Reading, workspace_id: UUID, integration_id: UUID) -> Carrier:
        return await integrations.carrier_of(tx, workspace_id, integration_id, self._box)

    async def pause(self, tx: Tx, workspace_id: UUID, integration_id: UUID, reason: str) -> None:
        await integrations.pause(tx, workspace_id, integration_id, reason)

    async def prepare(
        self, tx: Reading, workspace: Workspace, carrier: Carrier, page: Sequence[Due], now: datetime
    ) -> list[Due]:
        """Where the tool keeps profiles: with what is true of the customers now (see `Parcel.profile`)."""
        if not carrier.keeps_profiles:
            return list(page)
        profiles = await self._profiles(tx, workspace, list({id for one in page if (id := one.customer_id)}), now)
        return [
            msgspec.structs.replace(one, profile=profiles.get(one.customer_id)) if one.customer_id else one
            for one in page
        ]

    async def _profiles(
        self, tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, dict[str, Any]]:
        people = await customers.by_ids(tx, workspace.id, customer_ids)
        have = await ledger.balances(tx, workspace, customer_ids, now)
        business = events.business(workspace)
        return {one: events.common(business, who, have[one]["coins"].available) for one, who in people.items()}
