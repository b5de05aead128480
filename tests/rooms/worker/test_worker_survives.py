"""What a worker survives: a database that moves to another address, and one without room on its disk."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest

from regulars import delivery, limits
from regulars.kit.clock import HandClock, SystemClock
from regulars.kit.db import Database
from regulars.kit.ports import free_port
from regulars.kit.secrets import SecretBox
from regulars.worker import work
from tests.doors import Shop, a_shop, client_of, opened
from tests.rooms.delivery.street import Corner, corner

TOOL = "http://tool/"
_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


@pytest.fixture
async def shop(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Corner]:
    monkeypatch.setattr(limits, "LANE_AFTER_FAULT_S", 0.05)
    async with corner(db, HandClock(datetime.now(UTC))) as made:
        made.clock.advance(seconds=-60)
        yield made


@pytest.fixture
async def api(pool: Any, clock: HandClock) -> AsyncIterator[Shop]:
    async with opened(pool, clock) as app, client_of(app) as client:
        yield await a_shop(app, client, clock.now())


@asynccontextmanager
async def working(shop: Corner, db: Database) -> AsyncIterator[None]:
    task = asyncio.create_task(work(db, shop.street, shop.street, SecretBox("k" * 40), clock=SystemClock()))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Proxy:
    """The database at an address of this machine."""

    def __init__(self, to: str | tuple[str, int]) -> None:
        self._to, self._pipes = to, set[asyncio.Task[None]]()

    async def start(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._carry, host, port)

    async def stop(self) -> None:
        """As a machine that goes away: whoever is connected is cut off."""
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = self._to
        opening = asyncio.open_unix_connection(there) if isinstance(there, str) else asyncio.open_connection(*there)
        from_it, to_it = await opening
        for source, target in ((reader, to_it), (from_it, writer)):
            pipe = asyncio.create_task(self._pipe(source, target))
            self._pipes.add(pipe)

    async def _pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                target.write(data)
        finally:
            target.transport.abort()


async def test_a_database_that_fails_over_to_a_new_address_behind_its_name_is_found_there(
    shop: Corner, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct: Any = await asyncpg.connect(database_url)
    address, user = direct._addr, await direct.fetchval("SELECT current_user")
    await direct.close()
    port, addresses, asked = free_port(), ["127.0.0.1"], socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:
        return asked(addresses[0] if host == "db.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    first, second = Proxy(address), Proxy(address)
    await first.start(addresses[0], port)
    parts = urlsplit(database_url)
    password = f":{parts.password}" if parts.password else ""
    moving = await Database.connect(f"postgresql://{user}{password}@db.example:{port}{parts.path}")
    lane_id = await shop.lane()
    async with working(shop, moving):
        ids = await shop.queue(lane_id, 20)
        await shop.street.until_received(TOOL, 20)
        addresses[0] = "127.0.0.2"
        await second.start(addresses[0], port)
        await first.stop()
        ids += await shop.queue(lane_id, 20)
        async with asyncio.timeout(60):
            while len(set(shop.street.ids(TOOL))) < 40:  # noqa: ASYNC110 - what was in flight may come twice
                await asyncio.sleep(0.01)
    assert set(await shop.states(ids)) == {"delivered"}
    await moving.close()
    await second.stop()


async def test_a_full_disk_is_said_in_words_loses_nothing_and_is_sent_on_from_when_there_is_room(
    shop: Corner, db: Database, api: Shop
) -> None:
    trigger = await api.trigger(coins=(5, 5))
    lane_id = await shop.lane()

    async def on(table: str, workspace_id: UUID) -> None:
        when = f"WHEN (NEW.workspace_id = '{workspace_id}')"
        full = f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW {when} EXECUTE FUNCTION full_disk()"
        async with db.transaction() as tx:
            await tx.execute(full)

    async def called() -> httpx.Response:
        headers = api.headers() | {"Idempotency-Key": "once"}
        asked = {"trigger_id": str(trigger.id), "customer_id": "shopify-1001"}
        return await api.client.post("/api/v2/merchant/activities", headers=headers, json=asked)

    async with db.transaction() as tx:
        await tx.execute(_FULL)
    await on("events_event", api.workspace.id)
    await on("delivery_attempt", shop.workspace.id)
    try:
        refused = await called()
        assert refused.status_code == 503
        assert "no room left" in refused.text
        ids = await shop.queue(lane_id, 10)
        async with working(shop, db):
            await shop.street.until_received(TOOL, 10)
            await asyncio.sleep(0.3)
    finally:
        async with db.transaction() as tx:
            await tx.execute("DROP FUNCTION full_disk CASCADE")
    assert set(await shop.states(ids)) == {"queued"}
    async with db.reading() as tx:
        (health,) = await delivery.lane_health(tx, shop.workspace.id, datetime.now(UTC))
    assert health.held_up.startswith("A fault inside Regulars")
    assert len(shop.street.ids(TOOL)) <= 10 * 4, "it waits longer each time"
    async with working(shop, db):
        async with asyncio.timeout(60):
            while set(await shop.states(ids)) != {"delivered"}:  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0.05)
    again = await called()
    assert again.status_code == 200
