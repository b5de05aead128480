"""Stories are told at the doors: the real application on a real database, its clock moved by hand."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from regulars import sandbox
from regulars.kit.clock import HandClock
from regulars.wiring import App
from tests.doors import Shop, a_shop, client_of, opened


@pytest.fixture
async def look_alikes() -> AsyncIterator[sandbox.Sandbox]:
    async with sandbox.running() as running:
        yield running


@pytest.fixture
async def app(pool: Any, clock: HandClock, request: pytest.FixtureRequest) -> AsyncIterator[App]:
    """It calls out to this machine where look-alikes are."""
    async with opened(pool, clock, allow_loopback="look_alikes" in request.fixturenames) as application:
        yield application
        async with application.db.transaction() as tx:  # what this test has not sent is not sent in the next one's time
            await tx.execute("UPDATE delivery_lane SET paused = true WHERE NOT paused AND wake_at IS NOT NULL")


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as opened_client:
        yield opened_client


@pytest.fixture
async def shop(app: App, client: httpx.AsyncClient, clock: HandClock) -> Shop:
    return await a_shop(app, client, clock.now())
