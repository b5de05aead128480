"""Time moved for tests: on a server that was started for it, for all of its processes at once, and on no other."""

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars import sandbox
from regulars.kit.clock import SharedClock
from regulars.kit.errors import Refusal
from regulars.kit.ports import free_port
from regulars.sandbox.memory import Received
from tests.tooling.test_up import CHECKOUT, said, started

PATIENCE_S = 60.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOPICS = ("coinexpirynotify_create", "wallettrasaction_update")


def test_all_that_share_the_file_have_one_time(tmp_path: Path) -> None:
    one, other = SharedClock(tmp_path / "deeper" / "clock"), SharedClock(tmp_path / "deeper" / "clock")
    assert datetime.now(UTC) <= one.now() <= datetime.now(UTC)
    there = datetime.now(UTC) + timedelta(days=300)
    multiprocessing.get_context("fork").Process(target=one.move, args=(there,)).run()
    assert there <= other.now() <= there + timedelta(minutes=1)
    assert SharedClock(tmp_path / "deeper" / "clock").now() >= there
    for wrong in (there - timedelta(seconds=1), there + timedelta(days=367)):
        with pytest.raises(Refusal, match="on, at most 366 days ahead"):
            other.move(wrong)
    assert there <= one.now() <= there + timedelta(minutes=1)
    movers = [threading.Thread(target=other.move, args=(there + timedelta(days=n),)) for n in (1, 2, 3)]
    for mover in movers:
        mover.start()
        mover.join()
    assert one.now() >= there + timedelta(days=3)


@pytest.mark.parametrize(
    ("command", "reached"),
    [
        (["up", "--test-clock", "--host", "0.0.0.0"], {}),
        (["serve"], {"REGULARS_TEST_CLOCK": "true", "REGULARS_PUBLIC_URL": "https://rewards.shop.example"}),
    ],
)
def test_a_server_that_others_reach_does_not_start_with_it(
    command: list[str], reached: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regulars.cli", *command],
        env=os.environ | {"REGULARS_DATA_DIR": str(tmp_path), "PYTHONPATH": str(CHECKOUT)} | reached,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "REGULARS_TEST_CLOCK: not on a server that others reach: a host or a public URL is set\n"
    assert not list(tmp_path.iterdir())


class Trier:
    """A shop on a server of its own, and what its webhook has received."""

    def __init__(self, url: str, made: dict[str, str], received: Any) -> None:
        headers = {"authorization": f"Bearer {made['admin_key']}", "x-workspaceid": made["workspace_id"]}
        self.client = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=PATIENCE_S)
        self._received = received

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = await self.client.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    async def move(self, to: datetime) -> httpx.Response:
        return await self.client.post("/test-clock", json={"now": to.isoformat()})

    def told(self, topic: str) -> list[dict[str, Any]]:
        bodies = [json.loads(one.call.body) for one in list(self._received) if one.call.headers.get("webhook-id")]
        return [body["data"] for body in bodies if body["type"] == topic]

    async def until(self, reached: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached():  # noqa: ASYNC110 - the receiver has no event to wait for
                await asyncio.sleep(0.02)


@asynccontextmanager
async def trying() -> AsyncIterator[Trier]:
    port, received = free_port(), deque[Received]()
    environment = {"REGULARS_ALLOW_LOOPBACK": "true", "REGULARS_TEST_CLOCK": "true", "REGULARS_WORKERS": "2"}
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)  # a root's server runs as another account and has to get through
        async with sandbox.running(settings=sandbox.Settings(receivers={"shop": sandbox.Receiver(SECRET)})) as receiver:
            receiver.memory.newest = received
            with started(port, Path(name), **environment) as process:
                assert await asyncio.to_thread(said, process, "Ready")
                create = [sys.executable, "-m", "regulars.cli", "workspace", "create", "Corner Shop", "--json"]
                child = os.environ | {"REGULARS_DATA_DIR": name, "PYTHONPATH": str(CHECKOUT)}
                made = json.loads(await asyncio.to_thread(subprocess.check_output, create, env=child))
                shop = Trier(f"http://127.0.0.1:{port}", made, received)
                settings = {"url": f"{receiver.base_url}/webhook/shop", "secret": SECRET}
                tool = (await shop.ask("POST", "/integrations", tool="webhook", settings=settings))["integration"]
                assert (await shop.ask("POST", f"/integrations/{tool['id']}/initialize"))["ok"]
                for topic in TOPICS:
                    await shop.ask("POST", "/send-events", topic=topic, integration_id=tool["id"])
                try:
                    yield shop
                finally:
                    await shop.client.aclose()
                    process.terminate()
                    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0
        await asyncio.sleep(0)  # the receiver's last connections end


async def test_a_month_goes_by_in_a_moment() -> None:
    async with trying() as shop:
        lasts = {"expiry": "per_lot", "expire_after": 40, "expire_unit": "days"}
        await shop.ask("PATCH", "/workspace", events_on=True, time_zone="Asia/Kolkata", settings={"book": lasts})
        asha = (await shop.ask("POST", "/customers", customer_id="asha-of-pune"))["id"]
        gift = {"operation": "cr", "amount": 500, "reason": "A late parcel"}
        await shop.ask("POST", f"/customers/{asha}/transactions", **gift)
        given_at = datetime.now(UTC)
        for back in (given_at - timedelta(seconds=1), given_at + timedelta(days=800)):
            refused = await shop.move(back)
            assert (refused.status_code, list(refused.json()["fields"])) == (422, ["now"])

        # Each of the two processes that answer is asked more than once, and none goes by another time.
        assert (await shop.move(given_at + timedelta(days=35))).status_code == 200
        await shop.until(lambda: len(shop.told("coinexpirynotify_create")) == 2)
        for notice in shop.told("coinexpirynotify_create"):
            assert notice["wallet_expiry_unit"] in ("month", "week")
            assert notice["wallet_expiry_amount"] == 500
            assert notice["wallet_expiry_notify_generated_on"] >= (given_at + timedelta(days=35)).isoformat()
        for _ in range(8):
            assert (await shop.ask("GET", f"/customers/{asha}"))["wallets"]["coins"]["available"] == 500
        assert shop.told("wallettrasaction_update") == []

        assert (await shop.move(given_at + timedelta(days=42))).status_code == 200
        for _ in range(8):
            assert (await shop.ask("GET", f"/customers/{asha}"))["wallets"]["coins"]["available"] == 0
        await shop.until(lambda: shop.told("wallettrasaction_update"))
        (gone,) = shop.told("wallettrasaction_update")
        assert (gone["amount"], gone["status"], gone["user_available_balance"]) == (500, "expired", 0)
        moves = [line for line in (await shop.ask("GET", "/audit"))["items"] if line["act"] == "clock.move"]
        assert [line["actor"] for line in moves] == ["key:First admin key"] * 2
