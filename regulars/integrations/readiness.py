"""Initialize: ask the tool whether it would take our calls, and say in words what it answered.

The question is asked between two transactions, never inside one:

    read the integration -> carrier -> `check` (the network) -> `conclude` (a transaction)

Locks: the integration, then its lane.
"""

from datetime import datetime
from uuid import UUID

from regulars import delivery
from regulars.delivery import Carrier, CheckResult
from regulars.integrations import store
from regulars.integrations.model import Integration
from regulars.integrations.registry import CONNECTORS
from regulars.integrations.store import sql
from regulars.kit import Conflict, Reading, SecretBox, Tx
from regulars.kit.http import Sender


def carrier(integration: Integration, box: SecretBox) -> Carrier:
    """The integration as a carrier of deliveries. Raises Unreadable for its secrets, and Conflict for what another
    version of Regulars has stored and this one can't read."""
    connector = CONNECTORS.kept(integration.tool)
    secrets = box.open(integration.sealed, workspace_id=integration.workspace_id, thing_id=integration.id)
    try:
        return connector.carrier(integration.settings, secrets)
    except (LookupError, TypeError, ValueError):
        raise Conflict(
            "This version of Regulars can't read this integration's settings. Fill them in again, then Initialize."
        ) from None


async def carrier_of(tx: Reading, workspace_id: UUID, integration_id: UUID, box: SecretBox) -> Carrier:
    """Raises NotFound, and what `carrier` raises."""
    return carrier(await store.integration(tx, workspace_id, integration_id), box)


async def check(sender: Sender, carrier: Carrier, at: datetime) -> CheckResult:
    """Calls out; must not be called inside a transaction."""
    return carrier.read_check((await delivery.called(sender, carrier.check(at)))[1])


async def conclude(tx: Tx, checked: Integration, result: CheckResult, now: datetime) -> Integration:
    """Ready, and what is queued goes out; or paused with the reason. Raises NotFound, and Conflict when somebody
    changed the integration while the tool was asked: the answer was about something else."""
    known = await store.integration(tx, checked.workspace_id, checked.id, locked=True)
    if known.updated_at != checked.updated_at:
        raise Conflict("This integration was changed while it was checked. Initialize it again.")
    state, reason = ("ready", "") if result.ok else ("paused", result.sentence)
    await tx.execute(sql.set_state, checked.workspace_id, checked.id, state, reason)
    if result.ok:
        await delivery.resume_lane(tx, checked.workspace_id, checked.id, now)
    else:
        await delivery.pause_lane(tx, checked.workspace_id, checked.id, result.sentence)
    return await store.integration(tx, checked.workspace_id, checked.id)


async def pause(tx: Tx, workspace_id: UUID, integration_id: UUID, reason: str) -> str | None:
    """By the tool's answer or by a person: what is queued waits until it is initialized again. Like every act that
    touches both, it locks the integration, then its lane. One that is paused for this reason already is left alone;
    another's name is returned."""
    if not await tx.count(sql.set_state, workspace_id, integration_id, "paused", reason):
        return None
    await delivery.pause_lane(tx, workspace_id, integration_id, reason)
    known = await tx.one(Integration, sql.integration, workspace_id, integration_id)
    return known.name if known else None
