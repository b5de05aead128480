"""A street of tools for tests: carriers that render plainly, and a sender that answers what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from regulars import delivery, events, tenancy
from regulars.delivery import CheckResult, Delivery, GaveUp, Outcome, Parcel, StoredAttempt
from regulars.delivery.carrier import read_no_answer, read_status
from regulars.events import NewEvent
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import NotFound
from regulars.kit.http import Answer, NoAnswer, Request
from regulars.kit.ids import new_id

BODY = '{"user_name":"Asha Rao","amount":120,"operation":"cr"}'


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "text/plain", **named}, body, 7)


class PlainCarrier:
    """POSTs the body to its URL."""

    source: delivery.SourceKind = "event"
    at_once = 64
    windows: tuple[delivery.Window, ...] = ()
    profile_windows: tuple[delivery.Window, ...] = ()
    keeps_profiles = False
    in_order = False
    together: delivery.Together | None = None

    def __init__(self, url: str) -> None:
        self.url = url

    def render(self, parcel: Parcel) -> Request | GaveUp:
        headers = {"delivery-id": str(parcel.delivery_id), "authorization": "Bearer hush"}
        return Request("POST", self.url, headers, parcel.body.encode(), frozenset({"authorization"}))

    def read(self, answer: Answer) -> Outcome:
        return read_status("The tool", answer, answer.body[:40].decode("utf-8", "replace"))

    def unanswered(self, parcel: Parcel, end: NoAnswer) -> Outcome:
        return read_no_answer("The tool", parcel, end, retry_unclear=True)

    def check(self, at: datetime) -> Request:
        raise NotImplementedError

    def read_check(self, end: Answer | NoAnswer) -> CheckResult:
        raise NotImplementedError


class Street:
    """The carriers of some lanes, and the sender behind them. Unscripted calls are answered 200.

    `script[url]` is what the next calls to a URL get; `gates[url]` holds its calls until the event is set.
    """

    def __init__(self) -> None:
        self.carriers: dict[UUID, delivery.Carrier] = {}
        self.paused_lanes: dict[UUID, str] = {}
        self.prepared: dict[UUID, delivery.Skipped | delivery.Later] = {}
        self.settled: list[delivery.Settled] = []
        self.script: dict[str, list[Answer | NoAnswer]] = {}
        self.always: dict[str, Answer | NoAnswer] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.profiles_read: list[list[UUID]] = []
        self.received: list[tuple[str, str]] = []
        self.arrivals = asyncio.Condition()
        self.at: Callable[[], datetime] | None = None
        self.times: list[datetime] = []

    async def carrier_of(self, tx: Tx, workspace_id: UUID, integration_id: UUID) -> delivery.Carrier:
        if integration_id not in self.carriers:
            raise NotFound("This integration does not exist.")
        return self.carriers[integration_id]

    async def pause(self, tx: Tx, workspace_id: UUID, integration_id: UUID, reason: str, now: datetime) -> None:
        self.paused_lanes[integration_id] = reason
        await delivery.pause_lane(tx, workspace_id, integration_id, reason)

    async def prepare(
        self,
        tx: Tx,
        workspace: tenancy.Workspace,
        carrier: delivery.Carrier,
        page: Sequence[delivery.Due],
        now: datetime,
    ) -> Sequence[delivery.Due | delivery.Skipped | delivery.Later]:
        if carrier.source == "message":
            return [self.prepared.get(one.id) or replace(one, body=BODY) for one in page]
        if not carrier.keeps_profiles:
            return list(page)
        self.profiles_read.append(sorted({one.customer_id for one in page if one.customer_id}))
        return [replace(one, profile={"read": len(self.profiles_read)}) for one in page]

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[delivery.Settled], now: datetime) -> None:
        self.settled += settled

    async def send(self, request: Request) -> Answer | NoAnswer:
        url = request.url
        async with self.arrivals:
            self.received.append((url, request.headers["delivery-id"]))
            if self.at is not None:
                self.times.append(self.at())
            self.arrivals.notify_all()
        if url in self.gates:
            await self.gates[url].wait()
        scripted = self.script.get(url)
        return scripted.pop(0) if scripted else self.always.get(url, answer())

    def ids(self, url: str) -> list[str]:
        return [delivery_id for at, delivery_id in self.received if at == url]

    async def until_received(self, url: str, count: int) -> None:
        async with asyncio.timeout(20), self.arrivals:
            await self.arrivals.wait_for(lambda: len(self.ids(url)) >= count)


class Corner:
    """One shop with lanes, and what a test asks of it."""

    def __init__(self, db: Database, workspace: tenancy.Workspace, clock: HandClock, street: Street) -> None:
        self.db, self.workspace, self.clock, self.street = db, workspace, clock, street

    async def lane(self, name: str = "tool", rate_per_minute: int = 6_000_000) -> UUID:
        """A lane whose carrier calls http://NAME/."""
        lane_id = new_id()
        self.street.carriers[lane_id] = PlainCarrier(f"http://{name}/")
        async with self.db.transaction() as tx:
            await delivery.open_lane(tx, self.workspace.id, lane_id, "webhook", rate_per_minute, self.clock.now())
        # The bucket starts empty; a second later it is as full as it gets.
        self.clock.advance(seconds=1)
        return lane_id

    async def queue(
        self, lane_id: UUID, count: int = 1, body: str = BODY, customer_id: UUID | None = None
    ) -> list[UUID]:
        """Events and one delivery of each; the deliveries' ids."""
        now, rule_id = self.clock.now(), new_id()
        new = [NewEvent("walletreward_create", customer_id or new_id(), body, now) for _ in range(count)]
        async with self.db.transaction() as tx:
            event_ids = await events.append(tx, self.workspace.id, new, now)
            await events.drop_pending(tx, self.workspace.id, "dispatch")
            addressee = delivery.Addressee(lane_id, rule_id, "Shop:", "walletreward_create")
            assert await delivery.queue(tx, self.workspace.id, [(addressee, event_ids)], now) == count
        return delivery.delivery_ids(event_ids, rule_id)

    async def found(self, delivery_id: UUID) -> tuple[Delivery, list[StoredAttempt]]:
        async with self.db.reading() as tx:
            return await delivery.get_delivery(tx, self.workspace.id, delivery_id)

    async def states(self, ids: Sequence[UUID]) -> list[str]:
        return [(await self.found(one))[0].state for one in ids]


@asynccontextmanager
async def corner(db: Database, clock: HandClock) -> AsyncIterator[Corner]:
    async with db.transaction() as tx:
        made = await tenancy.create_workspace(tx, "Corner Shop", now=clock.now())
        workspace = await tenancy.change_workspace(tx, made.id, {"events_on": True}, clock.now())
    yield Corner(db, workspace, clock, Street())
    async with db.transaction() as tx:
        # Lanes are looked for over all workspaces: leave none awake for the next test.
        await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", workspace.id)
        await events.drop_pending(tx, workspace.id, "dispatch")


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)
