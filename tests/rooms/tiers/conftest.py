import pytest

from regulars import tenancy
from regulars.customers import Customer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from tests import make


@pytest.fixture
async def workspace(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> tenancy.Workspace:
    """One whose tools are told."""
    async with db.transaction() as tx:
        return await tenancy.change_workspace(tx, workspace.id, {"events_on": True}, clock.now())


@pytest.fixture
async def asha(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> Customer:
    return await make.a_customer(db, workspace, clock.now())
