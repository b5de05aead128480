"""Connect the demo's tools, then take its purchases in, and what its customers do with what those earned."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from regulars import integrations, limits, tenancy
from regulars.demo import programme
from regulars.demo.purchases import purchases
from regulars.demo.writing import verify, write
from regulars.imports import Progress, import_rows
from regulars.wiring import App

FED = "demo_fed"


async def connect(app: App, workspace_id: UUID) -> None:
    """Initialize each tool and sender that is not ready, trying again while the sandbox starts."""
    for _ in range(limits.DEMO_CONNECT_TRIES_MAX):
        async with app.db.reading() as tx:
            waiting = [i for i in await integrations.list_integrations(tx, workspace_id) if i.state != "ready"]
        if await verify(app, workspace_id) and not waiting:
            return
        for integration in waiting:
            now = app.clock.now()
            result = await integrations.check(app.http, integrations.carrier(integration, app.box), app.clock.outside())
            async with app.db.transaction() as tx:
                await integrations.conclude(tx, integration, result, now)
        await asyncio.sleep(limits.DEMO_CONNECT_WAIT_S)


async def feed(app: App, workspace_id: UUID) -> AsyncIterator[Progress]:
    """The progress after each batch. Nothing at all when the purchases are in already."""
    async with app.db.reading() as tx:
        workspace = await tenancy.get_workspace(tx, workspace_id)
    if workspace.settings.get(FED):
        return
    codes = await programme.bring_friends(app, workspace)
    placed = programme.with_coupons(purchases(workspace.zone), codes)
    async for progress in import_rows(app.db, app.clock, workspace_id, placed, actor="demo"):
        yield progress
    await programme.live(app, workspace)
    await write(app, workspace)
    async with app.db.transaction() as tx:
        await tenancy.change_workspace(tx, workspace_id, {"settings": {FED: True}}, app.clock.now())
