"""Months of the logs: made ahead, hidden when a shop's choice has passed, dropped when all shops' have."""

import re
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from regulars import delivery, events, limits, retention, shops, tenancy
from regulars.delivery import Addressee
from regulars.events import NewEvent
from regulars.kit import ids, once, partitions
from regulars.kit.db import Database
from regulars.kit.errors import Invalid, NotFound
from regulars.kit.ids import new_id
from regulars.kit.queries import Queries
from tests import make
from tests.conftest import fresh_database

TABLES = ("events_event", "delivery_delivery", "delivery_attempt", "triggers_firing", "once_answer", "shops_hook")


@pytest.fixture
async def own(server_url: str) -> AsyncIterator[Database]:
    """One of its own, since its months come and go."""
    database = await Database.connect(await fresh_database(server_url))
    yield database
    await database.close()


async def months_of(db: Database, table: str) -> list[datetime]:
    async with db.reading() as tx:
        return [one.starts_at for one in await partitions.partitions(tx) if one.growing.table == table]


async def an_event(db: Database, shop: tenancy.Workspace, at: datetime, *, announced: bool = False) -> UUID:
    async with db.transaction() as tx:
        new = [NewEvent("order_create", shop.id, "{}", at)]
        [event_id] = await events.append(tx, shop.id, new, at, announced=announced)
    return event_id


async def keep(db: Database, shop: tenancy.Workspace, **months: int) -> tenancy.Workspace:
    async with db.transaction() as tx:
        changes = {"settings": {"retention": months}}
        return await tenancy.change_workspace(tx, shop.id, changes, datetime.now(UTC))


async def swept(db: Database, now: datetime, *, until: float = limits.PARTITION_NOTICE_S) -> list[str]:
    """What goes now, or after a notice of so many seconds."""
    return [*await retention.sweep(db, now), *await retention.sweep(db, now + timedelta(seconds=until))]


