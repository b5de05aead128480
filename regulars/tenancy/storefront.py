"""The storefront secret, by which a shop's server proves for which customer a page calls.

Derived from the server's secret key, so that nothing is stored and a lost database gives nobody away; one for each
version. A new one is made while the older still holds, so that the shop's server can change over without a gap:

    one alive --rotate--> two alive --retire--> one alive
"""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from regulars.kit import Conflict, Queries, Tx
from regulars.kit.secrets import storefront_secret
from regulars.tenancy.model import Workspace
from regulars.tenancy.workspaces import lock_workspace

_sql = Queries(__file__)


def storefront_secrets(server_secret: str, workspace: Workspace) -> list[str]:
    """Those that are alive, one or two, the newest first."""
    versions = range(workspace.storefront_version, workspace.storefront_oldest - 1, -1)
    return [storefront_secret(server_secret, workspace.id, version) for version in versions]


async def rotate_storefront_secret(tx: Tx, workspace_id: UUID, now: datetime) -> Workspace:
    """A new secret beside the one there is. Raises Conflict while two are alive."""
    workspace = await lock_workspace(tx, workspace_id)
    if workspace.storefront_oldest != workspace.storefront_version:
        raise Conflict("Two storefront secrets are alive. Retire the older one first.", code="two_secrets_alive")
    return await _save(tx, replace(workspace, storefront_version=workspace.storefront_version + 1), now)


async def retire_storefront_secret(tx: Tx, workspace_id: UUID, now: datetime) -> Workspace:
    """The older secret, and what was signed with it, is refused from now on. Raises Conflict when only one is alive."""
    workspace = await lock_workspace(tx, workspace_id)
    if workspace.storefront_oldest == workspace.storefront_version:
        raise Conflict("Only one storefront secret is alive. Make a new one first.", code="one_secret_alive")
    return await _save(tx, replace(workspace, storefront_oldest=workspace.storefront_version), now)


async def _save(tx: Tx, workspace: Workspace, now: datetime) -> Workspace:
    versions = (workspace.storefront_version, workspace.storefront_oldest)
    await tx.execute(_sql.set_storefront_versions, workspace.id, *versions, now)
    tx.say_changed(workspace.id)
    return replace(workspace, updated_at=now)
