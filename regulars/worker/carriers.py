"""What lanes must know of the rooms above delivery: which carrier is whose, what is true of a customer now, and who
says what is in a message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import channels, customers, dispatch, events, integrations, ledger, tenancy
from regulars.delivery import Carrier, Due, Later, Settled, Skipped
from regulars.kit import Reading, SecretBox, Tx
from regulars.tenancy import Workspace


class Carriers:
    """The rooms as the lanes see them."""

    def __init__(self, box: SecretBox, server: str = "") -> None:
        """`server` is where this one is reached, for providers to report at."""
        self._box, self._server = box, server

    async def carrier_of(self, tx: Reading, workspace_id: UUID, lane_id: UUID) -> Carrier:
        if sender := await channels.find_sender(tx, workspace_id, lane_id):
            return channels.carrier(sender, self._box, self._server)
        return await integrations.carrier_of(tx, workspace_id, lane_id, self._box)

    async def pause(self, tx: Tx, workspace_id: UUID, lane_id: UUID, reason: str, now: datetime) -> None:
        """And its owners are told, as soon as it is."""
        of_senders = await channels.find_sender(tx, workspace_id, lane_id) is not None
        name = await (channels if of_senders else integrations).pause(tx, workspace_id, lane_id, reason)
        if name is None:
            return
        act, detail = f"{'sender' if of_senders else 'integration'}.pause", {"reason": reason}
        await tenancy.audit(tx, workspace_id, "worker", act, str(lane_id), now=now, detail=detail)
        owners = [one.email for one in await tenancy.list_staff(tx, workspace_id) if one.role == "owner"]
        there = f"{self._server}/{'senders' if of_senders else 'integrations'}/{lane_id}"
        words = f"{reason}\n\nWhat is to be sent waits, and goes out once it is initialized again:\n{there}\n"
        await channels.tell(tx, workspace_id, owners, f"{name} is paused", words, now)

    async def prepare(
        self, tx: Reading, workspace: Workspace, carrier: Carrier, page: Sequence[Due], now: datetime
    ) -> Sequence[Due | Skipped | Later]:
        """Messages by whoever writes them; for a tool that keeps profiles, with what is true of the customers now (see
        `Parcel.profile`)."""
        if carrier.source == "message":
            assert isinstance(tx, Tx)
            return await channels.prepare(tx, workspace, page, now)
        if not carrier.keeps_profiles:
            return page
        profiles = await self._profiles(tx, workspace, list({id for one in page if (id := one.customer_id)}), now)
        return [
            msgspec.structs.replace(one, profile=profiles.get(one.customer_id)) if one.customer_id else one
            for one in page
        ]

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        await channels.settle(tx, workspace_id, settled, now)

    async def _profiles(
        self, tx: Reading, workspace: Workspace, customer_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, dict[str, Any]]:
        people = await customers.by_ids(tx, workspace.id, customer_ids)
        have = await ledger.balances(tx, workspace, customer_ids, now)
        inside, business = await dispatch.live_segments(tx, workspace.id, customer_ids), events.business(workspace)
        return {
            one: events.common(business, who, have[one]["coins"].available)
            | {"user_segments": inside[one], "user_tags": who.tags}
            for one, who in people.items()
        }
