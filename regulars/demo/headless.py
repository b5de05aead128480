"""The whole demo without anybody watching: a fresh database, every purchase, every event delivered, one JSON object."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from regulars import customers, delivery, embedded, events, integrations, ledger, limits, migrations, orders, triggers
from regulars.demo.feeding import connect, feed
from regulars.demo.shop import SANDBOX_COMMAND, prepare
from regulars.engagement import campaigns
from regulars.imports import Progress
from regulars.kit import Reading, new_id
from regulars.kit.ports import free_port
from regulars.kit.settings import Settings
from regulars.supervisor import Child
from regulars.wiring import App

Say = Callable[[str], None]


class DemoFailed(Exception):
    """One sentence that says where the demo got stuck."""


async def run(settings: Settings, *, say: Say, watch: Callable[[Progress], None]) -> dict[str, Any]:
    """`{"customers", "orders", "rewards", "refused", "coins_credited", "events", "deliveries", "audit", "seconds"}`.

    Counted in the database, after nothing was pending any more. A worker and the sandbox run as processes of their own,
    as they do in a shop. Raises DemoFailed, and NoPurchases.
    """
    clock = _Stages()
    with tempfile.TemporaryDirectory(prefix="regulars-demo-") as folder:
        async with _fresh_database(settings, Path(folder)) as url:
            settings = settings.model_copy(
                update={
                    "database_url": url,
                    "data_dir": Path(folder),
                    "sandbox_port": free_port(),
                    "allow_loopback": True,
                }
            )
            await migrations.migrate(url)
            app = await App.open(settings)
            try:
                shop, _ = await prepare(settings, url, app.clock.now())
                async with _processes(settings, url, Path(folder), say):
                    await connect(app, shop.id)
                    clock.ended("setup")
                    async for progress in feed(app, shop.id):
                        watch(progress)
                    clock.ended("import")
                    await _settled(app, shop.id)
                    clock.ended("deliver")
                async with app.db.snapshot() as tx:
                    found = await ledger.verify(tx, shop.id)
                    clock.ended("audit")
                    tallies = await _tallies(tx, shop.id)
            finally:
                await app.close()
    audit = "ok" if found is None else f"{found.check}: {found.where}"
    return {**tallies, "audit": audit, "seconds": clock.seconds}


class _Stages:
    """How long each stage took."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def ended(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self._last, 2)
        self.seconds["total"] = round(now - self._began, 2)
        self._last = now


@asynccontextmanager
async def _fresh_database(settings: Settings, folder: Path) -> AsyncIterator[str]:
    name = f"demo_{new_id().hex}"
    if settings.database_url is None:
        folder.chmod(0o711)  # a root's server runs as another account and has to get through
        with embedded.running(folder / "postgres") as server_url:
            yield await migrations.as_owner(await embedded.ensure_database(server_url, name))
    else:
        url = await embedded.ensure_database(settings.database_url, name)
        try:
            yield url
        finally:
            await embedded.drop_database(settings.database_url, name)


@asynccontextmanager
async def _processes(settings: Settings, url: str, folder: Path, say: Say) -> AsyncIterator[None]:
    environment = os.environ | {
        "DATABASE_URL": url,
        "REGULARS_DATA_DIR": str(folder),
        "REGULARS_SANDBOX_PORT": str(settings.sandbox_port_used()),
        "REGULARS_ALLOW_LOOPBACK": "true",
        "REGULARS_SECRET_KEY": settings.secret(),
    }
    children = [
        Child(command[0], list(command), environment=environment, logs=folder, say=say)
        for command in (("work",), SANDBOX_COMMAND)
    ]
    tasks = [asyncio.create_task(child.keep_running()) for child in children]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settled(app: App, workspace_id: UUID) -> None:
    """Wait until no event is pending, no delivery queued, and the campaign finished."""
    deadline = time.monotonic() + limits.DEMO_DELIVER_S
    while time.monotonic() < deadline:
        async with app.db.reading() as tx:
            written = await campaigns.list_campaigns(tx, workspace_id, limit=1)
            waiting = await events.workspaces_with_pending(tx, "dispatch") or await delivery.next_wake(tx)
            if not waiting and all(one.state == "finished" for one in written):
                stuck = [i for i in await integrations.list_integrations(tx, workspace_id) if i.state != "ready"]
                if stuck:
                    raise DemoFailed(f"{stuck[0].name} does not take events: {stuck[0].state_reason}")
                return
        await asyncio.sleep(limits.DEMO_POLL_S)
    raise DemoFailed(f"not every event was delivered within {limits.DEMO_DELIVER_S:g} s")


async def _tallies(tx: Reading, workspace_id: UUID) -> dict[str, Any]:
    firings = await triggers.tally(tx, workspace_id)
    totals = await delivery.delivery_totals(tx, workspace_id)
    sent = {}
    for integration in await integrations.list_integrations(tx, workspace_id):
        delivered, failed = totals.get(integration.id, (0, 0))
        sent[integration.tool] = {"delivered": delivered, "failed": failed}
    return {
        "customers": await customers.count(tx, workspace_id),
        "orders": await orders.count(tx, workspace_id),
        "rewards": firings["granted"],
        "refused": firings["refused"],
        "coins_credited": (await ledger.liability(tx, workspace_id, "coins")).credited,
        "events": await events.count(tx, workspace_id),
        "deliveries": sent,
    }
