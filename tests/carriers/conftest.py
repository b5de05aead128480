"""The sandbox, and connectors that call it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from regulars import sandbox
from regulars.delivery import Carrier
from regulars.kit.mail import Outside
from tests.carriers.making import SECRET, carrier_for


@pytest.fixture
async def look_alikes() -> AsyncIterator[sandbox.Sandbox]:
    receivers = {"shop": sandbox.Receiver(SECRET), "older": sandbox.Receiver(SECRET, "nector")}
    async with sandbox.running(settings=sandbox.Settings(receivers=receivers)) as running:
        yield running


@pytest.fixture
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Outside]:
    """It waits for no more than a moment only where a tool hangs: a busy machine may take longer to answer."""
    async with Outside(allow_loopback=True, deadline_s=0.6 if "hang" in request.node.name else 20) as client:
        yield client


@pytest.fixture
def connect(look_alikes: sandbox.Sandbox) -> Callable[..., Carrier]:
    def connected(tool: str, **changed: Any) -> Carrier:
        if tool == "nats":
            changed = {"servers": f"127.0.0.1:{look_alikes.nats_port}", "security": "none"} | changed
        return carrier_for(tool, look_alikes.base_url, **changed)

    return connected