async def test_there_are_months_for_what_comes_and_none_for_the_rest(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    shop = await make.a_workspace(own, now)
    ahead = [partitions.month(now, later) for later in range(limits.PARTITIONS_AHEAD_MONTHS + 1)]
    for table in TABLES:
        assert await months_of(own, table) == ahead
    # Half a year later, by the clock that ids are made by, and with workers that come all at once.
    later = now + timedelta(days=183)
    with monkeypatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        patch.setattr(time, "time_ns", lambda: int(later.timestamp() * 1e9))
        with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
            async with own.transaction() as tx:
                await events.append(tx, shop.id, [NewEvent("order_create", shop.id, "{}", now)], now)
        await retention.sweep(own, now)
        await an_event(own, shop, now)
        assert partitions.month(later, limits.PARTITIONS_AHEAD_MONTHS) in await months_of(own, "events_event")
        async with own.transaction() as tx:
            assert await partitions.make(tx, later) == [], "what is there is not made again"


async def test_what_is_older_than_a_shop_keeps_is_neither_shown_nor_answered(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    shop, other = await make.a_workspace(db, now), await make.a_workspace(db, now, "Other")
    answer = once.Answer("key", b"fingerprint", 200, "{}")
    async with make.ids_of(db, monkeypatch, now - timedelta(days=9 * 31)):
        old = {one.id: await an_event(db, one, now) for one in (shop, other)}
        async with db.transaction() as tx:
            once.remember(tx, shop.id, [once.Answer("old", b"fingerprint", 200, "{}")])
            for one in (shop, other):
                await delivery.open_lane(tx, one.id, one.id, "webhook", 60, now)
                await delivery.queue(tx, one.id, [(Addressee(one.id, one.id, "", "order_create"), [old[one.id]])], now)
    async with db.transaction() as tx:
        once.remember(tx, shop.id, [answer])
    await keep(db, other, deliveries_months=12)
    await keep(db, shop, events_months=8)
    async with db.reading() as tx:
        assert await events.recent(tx, shop.id, limit=9) == []
        assert [event.id for event in await events.recent(tx, other.id, limit=9)] == [old[other.id]]
        assert (await delivery.search_deliveries(tx, shop.id)).items == []
        assert await delivery.deliveries_of_events(tx, shop.id, [old[shop.id]]) == {}
        [sent] = (await delivery.search_deliveries(tx, other.id)).items
        [hidden] = delivery.delivery_ids([old[shop.id]], shop.id)
        for read, its in ((events.get, old), (delivery.get_delivery, {shop.id: hidden, other.id: sent.id})):
            await read(tx, other.id, its[other.id])
            with pytest.raises(NotFound):
                await read(tx, shop.id, its[shop.id])
        known = await once.recall(tx, shop.id, ["key", "old"])
    assert known["key"].again(b"fingerprint") == "{}"
    with pytest.raises(once.AnswerGone, match="was carried out"):
        known["old"].again(b"fingerprint")
    with pytest.raises(once.KeyReused):
        known["old"].again(b"of another request")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as tx:
            once.remember(tx, shop.id, [once.Answer("old", b"", 200, "")])
    async with db.transaction() as tx:
        with pytest.raises(NotFound):
            await delivery.replay(tx, shop.id, hidden, now)


async def test_a_month_goes_when_no_shop_keeps_it_and_nothing_in_it_waits(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    shop, other = await make.a_workspace(own, now), await make.a_workspace(own, now, "Other")
    then = now - timedelta(days=15 * 31)
    async with own.transaction() as tx:
        await events.switch(tx, shop.id, True, now)
        await make.heard(tx, shop.id, now, "order_create")
    async with make.ids_of(own, monkeypatch, then):
        event_id = await an_event(own, shop, now, announced=True)
    month = partitions.month(then)
    name = f"events_event_{month:%Y_%m}"
    await keep(own, other, events_months=24)
    gone = await swept(own, now)
    assert name not in gone, "another shop keeps it"
    assert f"delivery_attempt_{month:%Y_%m}" in gone, "months of what is kept for a shorter time go"
    await keep(own, other, events_months=None)  # type: ignore[arg-type]
    # It is still pending; then it waits to be sent; each is told of.
    assert name not in await swept(own, now)
    async with own.transaction() as tx:
        await partitions.make(tx, then)
        [pending] = await events.claim_pending(tx, shop.id, "dispatch", 9)
        assert pending.id == event_id
        await delivery.queue(tx, shop.id, [(Addressee(shop.id, shop.id, "", "order_create"), [event_id])], now)
    assert name not in await swept(own, now + timedelta(days=2))
    async with own.reading() as tx:
        told = await retention.held(tx, now + timedelta(days=4))
    assert told["events_event"] >= 1
    assert told["triggers_firing"] == 0
    async with own.transaction() as tx:
        await tx.execute("UPDATE delivery_delivery SET state = 'failed' WHERE workspace_id = $1", shop.id)
    assert name in await retention.sweep(own, now + timedelta(days=4))
    assert month not in await months_of(own, "events_event")
    assert partitions.month(now) in await months_of(own, "events_event")


async def test_hooks_are_kept_as_long_as_a_shop_chose_and_until_they_are_handled(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    shop, other = await make.a_workspace(own, now), await make.a_workspace(own, now, "Other")
    then, source_id, kept = now - timedelta(days=9 * 31), new_id(), {}
    new = shops.NewHook(source_id=source_id, topic="orders/create", reference="", body=b"{}")
    async with make.ids_of(own, monkeypatch, then), own.transaction() as tx:
        for one in (shop, other):
            [kept[one.id]] = await shops.keep(tx, one.id, [new], then)
    await keep(own, other, hooks_months=12)
    async with own.transaction() as tx:
        await tx.execute("UPDATE shops_hook SET state = 'failed' WHERE workspace_id = $1", shop.id)
        for one, seen in ((shop, []), (other, [kept[other.id]])):
            found, _ = await shops.search_hooks(tx, one.id, source_id=source_id)
            assert [hook.id for hook in found] == seen
        assert await shops.count_failed(tx, shop.id, source_id) == 0
        assert await shops.replay_failed(tx, shop.id, source_id, None, now) == (0, 0)
        for act in (shops.get_hook(tx, shop.id, kept[shop.id]), shops.replay(tx, shop.id, [kept[shop.id]], now)):
            with pytest.raises(NotFound):
                await act
        await shops.replay(tx, other.id, [kept[other.id]], now)
    name = f"shops_hook_{partitions.month(then):%Y_%m}"
    assert name not in await swept(own, now), "another shop keeps it"
    await keep(own, other, hooks_months=None)  # type: ignore[arg-type]
    assert name not in await swept(own, now + timedelta(days=2)), "a hook in it is still to be handled"
    async with own.transaction() as tx:
        await tx.execute("UPDATE shops_hook SET state = 'done' WHERE workspace_id = $1", other.id)
    assert name in await retention.sweep(own, now + timedelta(days=4))


async def test_a_clock_that_leaps_for_an_hour_drops_nothing(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    shop = await make.a_workspace(own, now)
    then = now - timedelta(days=8 * 31)
    async with make.ids_of(own, monkeypatch, then):
        await an_event(own, shop, now)
    month = f"{partitions.month(then):%Y_%m}"
    # For the database a month is too old for as long as a shop says so; a leap does the same.
    await keep(own, shop, events_months=7, deliveries_months=1)
    assert await swept(own, now, until=limits.PARTITION_NOTICE_S - 1) == []
    await keep(own, shop, events_months=24, deliveries_months=24)
    name = f"delivery_delivery_{month}"
    assert name not in await retention.sweep(own, now + timedelta(days=30))
    await keep(own, shop, events_months=7, deliveries_months=1)
    assert name not in await retention.sweep(own, now + timedelta(days=31)), "it is given notice anew"
    assert name in await retention.sweep(own, now + timedelta(days=32))


async def test_a_month_in_use_waits_and_nobody_behind_it(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    shop = await make.a_workspace(own, now)
    async with make.ids_of(own, monkeypatch, now - timedelta(days=15 * 31)):
        await an_event(own, shop, now)
    await retention.sweep(own, now)
    async with own.snapshot() as tx:
        assert await events.count(tx, shop.id) == 1  # a report that goes on for hours
        assert not any("events_event" in name for name in await retention.sweep(own, now + timedelta(days=1)))
        await an_event(own, shop, now)
    assert any("events_event" in name for name in await retention.sweep(own, now + timedelta(days=1)))


@pytest.mark.parametrize(
    ("months", "fields"),
    [
        ({"events_months": 6}, ["events_months"]),
        ({"deliveries_months": 0, "answers_months": 61}, ["deliveries_months", "answers_months"]),
        ({"events_months": 8, "deliveries_months": 9}, ["deliveries_months"]),
        ({"firings_months": 1.5, "coins_months": 3}, ["firings_months", "coins_months"]),
    ],
)
async def test_what_can_not_be_chosen_is_named(db: Database, months: dict[str, Any], fields: Sequence[str]) -> None:
    shop = await make.a_workspace(db, datetime.now(UTC))
    with pytest.raises(Invalid) as refused:
        await keep(db, shop, **months)
    assert list(refused.value.fields) == [f"settings.retention.{field}" for field in fields]


async def test_the_database_and_the_settings_mean_the_same_months(db: Database) -> None:
    now = datetime.now(UTC)
    shop = await make.a_workspace(db, now)
    chosen = await keep(db, shop, events_months=24, answers_months=1)
    assert chosen.retention == tenancy.Retention(24, 6, 13, 1, 6)
    for workspace in (await make.a_workspace(db, now, "Usual"), chosen):
        async with db.reading() as tx:
            sql = "SELECT kind, first_id FROM tenancy_kept WHERE workspace_id = $1"
            first = {row["kind"]: ids.made_at(row["first_id"]) for row in await tx.fetch(sql, workspace.id)}
            for kind, at in first.items():
                months = getattr(workspace.retention, f"{kind}_months")
                asked = "SELECT now() - make_interval(months => $1)"
                assert abs(await tx.fetchval(asked, months) - at) < timedelta(minutes=1)


async def test_statements_that_are_always_at_work_open_the_months_of_their_ids_alone(own: Database) -> None:
    """Planned once for all values, as they are after some calls; a list by ids stops where its page is full."""
    now = datetime.now(UTC)
    shop = await make.a_workspace(own, now)
    async with own.transaction() as tx:
        for back in range(4, 25, 4):
            await partitions.make(tx, partitions.month(now, -back))
    two = f"'{{{new_id()},{new_id()}}}'"
    given = f"'{shop.id}', {two}"
    listed = Queries(events.__file__)
    asked = {
        listed.bodies: f"{given}, '{{a,b}}'",
        listed.by_ids: f"{given}, '{{a,b}}'",
        Queries(delivery.__file__).lock_deliveries: f"'{shop.id}', '{new_id()}', {two}",
        Queries(shops.__file__).take_hooks: given,
        listed.recent: f"'{shop.id}', '{ids.AFTER_ALL_IDS}', 20, '{ids.first_id_at(now - timedelta(days=40))}'",
    }
    async with own.transaction() as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for number, (sql, values) in enumerate(asked.items()):
            await tx.execute(f"PREPARE asked_{number} AS {sql}")
            plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN EXECUTE asked_{number} ({values})"))
            opened = set(re.findall(r"Scan [^\n]* on (?:events_event|delivery_delivery|shops_hook)_(\d+_\d+)", plan))
            assert 1 <= len(opened) <= (1 if number < 4 else 2 + limits.PARTITIONS_AHEAD_MONTHS + 1), plan
        await tx.execute("DEALLOCATE ALL")
