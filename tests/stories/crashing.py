"""Processes to be killed, and clients who keep on asking while they are."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from regulars.sandbox import Fault, Receiver, Sandbox, Settings
from regulars.sandbox import server as sandbox_server
from regulars.sandbox.memory import Received

PATIENCE_S = 120.0  # a machine may have much else to do


@dataclass(frozen=True)
class Reward:
    """What a 200 said."""

    lead_id: UUID
    txn_id: UUID
    amount: int


@dataclass(frozen=True)
class Asked:
    """What clients ask for. The holder has coins enough for every hold and every coupon."""

    trigger_id: UUID
    hook_path: str
    holder_id: UUID
    offer_id: UUID
    scarce_id: UUID
    referral_codes: list[str]


@dataclass
class Told:
    """What the clients were answered, and how: a key that was asked is in one of the first three in the end, unless its
    call was refused. An order's name has the number of its report, 2 when it was refunded. A hold ends as was answered,
    or by itself. Coupons are told by their codes, and friends by their referrals, with how they stand."""

    rewards: dict[str, Reward] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    holds: dict[UUID, tuple[str, int]] = field(default_factory=dict)
    coupons: dict[str, str] = field(default_factory=dict)
    friends: dict[UUID, str] = field(default_factory=dict)
    too_late: int = 0
    sold_out: int = 0
    hooks: set[str] = field(default_factory=set)
    answers: int = 0
    lost: int = 0
    hits: int = 0
    unexpected: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{name}={n if isinstance(n, int) else len(n)}" for name, n in vars(self).items())


class Load(threading.Thread):
    """Clients, each of which asks one thing at a time, over and over under one Idempotency-Key until it is answered;
    and the receiver of the shop's webhook, and the platform where its coupons are made."""

    def __init__(self, ports: list[int], seed: int, *, clients: int) -> None:
        super().__init__(name="load", daemon=True)
        self.told = Told()
        self.received: deque[Received] = deque()
        self.receiver_url = ""
        self._ports, self._seed, self._clients = ports, seed, clients
        self.sandbox: Sandbox
        self._headers: dict[str, str] = {}
        self._asked: Asked
        self._listening, self._open, self._over, self._gone = (threading.Event() for _ in range(4))

    def listen(self, secret: str) -> str:
        """Starts the receiver; its address."""
        self._secret = secret
        self.start()
        assert self._listening.wait(PATIENCE_S)
        return self.receiver_url

    def ask(self, headers: dict[str, str], asked: Asked) -> None:
        """Lets the clients in."""
        self._headers, self._asked = headers, asked
        self._open.set()

    def stop_asking(self, mend: Callable[[], None]) -> None:
        """Returns when each client has its last answer."""
        self._over.set()
        self.wait_for(lambda: self._asking == 0, mend)

    def end(self) -> None:
        self._over.set()
        self._open.set()
        self._gone.set()
        self.join(PATIENCE_S)

    def wait_for_more(self, mend: Callable[[], None], *, answers: int = 0, received: int = 0) -> None:
        """Until that many more were answered, and that many more calls came to the receiver."""
        answers, received = self.told.answers + answers, len(self.received) + received
        self.wait_for(lambda: self.told.answers >= answers and len(self.received) >= received, mend)

    def wait_for(self, reached: Callable[[], bool], mend: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            mend()
            assert time.monotonic() < deadline, f"the load came to a stop; received={len(self.received)}, {self.told}"
            assert not self.told.unexpected, self.told.unexpected
            time.sleep(0.002)

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._asking = self._clients
        async with sandbox_server.running(settings=Settings(receivers={"shop": Receiver(self._secret)})) as sandbox:
            sandbox.memory.newest = self.received
            self.receiver_url, self.sandbox = f"{sandbox.base_url}/webhook/shop", sandbox
            sandbox.faults.put(Fault("shopify", "500_after", share=0.1))
            self._listening.set()
            await asyncio.to_thread(self._open.wait)
            async with asyncio.TaskGroup() as group:
                for number in range(self._clients):
                    group.create_task(self._client(number))
            await asyncio.to_thread(self._gone.wait)

    async def _client(self, number: int) -> None:
        random, line = Random(f"{self._seed} {number}"), Line(self._ports)
        asked = 0
        try:
            while not self._over.is_set():
                asked += 1
                key = f"key-{number}-{asked}"
                if number == 0:
                    await self._report_order(line, random, key, *divmod(asked - 1, 3))
                elif number == 1:
                    await self._send_hook(line, random, f"hook-{asked}")
                elif number in (2, 3):
                    await self._hold(line, random, key)
                elif number in (4, 5):
                    await self._buy(line, random, key)
                elif number == 6:
                    await self._refer(line, random, key)
                else:
                    await self._fire(line, random, key)
        finally:
            line.close()
            self._asking -= 1

    async def _fire(self, line: Line, random: Random, key: str) -> None:
        customer = f"customer-{random.randrange(60)}"
        body = {
            "trigger_id": str(self._asked.trigger_id),
            "customer_id": customer,
            "metadetail": {"email": f"{customer}@a.shop"},
        }
        answer = await self._until_answered(line, random, key, "/api/v2/merchant/activities", body)
        txn = answer["data"]["wallet_reward"]
        self.told.rewards[key] = Reward(UUID(txn["lead_id"]), UUID(txn["_id"]), txn["amount"])

    async def _report_order(self, line: Line, random: Random, key: str, number: int, report: int) -> None:
        """Each order three times: unpaid, paid, and refunded."""
        its = Random(number)
        amount = f"{its.randrange(100, 9000) / 100:.2f}"
        body = {
            "source": "till",
            "reference_id": str(number),
            "customer": {"customer_id": f"customer-{its.randrange(60)}"},
            "amount": amount,
            "currency_code": "usd",
            "placed_at": "2026-03-14T09:26:53Z",
            "financial_status": "paid" if report else "pending",
            "refunds": [{"refund_id": "all", "amount": amount}] if report == 2 else [],
        }
        await self._until_answered(line, random, key, "/api/v1/orders", body)
        self.told.orders[key] = f"{number}:{report}"

    async def _hold(self, line: Line, random: Random, key: str) -> None:
        """A cart's coins, for seconds: captured in part, voided, or left to their time limit."""
        amount, until = random.randint(2, 90), datetime.now(UTC) + timedelta(seconds=random.uniform(1, 8))
        body = {"amount": amount, "reference": key, "expires_at": until.isoformat()}
        path = f"/api/v1/customers/{self._asked.holder_id}/holds"
        if (held := await self._until_answered(line, random, key, path, body, refused=422)) is None:
            self.told.too_late += 1
            return
        self.told.others.add(key)
        ending = random.choice(["capture", "capture", "void", "left"])
        ends = self.told.holds[UUID(held["id"])] = ("void", amount)
        if ending != "left":
            part = {"amount": random.randint(1, amount)} if ending == "capture" else None
            path = f"/api/v1/holds/{held['id']}/{ending}"
            if await self._until_answered(line, random, f"{key}-{ending}", path, part, refused=409) is None:
                self.told.too_late += 1
                return
            self.told.others.add(f"{key}-{ending}")
            ends = (ending, part["amount"] if part else amount)
        self.told.holds[UUID(held["id"])] = ends

    async def _buy(self, line: Line, random: Random, key: str) -> None:
        """A coupon, which is a discount at the platform too; every other one is used at another checkout."""
        offer_id = random.choice([self._asked.offer_id, self._asked.offer_id, self._asked.scarce_id])
        body = {"offer_id": str(offer_id), "lead_id": str(self._asked.holder_id)}
        path = "/api/v2/merchant/offerredeems"
        if (answer := await self._until_answered(line, random, key, path, body, refused=422)) is None:
            self.told.sold_out += 1
            return
        code = answer["data"]["item"]["value"]
        self.told.others.add(key)
        self.told.coupons[code] = "issued"
        if random.random() < 0.5:
            path = f"/api/v1/coupons/{code}/redeem"
            await self._until_answered(line, random, f"{key}-used", path, {"reference": key})
            self.told.others.add(f"{key}-used")
            self.told.coupons[code] = "redeemed"

    async def _refer(self, line: Line, random: Random, key: str) -> None:
        """A friend claims a customer's code and orders, and every third gets the money back."""
        email, its = f"{key}@friends.shop", Random(key)
        body = {"referred_by_referral_code": its.choice(self._asked.referral_codes), "metadetail": {"email": email}}
        claimed = await self._until_answered(line, random, key, "/api/v2/merchant/leads-referral-via-email", body)
        self.told.others.add(key)
        self.told.friends[UUID(claimed["data"]["item"]["_id"])] = "claimed"
        await self._order_as_friend(line, random, f"friend-{key}", email, [])
        self.told.friends[UUID(claimed["data"]["item"]["_id"])] = "completed"
        if its.random() < 0.3:
            await self._order_as_friend(line, random, f"friend-{key}", email, [{"refund_id": "all", "amount": "50.00"}])
            self.told.friends[UUID(claimed["data"]["item"]["_id"])] = "refunded"

    async def _order_as_friend(
        self, line: Line, random: Random, name: str, email: str, refunds: list[dict[str, str]]
    ) -> None:
        body = {
            "source": "web",
            "reference_id": name,
            "customer": {"customer_id": name, "email": email},
            "amount": "50.00",
            "currency_code": "usd",
            "placed_at": datetime.now(UTC).isoformat(),
            "financial_status": "paid",
            "delivery_status": "fulfilled",
            "lines": [{"product_id": "snowboard", "quantity": 1, "amount": "50.00"}],
            "refunds": refunds,
        }
        key = f"{name}-{'refunded' if refunds else 'ordered'}"
        await self._until_answered(line, random, key, "/api/v1/orders", body)
        self.told.orders[key] = f"{name}:{2 if refunds else 1}"

    async def _send_hook(self, line: Line, random: Random, reference: str) -> None:
        """A shop's website tells of an order, until it is told that it was taken."""
        body = {
            "reference_id": reference,
            "customer": {"customer_id": f"customer-{random.randrange(60)}"},
            "amount": f"{random.randrange(100, 9000) / 100:.2f}",
            "currency_code": "usd",
            "placed_at": "2026-03-14T09:26:53Z",
        }
        await self._until_answered(line, random, reference, self._asked.hook_path, body)
        self.told.hooks.add(reference)

    async def _until_answered(
        self, line: Line, random: Random, key: str, path: str, body: object, *, refused: int = 0
    ) -> Any:
        """The body of the 200 or 201, None where it was refused with that status. What is lost, as the server died or
        this client hung up, is asked again."""
        raw = json.dumps(body).encode() if body else b""
        while not self._gone.is_set():
            try:
                async with asyncio.timeout(10):
                    hang_up = random.random() < 0.03
                    status, headers, answer = await line.post(
                        path, self._headers | {"idempotency-key": key, **_TOPIC}, raw, hang_up=hang_up
                    )
            except (OSError, EOFError, TimeoutError):
                line.close()
                self.told.lost += 1
                await asyncio.sleep(0.01)
                continue
            if status != 503:
                self.told.answers += 1
                self.told.hits += headers.get("idempotency-hit") == "true"
                if status == refused:
                    return None
                if status not in (200, 201):
                    self.told.unexpected.append(f"{status} {answer.decode()}")
                    break
                return json.loads(answer)
            self.told.lost += 1
            await asyncio.sleep(0.01)
        raise asyncio.CancelledError


_TOPIC = {"x-custom-website-topic": "orders/created"}


class Line:
    """One connection to one of the servers, to the next one when it broke."""

    def __init__(self, ports: list[int]) -> None:
        self._ports, self._opened = ports, 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(
        self, path: str, headers: dict[str, str], body: bytes, *, hang_up: bool
    ) -> tuple[int, dict[str, str], bytes]:
        """Raises OSError or EOFError when no answer came."""
        if self._streams is None:
            self._opened += 1
            self._streams = await asyncio.open_connection("127.0.0.1", self._ports[self._opened % len(self._ports)])
        reader, writer = self._streams
        lines = [f"POST {path} HTTP/1.1", "host: shop", "content-type: application/json"]
        lines += [f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        if hang_up:
            raise EOFError
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        said = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        return int(head[0].split()[1]), said, await reader.readexactly(int(said["content-length"]))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
